"""Accuracy, robustness and expected average overlap of the reset-based VOT experiment.

A tracker that loses its target, which is an overlap of zero, is started anew five frames later. A
repetition of the experiment on a sequence therefore is a row of codes and overlaps.

Kristan et al., "A Novel Performance Evaluation Methodology for Single-Target Trackers", TPAMI
38(11), 2016 (accuracy, robustness); Kristan et al., "The Visual Object Tracking VOT2015 Challenge
Results", ICCV workshops 2015 (expected average overlap).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vostool.types import Floats

# Codes of frames; the first three are those of the result files.
SKIPPED, STARTED, FAILED, TRACKED = 0, 1, 2, -1


@dataclass(frozen=True, slots=True)
class Repetition:
    """One repetition of the experiment on one sequence.

    Args:
        codes: (T,) SKIPPED, STARTED, FAILED or TRACKED.
        overlaps: (T,) in [0, 1] where a frame is TRACKED, NaN elsewhere.
    """

    codes: NDArray[np.int8]
    overlaps: Floats

    @property
    def failures(self) -> NDArray[np.intp]:
        """Return the indices of the frames on which the target was lost."""
        return np.flatnonzero(self.codes == FAILED)

    def settled(self, burn_in: int) -> NDArray[np.bool_]:
        """Tell which frames count for accuracy.

        Args:
            burn_in: frames from a start on, itself included, that do not: overlap is high there.
        """
        index = np.arange(len(self.codes))
        started = np.maximum.accumulate(np.where(self.codes == STARTED, index, -burn_in))
        return np.asarray((self.codes == TRACKED) & (index - started >= burn_in))


@dataclass(frozen=True, slots=True)
class Fragment:
    """The frames from one start to the next, or to the end.

    Args:
        begin: index of its first frame.
        end: index after its last frame.
        frames: how long it is; one more than it has where the next start would be after the end.
        lost: it ended in a failure, after which its overlap is zero for ever; otherwise it is not
            known what would have come.
    """

    begin: int
    end: int
    frames: int
    lost: bool


def fragments(repetition: Repetition, skip: int, *, through: bool) -> Iterator[Fragment]:
    """Yield the fragments of a repetition.

    Args:
        repetition: on one sequence.
        skip: frames from a failure to the next start.
        through: as pysot cuts them: from a start through the next one, and at a failure after which
            there is no room for a start it is as if nothing had been lost; otherwise, as
            vot-toolkit cuts them, from each start up to the failure.
    """
    length = len(repetition.codes)
    if through:
        begins = [0, *(f + skip for f in repetition.failures.tolist() if f + skip <= length)]
        for begin, following in pairwise(begins):
            frames = following + 1 - begin
            yield Fragment(begin, min(following + 1, length), frames, lost=True)
        if begins[-1] < length:
            yield Fragment(begins[-1], length, length - begins[-1], lost=False)
        return
    starts = np.flatnonzero(repetition.codes == STARTED).tolist()
    failures = repetition.failures.tolist()
    for begin, end in zip(starts, failures, strict=False):
        yield Fragment(begin, end, end - begin, lost=True)
    if not failures:
        yield Fragment(0, length, length, lost=False)
    elif len(starts) > len(failures):
        yield Fragment(starts[-1], length, length - starts[-1], lost=False)


class OverlapCurve:
    """The overlap to be expected of a sequence of each length, from fragments of runs.

    Args:
        length: of the curve, frames.
        weights: how many curves there are: each fragment has a weight in each of them.
    """

    def __init__(self, length: int, weights: int = 1) -> None:
        self._sums = np.zeros((weights, length))
        self._weights = np.zeros((weights, length))

    def add(self, overlaps: Floats, lost: bool, weights: Floats) -> None:
        """Add a fragment.

        Args:
            overlaps: (n,) of its frames; NaN counts as 0. Its first frame, the start, does not
                count.
            lost: see `Fragment`.
            weights: (curves,).
        """
        length = self._sums.shape[1] if lost else len(overlaps)
        values = np.zeros(length)
        values[1 : len(overlaps)] = np.nan_to_num(overlaps[1:])
        means = np.cumsum(values) / np.maximum(np.arange(length), 1)
        self._sums[:, :length] += np.outer(weights, means)
        self._weights[:, :length] += weights[:, None]

    def values(self) -> Floats:
        """Return (curves, length): entry n of a row is the mean overlap over n tracked frames.

        NaN where no fragment is that long or has any weight.
        """
        unknown = np.full_like(self._sums, np.nan)
        return np.divide(self._sums, self._weights, out=unknown, where=self._weights > 0)


def mean_within(curve: Floats, low: int, high: int) -> float:
    """Return the mean of a curve from entry `low` through `high`, NaN if it is unknown there."""
    values = curve[low : high + 1]
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def frame_accuracy(repetitions: Iterable[Repetition], burn_in: int) -> Floats:
    """Return (T,) the mean overlap of each frame over the repetitions in which it counts."""
    rows = [np.where(each.settled(burn_in), each.overlaps, np.nan) for each in repetitions]
    stacked = np.array(rows)
    counts = (~np.isnan(stacked)).sum(axis=0)
    unknown = np.full(stacked.shape[1], np.nan)
    np.divide(np.nansum(stacked, axis=0), counts, out=unknown, where=counts > 0)
    return unknown


def mean_or_nan(values: Floats) -> float:
    """Return the mean of the values that are no NaN; NaN if there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
