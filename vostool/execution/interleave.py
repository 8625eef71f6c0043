"""Several trackers over the same frames in one process: each frame is decoded once for all of them.

They take turns sequence by sequence: each tracks the whole sequence alone, so that what its steps
are timed by is as it would be without the others. Every run is a run folder as `run.run_tracker`
writes it, with the same masks, and is resumed by either.
"""

import errno
import gc
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips
from vostool.datasets.regions import RegionDataset
from vostool.errors import VostoolError, resource_error
from vostool.execution.frame_cache import MB, SharedFrames
from vostool.execution.process_state import ProcessState
from vostool.execution.run import Advance, describe, new_manifest, opened_run
from vostool.execution.worker import Session, Track
from vostool.runs.folder import RunFolder
from vostool.runs.layouts import layout_of
from vostool.tracking.job import Job, RunRequest, prepare, run_name
from vostool.tracking.loop import track_sequence
from vostool.tracking.restarts import Experiment
from vostool.types import Clip
from vostool.workspace import Workspace

_FOR_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # what stops one stops all
AT_ONCE = 8  # trackers that are in memory at a time
BUDGET = 256 * MB  # of decoded frames: some 200 of DAVIS at 480p


class Turn:
    """One of the runs that take turns.

    After `run_together` it says what became of the run: `error`, why it failed, None if it did not;
    `sequences` and `frames`, how many were tracked; `seconds`, what that took, with building the
    tracker; `folder`, the run folder, None if it was not found out.
    """

    def __init__(self, request: RunRequest) -> None:
        self.request = request
        self.error: VostoolError | None = None
        self.folder: RunFolder | None = None
        self.sequences = 0
        self.frames = 0
        self.seconds = 0.0
        self.todo: dict[str, Clip] = {}
        self.alone = False  # it needs more memory than there is beside the others
        self._open = ExitStack()
        self._state = ProcessState()
        self._session: Session | None = None

    def begin(
        self,
        dataset: Clips[Any],
        workspace: Workspace,
        results: Path,
        track: Track,
        experiment: Mapping[str, Any] | None,
    ) -> None:
        """Lock the run folder and find out what it lacks."""
        with self._state.active():
            self._job: Job = prepare(self.request, workspace)
        name = run_name(self.request.tracker, self.request.name)
        self.folder = RunFolder(results / dataset.key / name, layout_of(dataset))
        fresh = new_manifest(self._job, dataset, name, experiment)
        opened = opened_run(self.folder, fresh, dataset)
        self._manifest, todo = self._open.enter_context(opened)
        self.todo = {sequence.name: sequence for sequence in todo}
        if self.todo:
            describe(self._manifest, self._job)
        self.folder.begin(self._manifest)
        self._dataset, self._track = dataset, track

    def take(self, sequence: Clip, frames: SharedFrames, advance: Advance) -> None:
        """Track a sequence and make it part of the run.

        Args:
            sequence: of `todo`.
            frames: reads them.
            advance: told of every frame.
        """
        assert self.folder is not None
        start = time.perf_counter()
        with self._state.active():
            if self._session is None:
                with frames.aside():  # it warms up; what it decodes then, it decodes once more
                    self._session = Session(
                        self._job, self._dataset, sequence, self._track, frames.read
                    )
            folder = self.folder.partial(sequence.name)
            before = frames.spared
            on_frame = partial(advance, 1, sequence.name)
            finished = self._session.finish(self._dataset, sequence, folder, on_frame)
        status = replace(finished.status, spared=frames.spared - before)
        if not self.alone:
            status = replace(status, peak_mb=None)  # of all trackers together
        self.folder.commit_all(self._manifest, [replace(finished, status=status)])
        del self.todo[sequence.name]
        self.sequences += 1
        self.frames += len(sequence)
        self.seconds += time.perf_counter() - start
        if not self.todo:
            self.end()

    def free(self) -> None:
        """Give the tracker's memory back."""
        self._session = None
        gc.collect()
        torch: Any = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def end(self) -> None:
        """Free the tracker and leave the run folder to others."""
        if self._session is not None:
            self.free()
        self._open.close()


def run_together(
    requests: Sequence[RunRequest],
    dataset: Clips[Any],
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    *,
    track: Track = track_sequence,
    experiment: Mapping[str, Any] | None = None,
    frames: SharedFrames | None = None,
) -> list[Turn]:
    """Track what several runs lack, in this process. One that fails does not stop the others.

    Args:
        requests: trackers and configurations.
        dataset: what to track.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of every frame that is done.
        track: tracks a sequence.
        experiment: what else decides the results, for the manifests.
        frames: shared by the trackers; within `BUDGET` if not given.

    Returns:
        What became of each request, in their order.

    Raises:
        OSError: a disk is full, or a file forbidden: it would be for the others, too.
    """
    turns = [Turn(request) for request in requests]
    frames = SharedFrames(BUDGET) if frames is None else frames
    for first in range(0, len(turns), AT_ONCE):
        with ExitStack() as stack:
            group = turns[first : first + AT_ONCE]
            for turn in group:
                stack.callback(turn.end)
                with _blamed(turn):
                    turn.begin(dataset, workspace, results, track, experiment)
            _take_turns([turn for turn in group if turn.todo], dataset.sequences, frames, advance)
    return turns


def _take_turns(
    turns: Sequence[Turn], sequences: Sequence[Clip], frames: SharedFrames, advance: Advance
) -> None:
    """Track sequence by sequence, and then what is to be done without the others."""
    if len(turns) == 1:
        turns[0].alone = True
    for sequence in sequences:
        next_ones = [t for t in turns if sequence.name in t.todo and not t.alone]
        frames.keep(len(next_ones) > 1)
        for turn in next_ones:
            with _blamed(turn):
                turn.take(sequence, frames, advance)
    frames.keep(False)
    for turn in turns:
        turn.free()
    for turn in turns:  # one that has no others, or not enough memory beside them
        for sequence in list(turn.todo.values()):
            with _blamed(turn):
                turn.take(sequence, frames, advance)
            if turn.error:
                break
        turn.free()


def failure_of(error: Exception) -> VostoolError:
    """Return the error that ends a run and no other.

    Raises:
        Exception: the error itself: it is a fault of the toolkit, or a full disk, which is full for
            the others, too.
    """
    explained = error if isinstance(error, VostoolError) else resource_error(error)
    if explained is None or getattr(error, "errno", None) in _FOR_ALL:
        raise error
    return explained


@contextmanager
def _blamed(turn: Turn) -> Iterator[None]:
    """Keep an error as that of a run, and end it.

    One that ran out of memory, maybe because of the others, gets another try without them.
    """
    try:
        yield
    except Exception as error:
        explained = failure_of(error)
        if not isinstance(error, VostoolError | OSError) and not turn.alone:
            turn.alone = True
            turn.free()
            return
        turn.error = explained
        turn.todo.clear()
        turn.end()


def run_regions_together(
    requests: Sequence[RunRequest],
    dataset: RegionDataset,
    experiment: Experiment,
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    frames: SharedFrames | None = None,
) -> list[Turn]:
    """Track what several runs on boxes lack, in this process; see `run_together`.

    Args:
        requests: trackers and configurations.
        dataset: what to track.
        experiment: how.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of every frame that is done.
        frames: shared by the trackers; within a usual budget if not given.
    """
    return run_together(
        requests,
        dataset,
        workspace,
        results,
        advance,
        track=experiment.track,
        experiment=asdict(experiment),
        frames=frames,
    )
