"""How sure a mean over sequences is, and a difference between two runs on the same sequences.

Objects of one sequence rise and fall together, so whole sequences are drawn and flipped, never
single objects or frames. Everything is seeded: the same scores give the same figures.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vostool.types import Floats

CONFIDENCE = 0.95
RESAMPLES = 10_000
EXACT_UP_TO = 16  # sequences for which all 2^n sign patterns are tried


class Interval(NamedTuple):
    """Ends of a confidence interval; both NaN where there is none."""

    low: float
    high: float


class Paired(NamedTuple):
    """What two runs on the same sequences differ by.

    Args:
        difference: mean of the second minus mean of the first.
        interval: bootstrap interval of the difference.
        agreement: share of resamplings in which the difference has the same sign, in [0, 1]; NaN
            for a single sequence.
        p_value: of the two-sided sign-flip test, in (0, 1].
    """

    difference: float
    interval: Interval
    agreement: float
    p_value: float


def mean_interval(
    values: Floats,
    sequences: NDArray[np.generic],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of a mean over objects.

    Sequences are drawn with replacement; a drawn sequence brings all its objects, and the statistic
    is the mean over all objects drawn, as DAVIS averages over objects (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13). With few sequences it is too narrow: of normal
    values, 87 % of the 95 % intervals hold the true mean for 6 sequences, 93 % for 20.

    Args:
        values: (N,) a value per object, N >= 1.
        sequences: (N,) the sequence of each object: names or numbers.
        confidence: in (0, 1).
        resamples: how often sequences are drawn.
        seed: of the draws.

    Returns:
        NaN at both ends for a single sequence, which tells nothing about others.
    """
    column = np.asarray(values, np.float64)[:, None]
    means = resampled_means(column, sequences, resamples=resamples, seed=seed)
    return percentiles(means[:, 0], confidence)


def paired_comparison(
    first: Floats,
    second: Floats,
    sequences: NDArray[np.generic],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare two runs object by object.

    Args:
        first: (N,) a value per object, N >= 1.
        second: (N,) the other run's values of the same objects.
        sequences: (N,) the sequence of each object: names or numbers.
        confidence: of the interval, in (0, 1).
        resamples: how often sequences are drawn, and signs where not all are tried.
        seed: of the draws.
    """
    differences = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    observed = float(differences.mean())
    column = differences[:, None]
    means = resampled_means(column, sequences, resamples=resamples, seed=seed)[:, 0]
    same_sign = np.sign(means) == np.sign(observed)
    return Paired(
        difference=observed,
        interval=percentiles(means, confidence),
        agreement=float(same_sign.mean()) if means.size else float("nan"),
        p_value=sign_flip_p_value(differences, sequences, resamples=resamples, seed=seed),
    )


def sign_flip_p_value(
    differences: Floats,
    sequences: NDArray[np.generic],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> float:
    """Return the two-sided p-value of a paired permutation test of a mean difference.

    If two runs were equally good, it would be chance which is which in a sequence, so the sign of
    all differences of a sequence is flipped at random; p is the share of sign patterns whose mean
    is at least as far from 0 as the one seen (Good, Permutation, Parametric and Bootstrap Tests of
    Hypotheses, 3rd ed. 2005, on matched pairs). All 2^n patterns are tried for up to `EXACT_UP_TO`
    sequences, so p is never below 2 / 2^n. For more they are drawn, and the pattern seen counts as
    one of them (Phipson and Smyth 2010), so p is never 0.

    Args:
        differences: (N,) second minus first, per object, N >= 1.
        sequences: (N,) the sequence of each object: names or numbers.
        resamples: sign patterns drawn where not all are tried.
        seed: of the draws.
    """
    sums = _per_sequence(differences[:, None], sequences)[0][:, 0]
    n = len(sums)
    exact = n <= EXACT_UP_TO
    if exact:
        flipped = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        flipped = np.random.default_rng(seed).integers(0, 2, (resamples, n), np.int8)
    totals = np.abs(sums.sum() - 2.0 * (flipped @ sums))
    # Patterns that tie with the one seen differ from it by rounding.
    seen = abs(float(sums.sum())) - 1e-12 * float(np.abs(sums).sum())
    extreme = int((totals >= seen).sum())
    return extreme / 2**n if exact else (1 + extreme) / (1 + resamples)


def _per_sequence(values: Floats, sequences: NDArray[np.generic]) -> tuple[Floats, Floats]:
    """Return (n, S) sums and counts of the values that each sequence has, NaN left out."""
    names, index = np.unique(np.asarray(sequences), return_inverse=True)
    sums, counts = np.zeros((2, len(names), values.shape[1]))
    np.add.at(sums, index, np.nan_to_num(values))
    np.add.at(counts, index, ~np.isnan(values))
    return sums, counts


def resampled_means(
    values: Floats,
    sequences: NDArray[np.generic],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Return means over the objects of sequences drawn with replacement.

    Args:
        values: (N, S) S values per object; NaN where an object is no part of a mean.
        sequences: (N,) the sequence of each object: names or numbers.
        resamples: how often sequences are drawn.
        seed: of the draws.

    Returns:
        (resamples, S), NaN where no object was drawn; (0, S) for a single sequence.
    """
    sums, counts = _per_sequence(values, sequences)
    n = len(sums)
    if n < 2:
        return np.empty((0, values.shape[1]))
    # How often each sequence is drawn is all that a mean depends on.
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), resamples)
    with np.errstate(invalid="ignore"):
        means: Floats = (drawn @ sums) / (drawn @ counts)
    return means


def percentiles(means: Floats, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval that leaves out an equal share of resampled means at both ends.

    Args:
        means: (R,) NaN where a resampling had none; NaN at both ends if there are no means.
        confidence: in (0, 1).
    """
    means = means[~np.isnan(means)]
    if not means.size:
        return Interval(float("nan"), float("nan"))
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high))
