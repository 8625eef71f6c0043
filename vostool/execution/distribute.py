"""Tracking sequences into a run folder: in this process, or shared out among workers."""

import heapq
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vostool.datasets.clips import Clips
from vostool.errors import ClusterError
from vostool.execution.pools import Crew, crew_of, in_groups
from vostool.execution.worker import Batch, Session, WorkerSpec, track_batch, worker_info
from vostool.io.storage import is_remote
from vostool.runs.folder import Finished, Manifest, RunFolder
from vostool.tracking.experiments import Track
from vostool.tracking.job import Job
from vostool.types import AnyClip, Clip, portable

MANY = 5000  # sequences; of more, short ones are put together, or handing them out takes too long
FRAMES = 500  # of a task that short sequences are put together into


def batches(sequences: Iterable[AnyClip], most: int | None = None) -> list[list[AnyClip]]:
    """Put sequences together into tasks.

    Args:
        sequences: to be tracked.
        most: frames of a task; a longer sequence is a task of its own. 0 for one sequence a task,
            None for `FRAMES` where there are more sequences than `MANY`, otherwise 0.

    Returns:
        Tasks, the one with the longest sequences first.
    """
    ordered = sorted(sequences, key=len, reverse=True)
    if most is None:
        most = FRAMES if len(ordered) > MANY else 0
    tasks: list[list[AnyClip]] = []
    room = 0
    for sequence in ordered:
        if not tasks or len(sequence) > room:
            tasks.append([])
            room = most
        tasks[-1].append(sequence)
        room -= len(sequence)
    return tasks


def share_of(sequences: Sequence[AnyClip], shard: int, shards: int) -> list[AnyClip]:
    """Return the sequences of one shard; the shards have about as many frames each.

    Which these are depends on nothing but the names and lengths of all: the longest is given to the
    first shard, every further one to the shard with the fewest frames so far (R. L. Graham, "Bounds
    on Multiprocessing Timing Anomalies", 1969).

    Args:
        sequences: all, whether they are tracked or not.
        shard: counted from 1.
        shards: how many there are.

    Returns:
        The shard's sequences, in the order in which they were given.
    """
    loads = [(0, number) for number in range(1, shards + 1)]
    mine: set[str] = set()
    for sequence in sorted(sequences, key=lambda each: (-len(each), each.name)):
        frames, number = heapq.heappop(loads)
        heapq.heappush(loads, (frames + len(sequence), number))
        if number == shard:
            mine.add(sequence.name)
    return [sequence for sequence in sequences if sequence.name in mine]


Advance = Callable[[int, str], None]  # frames done, name of the sequence


@dataclass(frozen=True, slots=True)
class TrackingContext:
    """The tracker, workers and progress callback of a run.

    Args:
        job: the tracker.
        track_sequence: see `tracking.experiments`.
        workers: processes of this machine that share it; of an executor, if it does not tell.
        executor: shares out the sequences; None for processes of this machine.
        batch: frames of a task, see `batches`.
        advance: told of frames as they are done.
    """

    job: Job
    track_sequence: Track
    workers: int = 1
    executor: Executor | None = None
    batch: int | None = None
    advance: Advance = lambda frames, sequence: None

    def track(
        self, folder: RunFolder, manifest: Manifest, dataset: Clips[Any], todo: Sequence[Clip]
    ) -> Iterator[list[Finished]]:
        """Return an iterator that tracks sequences, for the caller to make them part of the run.

        Args:
            folder: of the run, locked.
            manifest: of the run.
            dataset: holds the sequences.
            todo: what to track.
        """
        shared = self.executor is not None or (self.workers > 1 and len(todo) > 1)
        return (self._by_workers if shared else self._here)(folder, manifest, dataset, todo)

    def _here(
        self, folder: RunFolder, manifest: Manifest, dataset: Clips[Any], todo: Sequence[Clip]
    ) -> Iterator[list[Finished]]:
        """Yield the sequences as they are finished by this process."""
        describe(manifest, self.job)
        folder.begin(manifest)
        session: Session | None = None
        for sequence in todo:
            session = session or Session(self.job, dataset, sequence, self.track_sequence)
            on_frame = partial(self.advance, 1, sequence.name)
            hidden = folder.partial(sequence.name)
            yield [session.finish(dataset, sequence, hidden, on_frame)]

    def _by_workers(
        self, folder: RunFolder, manifest: Manifest, dataset: Clips[Any], todo: Sequence[Clip]
    ) -> Iterator[list[Finished]]:
        """Yield the sequences in groups as they are finished by workers."""
        workers = min(self.workers, len(todo)) if self.executor is None else self.executor
        with crew_of(workers, self.workers) as opened:
            crew = opened.for_device(self.job.runtime.device)
            describe(manifest, self.job, crew)
            folder.begin(manifest)  # where the workers look for it
            spec = WorkerSpec(
                token=uuid.uuid4().hex,
                job=self.job,
                track=self.track_sequence,
                layout=folder.layout,
                folder=folder.path.absolute(),
                weights=manifest.weights["sha256"] if manifest.weights else None,
                versions=manifest.versions,
                sharing=crew.sharing(""),
            )
            tasks: deque[tuple[Any, ...]] = deque(
                (spec, [(dataset.only(each), each) for each in map(portable, batch)])
                for batch in batches(todo, self.batch)
            )
            for done in in_groups(crew, track_batch, tasks):
                group: list[Finished] = []
                for (_, clips), batch in done:
                    group += self._told(batch, crew, clips)
                    if left := clips[len(batch.finished) :]:
                        tasks.appendleft((spec, left))
                yield group
            crew.forget(spec.token)

    def _told(
        self, batch: Batch, crew: Crew, clips: list[tuple[Clips[Any], Clip]]
    ) -> Iterator[Finished]:
        """Yield what a worker finished, with the number of those that share its machine."""
        for each, (_, sequence) in zip(batch.finished, clips, strict=False):
            if not is_remote(each.partial) and not each.partial.is_dir():
                raise ClusterError(
                    f"{batch.worker} wrote masks to {each.partial}, which is not to be seen here. "
                    "Put --results on storage that this machine and all workers share."
                )
            self.advance(len(sequence), sequence.name)
            yield replace(each, status=replace(each.status, workers=crew.sharing(batch.worker)))


def describe(manifest: Manifest, job: Job, crew: Crew | None = None) -> None:
    """Record on what hardware a run begins, and with which versions; one that goes on knows.

    Args:
        manifest: of the run.
        job: the tracker.
        crew: whose workers will track; None if it is this process.
    """
    if not manifest.device_name:
        asked = (job.runtime.device, tuple(job.packages))
        found = worker_info(*asked) if crew is None else crew.first(worker_info, *asked)
        manifest.device_name, manifest.versions = found.device_name, found.versions
