"""Running one tracker over one dataset: what is missing is tracked, what is there is kept."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from functools import partial as partial_call
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips
from vostool.device import device_name
from vostool.errors import ResourceError, ResultError
from vostool.jobs import Job, RunRequest, prepare, run_name
from vostool.provenance import git_revision, sha256_of, versions
from vostool.results import Manifest, RunFolder, SequenceStatus
from vostool.sequence import Clip
from vostool.timing import stopwatch_for
from vostool.tracking import SequenceResult, track_sequence, warm_up
from vostool.workers import WorkerPool
from vostool.workspace import Workspace

Advance = Callable[[int, str], None]  # frames done, name of the sequence
Track = Callable[..., SequenceResult]  # see `tracking.track_sequence`; workers get it pickled


def run_tracker(
    request: RunRequest,
    dataset: Clips[Any],
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    *,
    track: Track = track_sequence,
    kind: type[RunFolder] = RunFolder,
    experiment: Mapping[str, Any] | None = None,
) -> RunFolder:
    """Track every sequence of the dataset that the run folder lacks.

    Args:
        request: tracker, configuration and how to run it.
        dataset: what to track.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of frames as they are done: each one, or with several workers those of a
            whole sequence.
        track: tracks a sequence.
        kind: of the run folder.
        experiment: what else decides the results, for the manifest.

    Returns:
        The run folder, holding all sequences of the dataset.

    Raises:
        ResultError: the folder holds another run, or another process is writing it.
        WeightsError: the tracker needs weights, or the file is not there.
        VostoolError: as raised by the dataset and the tracker.
    """
    job = prepare(request, workspace)
    folder = kind(results / dataset.key / run_name(request.tracker, request.name))
    fresh = _manifest(job, dataset, folder.name)
    fresh.experiment = dict(experiment) if experiment is not None else None
    with folder.locked():
        if not folder.exists() and folder.has_masks():
            raise ResultError(
                f"{folder.path} holds masks but no run.json that tells whose they are. Remove that "
                "folder, or choose another name with --name."
            )
        manifest = _resumed(folder, fresh, dataset) if folder.exists() else fresh
        folder.tidy(manifest)
        folder.write_manifest(manifest)
        done = folder.complete(manifest)
        todo = [sequence for sequence in dataset.sequences if sequence.name not in done]
        for result, sequence, partial in _tracked(
            job, track, dataset, todo, folder, request.workers, advance
        ):
            status = SequenceStatus(
                fingerprint=dataset.fingerprint(sequence),
                first_mask=dataset.first_mask_hash(sequence),
                frames=len(result.steps),
                objects=result.objects,
                seconds=result.seconds,
                workers=min(request.workers, len(todo)),
                device_name=fresh.device_name,
                peak_mb=result.peak_mb,
            )
            folder.commit(manifest, sequence.name, partial, status, result.steps)
    return folder


def missing_sequences(
    request: RunRequest, dataset: Clips[Any], results: Path, kind: type[RunFolder] = RunFolder
) -> tuple[Clip, ...]:
    """Return the sequences of the dataset that the run folder of a request lacks."""
    folder = kind(results / dataset.key / run_name(request.tracker, request.name))
    done = folder.complete(folder.manifest()) if folder.exists() else set()
    return tuple(sequence for sequence in dataset.sequences if sequence.name not in done)


def _tracked(
    job: Job,
    track: Track,
    dataset: Clips[Any],
    todo: list[Clip],
    folder: RunFolder,
    workers: int,
    advance: Advance,
) -> Iterator[tuple[SequenceResult, Clip, Path]]:
    """Yield the sequences as they are finished, each with the hidden folder of its masks."""
    workers = min(workers, len(todo))
    if workers <= 1:
        session: _Session | None = None
        for sequence in todo:
            session = session or _Session(job, track, dataset, sequence)
            partial = folder.partial(sequence.name)
            on_frame = partial_call(advance, 1, sequence.name)
            yield session.track(dataset, sequence, partial, on_frame), sequence, partial
        return
    with WorkerPool(workers, _start_worker, (job, track, workers)) as pool:
        for result, sequence, partial in _tracked_by(pool, dataset, todo, folder):
            advance(len(sequence), sequence.name)
            yield result, sequence, partial


def _tracked_by(
    pool: Executor, dataset: Clips[Any], todo: list[Clip], folder: RunFolder
) -> Iterator[tuple[SequenceResult, Clip, Path]]:
    # The longest first, so that no worker is left alone with one at the end.
    ordered = sorted(todo, key=len, reverse=True)
    partials = {sequence.name: folder.partial(sequence.name) for sequence in ordered}
    try:  # a worker may die while sequences are still being handed out
        futures = {
            pool.submit(_work, dataset.only(sequence), sequence, partials[sequence.name]): sequence
            for sequence in ordered
        }
        for future in as_completed(futures):
            sequence = futures[future]
            yield future.result(), sequence, partials[sequence.name]
    except BrokenProcessPool as error:
        raise ResourceError(
            "A worker process died, most likely for lack of memory. Finished sequences are kept; "
            "run the same command again with fewer --workers. (A script of your own that starts "
            "workers needs `if __name__ == '__main__':`.)"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Session:
    """A tracker built once in this process, warmed up on its first sequence."""

    def __init__(self, job: Job, track: Track, dataset: Clips[Any], sequence: Clip) -> None:
        self._track = track
        self._tracker = job.build()
        self._stopwatch = stopwatch_for(job.runtime.device)
        warm_up(self._tracker, dataset, sequence)

    def track(
        self,
        dataset: Clips[Any],
        sequence: Clip,
        partial: Path,
        on_frame: Callable[[], None] = lambda: None,
    ) -> SequenceResult:
        return self._track(self._tracker, dataset, sequence, partial, self._stopwatch, on_frame)


_worker_job: tuple[Job, Track] | None = None
_worker_session: _Session | None = None


def _start_worker(job: Job, track: Track, workers: int) -> None:
    """Prepare a worker process: remember the job, and leave cores to the other workers."""
    global _worker_job
    _worker_job = job, track
    # Ctrl-C reaches every process of the terminal; the main one decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import cv2

    cv2.setNumThreads(max(1, (os.cpu_count() or 1) // workers))


def _end_with_parent() -> None:
    """Wait until the main process is gone, however it went, and end this one."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(dataset: Clips[Any], sequence: Clip, partial: Path) -> SequenceResult:
    global _worker_session
    assert _worker_job is not None
    if _worker_session is None:
        _worker_session = _Session(*_worker_job, dataset, sequence)
    return _worker_session.track(dataset, sequence, partial)


def _manifest(job: Job, dataset: Clips[Any], run: str) -> Manifest:
    weights = job.runtime.weights
    return Manifest(
        run=run,
        tracker=job.tracker,
        config_name=job.config_name,
        code=job.code,
        config=json.loads(json.dumps(job.settings)),
        init=job.init,
        weights={"path": str(weights), "sha256": sha256_of(weights)} if weights else None,
        dataset=dataset.key,
        split=dataset.split,
        root=str(dataset.root.resolve()),
        device=job.runtime.device,
        device_name=device_name(job.runtime.device),
        precision=job.runtime.precision,
        fps_protocol="step-cuda" if job.runtime.device.startswith("cuda") else "step-wall",
        seed=job.runtime.seed,
        versions=versions() | job.packages,
        git=git_revision(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _resumed(folder: RunFolder, fresh: Manifest, dataset: Clips[Any]) -> Manifest:
    """Return the manifest on disk if the fresh one continues it.

    Raises:
        ResultError: it is another run; the message says what differs.
    """
    manifest = folder.manifest()
    done = folder.complete(manifest)
    if not done:
        return fresh
    differences = manifest.differences(fresh)
    by_name = {sequence.name: sequence for sequence in dataset.sequences}
    # The same data may have been moved, which the fingerprints of shared sequences show.
    known = ":" not in dataset.name and not done.isdisjoint(dataset.whole_names)
    if manifest.root != fresh.root and not known:
        differences.append(f"folder of data ({manifest.root} -> {fresh.root})")
    for name in sorted(done):
        if name in by_name and (
            manifest.sequences[name].fingerprint != dataset.fingerprint(by_name[name])
        ):
            differences.append(f"data of sequence '{name}' (was read from {manifest.root})")
            break
    if differences:
        raise ResultError(
            f"{folder.path} holds a run of something else; what differs: {', '.join(differences)}. "
            "Choose another name with --name, or remove that folder."
        )
    return manifest
