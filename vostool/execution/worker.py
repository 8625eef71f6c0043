"""Tracking in a process: the tracker is built once for a run, and sequences are given to it.

Workers get functions and classes of this module by name and plain values with them. The only code
that they load is vostool and the tracker, whose hash must be that of the process that asks.
"""

import os
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips
from vostool.environment import cores, device_name, sha256_of, versions
from vostool.errors import ClusterError, ResultError, WeightsError
from vostool.execution.process_state import ProcessState
from vostool.io.storage import staged
from vostool.runs.folder import Finished, RunFolder, SequenceStatus
from vostool.runs.layouts import Layout
from vostool.tracking.experiments import Track
from vostool.tracking.job import Job
from vostool.tracking.loop import track_sequence, warm_up
from vostool.tracking.timing import stopwatch_for
from vostool.types import Clip


class Session:
    """A tracker built once in this process, warmed up on its first sequence.

    Args:
        job: what to build.
        track: tracks a sequence.
        dataset: of the first sequence.
        sequence: the first.
    """

    def __init__(
        self,
        job: Job,
        dataset: Clips[Any],
        sequence: Clip,
        track: Track = track_sequence,
    ) -> None:
        self._track = track
        self._tracker = job.build()
        self._stopwatch = stopwatch_for(job.runtime.device)
        self.device_name = device_name(job.runtime.device)
        warm_up(self._tracker, dataset, sequence)

    def finish(
        self,
        dataset: Clips[Any],
        sequence: Clip,
        partial: Path,
        on_frame: Callable[[], None] = lambda: None,
        workers: int = 1,
    ) -> Finished:
        """Track a sequence into a hidden folder.

        Args:
            dataset: of the sequence.
            sequence: what to track.
            partial: where the masks go.
            on_frame: called after every frame.
            workers: processes that share the machine.
        """
        with staged(partial) as folder:
            result = self._track(
                self._tracker, dataset, sequence, folder, self._stopwatch, on_frame
            )
        status = SequenceStatus(
            fingerprint=dataset.fingerprint(sequence),
            first_mask=dataset.first_mask_hash(sequence),
            frames=len(result.steps),
            objects=result.objects,
            seconds=result.seconds,
            workers=workers,
            device_name=self.device_name,
            peak_mb=result.peak_mb,
        )
        return Finished(sequence.name, partial, status, result.steps)


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """The device of a process, and its versions of packages."""

    device_name: str
    versions: dict[str, str]


def worker_info(device: str, packages: tuple[str, ...]) -> WorkerInfo:
    """Return the hardware behind a device, and versions of packages that decide results."""
    return WorkerInfo(device_name(device), versions(packages))


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """Everything a worker needs to track sequences of one run.

    Args:
        token: tells the run from others, so that each builds its tracker once.
        job: the tracker.
        track: tracks a sequence.
        layout: of the run folder.
        folder: the run folder, absolute.
        weights: hash of the weights, None without.
        versions: of packages, the same for all workers of a run.
        sharing: workers that share a machine, at least.
    """

    token: str
    job: Job
    track: Track
    layout: Layout
    folder: Path
    weights: str | None
    versions: Mapping[str, str]
    sharing: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The first sequences of a task that are finished, and which worker did them."""

    finished: list[Finished]
    worker: str


_lock = threading.Lock()  # trackers and generators of random numbers serve one thread at a time
_session: tuple[str, Session] | None = None
_untouched = ProcessState()  # as no tracker has changed it yet


def track_batch(spec: WorkerSpec, clips: list[tuple[Clips[Any], Clip]]) -> Batch:
    """Track sequences, one after the other, into hidden folders below the run folder.

    Every attempt has folders of its own: a worker that was given up for lost may still be writing.

    Args:
        spec: of the run.
        clips: datasets of one sequence each, and that sequence.

    Returns:
        The sequences before the first that failed.

    Raises:
        ClusterError: this process does not see what it needs, or has other code.
        VostoolError: the first sequence failed, see `loop.track_sequence`.
    """
    global _session
    finished: list[Finished] = []
    with _lock:
        session = _session_of(spec, *clips[0])
        folder = RunFolder(spec.folder, spec.layout)
        for dataset, sequence in clips:
            try:
                partial = folder.partial(sequence.name, uuid.uuid4().hex[:12])
                finished.append(session.finish(dataset, sequence, partial, workers=spec.sharing))
            except Exception:
                _session = None  # nobody knows in what state the tracker is
                if not finished:
                    raise
                break  # it is asked for once more, and fails alone then
    return Batch(finished, worker_name())


def release(token: str) -> None:
    """Forget the tracker of a run, unless it is at work."""
    global _session
    if _lock.acquire(blocking=False):
        try:
            if _session is not None and _session[0] == token:
                _session = None
        finally:
            _lock.release()


def worker_name() -> str:
    """Return how the cluster calls this process; host and number where there is none."""
    distributed = sys.modules.get("distributed")
    if distributed is not None:
        try:
            return str(distributed.get_worker().address)
        except (ValueError, AttributeError):  # this is not the thread of a task
            pass
    return f"{socket.gethostname()}:{os.getpid()}"


def share_cores(processes: int) -> None:
    """Leave cores of this machine to other processes: OpenCV's threads, and torch's if it is here.

    Args:
        processes: that share the machine.
    """
    import cv2

    threads = max(1, cores() // processes)
    cv2.setNumThreads(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(min(threads, torch.get_num_threads()))


def _session_of(spec: WorkerSpec, dataset: Clips[Any], sequence: Clip) -> Session:
    global _session
    if _session is None or _session[0] != spec.token:
        _session = None  # at most one at a time is in memory
        _untouched.restore()  # by the trackers before
        _check(spec, sequence)
        share_cores(spec.sharing)
        session = Session(_at_home(spec), dataset, sequence, spec.track)
        share_cores(spec.sharing)  # once more: torch may have come with the tracker
        _session = spec.token, session
    return _session[1]


def _check(spec: WorkerSpec, sequence: Clip) -> None:
    """Refuse to work where results or data are not seen, or where code is another."""
    folder = RunFolder(spec.folder, spec.layout)
    if not folder.is_begun():
        raise ResultError(
            f"{worker_name()} does not see {folder.manifest_path}, where its masks would go. Put "
            "--results on storage that all workers share, under the same path."
        )
    if not sequence.frames[0].is_file():
        raise ClusterError(
            f"{worker_name()} does not see {sequence.frames[0]}. Put the dataset on storage that "
            "all workers share, under the same path."
        )
    mine = versions(spec.job.packages)
    differ = [
        f"{name} {mine.get(name, 'not installed')} instead of {version}"
        for name, version in spec.versions.items()
        if mine.get(name) != version
    ]
    if differ:
        raise ClusterError(
            f"{worker_name()} has {', '.join(differ)}: results would depend on which worker "
            "tracked what. Install the same versions on all workers."
        )


def _at_home(spec: WorkerSpec) -> Job:
    """Return the job with the weights that are meant, as they are found here.

    Raises:
        ClusterError: the tracker's code is another.
        WeightsError: the weights are not there, or others.
    """
    job, weights = spec.job, spec.job.runtime.weights
    plugin = job.plugin()
    if plugin.code_hash() != job.code:
        raise ClusterError(
            f"{worker_name()} has other code of {job.tracker} ({plugin.folder}, "
            f"{plugin.code_hash()} instead of {job.code}). Install the same on all workers."
        )
    if weights is None:
        return job
    if not weights.exists():  # what comes along with a tracker lies where that is installed
        own = plugin.cls.own_weights(plugin.cls.Config(**job.settings))
        if own is None or not own.exists():
            raise WeightsError(
                f"{worker_name()} does not see the weights {weights}. Put them on storage that all "
                "workers share."
            )
        job = replace(job, runtime=replace(job.runtime, weights=own))
        weights = own
    if sha256_of(weights) != spec.weights:
        raise WeightsError(
            f"{worker_name()} finds other weights in {weights}. Give all workers the same file."
        )
    return job
