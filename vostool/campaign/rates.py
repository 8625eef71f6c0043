"""How fast runs were, from what run folders recorded: seconds that frames and objects cost."""

import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vostool.environment import device_name
from vostool.errors import ResultError
from vostool.runs.folder import Manifest, RunFolder
from vostool.runs.lookup import all_runs, full_name
from vostool.tracking.job import Job


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of one sequence.

    Args:
        frames: how many were tracked.
        objects: how many objects it had.
        seconds: wall clock, decoding and writing included.
        step_seconds: of them inside the tracker's step; None if that is not known.
    """

    frames: int
    objects: int
    seconds: float
    step_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds that tracking takes.

    Args:
        per_frame: whatever the number of objects.
        per_object: more for each object of a frame.
        source: where that was measured, for people.
        workers: processes that shared the machine then.
    """

    per_frame: float
    per_object: float
    source: str
    workers: int = 1

    def seconds(self, frames: int, objects: int) -> float:
        return frames * (self.per_frame + self.per_object * objects)


def rate_of(samples: Iterable[Sample], source: str, workers: int = 1) -> Rate | None:
    """Fit what frames and objects cost, None if nothing was measured.

    Where sequences have different numbers of objects, both are fitted by least squares, neither
    below 0. Where all have the same number, the time inside `step` is taken to grow with it, and
    decoding and writing are not.
    """
    samples = [each for each in samples if each.frames and each.seconds > 0]
    if not samples:
        return None
    frames = np.array([each.frames for each in samples], np.float64)
    objects = np.array([max(1, each.objects) for each in samples], np.float64)
    seconds = np.array([each.seconds for each in samples], np.float64)
    if len(set(objects)) > 1:
        return Rate(*_fitted(np.stack([frames, frames * objects]), seconds), source, workers)
    inside = sum(s.seconds if s.step_seconds is None else s.step_seconds for s in samples)
    inside = min(inside, float(seconds.sum()))
    per_object = inside / float((frames * objects).sum())
    per_frame = (float(seconds.sum()) - inside) / float(frames.sum())
    return Rate(per_frame, per_object, source, workers)


def _fitted(costs: NDArray[np.float64], seconds: NDArray[np.float64]) -> tuple[float, float]:
    """Return the two factors, neither below 0, whose sum of costs is nearest to the seconds.

    Args:
        costs: (2, N).
        seconds: (N,).
    """
    both = np.linalg.lstsq(costs.T, seconds)[0]
    if (both >= 0).all():
        return float(both[0]), float(both[1])
    alone = costs @ seconds / (costs * costs).sum(axis=1)
    errors = ((alone[:, None] * costs - seconds) ** 2).sum(axis=1)
    return (float(alone[0]), 0.0) if errors[0] < errors[1] else (0.0, float(alone[1]))


def samples_of(run: RunFolder, manifest: Manifest) -> list[Sample]:
    """Return what a run recorded of its finished sequences."""
    inside: dict[str, float] = {}
    for step in run.times():
        inside[step.sequence] = inside.get(step.sequence, 0.0) + step.ms / 1e3
    return [
        Sample(status.frames, status.objects, status.seconds, inside.get(name))
        for name, status in manifest.sequences.items()
    ]


class Measured:
    """The runs of a results folder, as a source of rates.

    Args:
        results: folder of run folders, by dataset.
        elsewhere: other machines will track, whose hardware is not known: the kind of device must
            do then.
    """

    def __init__(self, results: Path, *, elsewhere: bool = False) -> None:
        self._elsewhere = elsewhere
        self._runs: list[tuple[RunFolder, Manifest]] = []
        for run in all_runs(results):
            try:
                manifest = run.manifest()
            except ResultError:
                continue  # damaged: whoever runs it is told
            if manifest.sequences and manifest.imported is None:
                self._runs.append((run, manifest))

    def rate(self, job: Job, dataset: str, name: str) -> Rate | None:
        """Return the rate of a tracker with these settings on this hardware, None if unknown.

        It is that of the same run, else of another one, rather on the same dataset, with the same
        code of the tracker, and with more frames.

        Args:
            job: what will run.
            dataset: `Clips.key`.
            name: of the run.
        """
        alike = [pair for pair in self._runs if _alike(pair[1], job, self._elsewhere)]
        alike.sort(key=lambda pair: _preference(pair[0], pair[1], job, (dataset, name)))
        for run, manifest in alike:
            own = (manifest.dataset, run.name) == (dataset, name)
            workers = max(status.workers for status in manifest.sequences.values())
            source = "this run" if own else full_name(run)
            rate = rate_of(samples_of(run, manifest), source, workers)
            if rate is not None:
                return rate
        return None


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Return when the last of some tasks ends if the longest are handed out first."""
    ends = [0.0] * max(1, workers)
    for task in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + task)
    return max(ends)


def _alike(manifest: Manifest, job: Job, elsewhere: bool) -> bool:
    """Return True if a run took as long for a frame as a job will; weights do not matter."""
    return (
        manifest.tracker == job.tracker
        and manifest.config == json.loads(json.dumps(job.settings))
        and manifest.precision == job.runtime.precision
        and manifest.device.partition(":")[0] == job.runtime.device.partition(":")[0]
        and (elsewhere or manifest.device_name == device_name(job.runtime.device))
    )


def _preference(
    run: RunFolder, manifest: Manifest, job: Job, wanted: tuple[str, str]
) -> tuple[bool, bool, bool, int]:
    """Return what runs are sorted by: the most telling first for a dataset and a run's name."""
    frames = sum(status.frames for status in manifest.sequences.values())
    same = manifest.dataset == wanted[0]
    own = (manifest.dataset, run.name) == wanted
    return not own, not same, manifest.code != job.code, -frames
