"""Intervals and p-values against numbers by hand, simulation, and scipy."""

import math

import numpy as np
import pytest

from vostool.metrics.bootstrap import (
    EXACT_UP_TO,
    mean_interval,
    paired_comparison,
    sign_flip_p_value,
)


def each(values: np.ndarray) -> np.ndarray:
    """One object per sequence."""
    return np.arange(len(values))


# --- intervals ---


def test_two_sequences_by_hand() -> None:
    """Means of two draws out of {0, 1}: 0, 0.5, 0.5, 1, each with probability 1/4."""
    values = np.array([0.0, 1.0])
    assert mean_interval(values, each(values)) == (0, 1)
    assert mean_interval(values, each(values), confidence=0.4) == (0.5, 0.5)


def test_a_drawn_sequence_brings_all_its_objects() -> None:
    """Three objects of one sequence and one of another: the means are 0, 3/4 and 1."""
    values = np.array([1.0, 1.0, 1.0, 0.0])
    sequences = np.array(["a", "a", "a", "b"])
    assert mean_interval(values, sequences, confidence=0.4) == (0.75, 0.75)


def test_the_order_of_the_objects_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    values, sequences = rng.random(30), rng.integers(0, 8, 30)
    order = rng.permutation(30)
    shuffled = mean_interval(values[order], sequences[order])
    assert shuffled == pytest.approx(mean_interval(values, sequences), abs=1e-12)


def test_objects_that_only_repeat_do_not_narrow_the_interval() -> None:
    """Ten equal objects in each sequence tell no more than one."""
    values = np.random.default_rng(4).random(12)
    once = mean_interval(values, each(values))
    repeated = mean_interval(np.repeat(values, 10), np.repeat(each(values), 10))
    assert repeated == pytest.approx(once, abs=1e-12)
    apart = mean_interval(np.repeat(values, 10), np.arange(120))
    assert apart.high - apart.low < 0.5 * (once.high - once.low)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(5).random(15)
    assert mean_interval(values, each(values)) == mean_interval(values, each(values))
    assert mean_interval(values, each(values)) != mean_interval(values, each(values), seed=1)


def test_equal_values_have_no_width() -> None:
    assert mean_interval(np.full(9, 0.25), np.arange(9)) == (0.25, 0.25)


@pytest.mark.parametrize("objects", [1, 5])
def test_one_sequence_has_no_interval(objects: int) -> None:
    values = np.linspace(0, 1, objects)
    interval = mean_interval(values, np.zeros(objects))
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    paired = paired_comparison(values, values + 0.5, np.zeros(objects))
    assert (paired.difference, paired.p_value) == (0.5, 1)
    assert math.isnan(paired.agreement)
    assert all(map(math.isnan, paired.interval))


def test_coverage() -> None:
    """Of 600 intervals about 95 % hold the true mean; objects of a sequence are alike."""
    rng = np.random.default_rng(6)
    held = held_if_independent = 0
    for trial in range(600):
        counts = rng.integers(1, 6, 40)
        sequences = np.repeat(np.arange(40), counts)
        values = 0.7 + 0.1 * rng.normal(size=40)[sequences] + 0.02 * rng.normal(size=len(sequences))
        low, high = mean_interval(values, sequences, resamples=500, seed=trial)
        held += low <= 0.7 <= high
        low, high = mean_interval(values, np.arange(len(values)), resamples=500, seed=trial)
        held_if_independent += low <= 0.7 <= high
    assert 0.915 <= held / 600 <= 0.975
    assert held_if_independent / 600 < 0.85


def test_the_interval_is_that_of_scipy() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(7)
    values = rng.beta(5, 2, 20)
    drawn = bootstrap((values,), np.mean, n_resamples=40_000, method="percentile", rng=rng)
    expected = drawn.confidence_interval
    ours = mean_interval(values, each(values), resamples=40_000)
    assert ours == pytest.approx((expected.low, expected.high), abs=0.003)
    assert ours.high - ours.low > 0.1


def test_the_interval_of_clusters_is_that_of_scipy() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(8)
    sequences = np.repeat(np.arange(25), rng.integers(1, 7, 25))
    values = rng.random(25)[sequences] * rng.random(len(sequences))
    sums, counts = np.bincount(sequences, values), np.bincount(sequences)

    def ratio(drawn_sums: np.ndarray, drawn_counts: np.ndarray, axis: int) -> np.ndarray:
        return drawn_sums.sum(axis) / drawn_counts.sum(axis)

    expected = bootstrap(
        (sums, counts), ratio, paired=True, n_resamples=40_000, method="percentile", rng=rng
    ).confidence_interval
    ours = mean_interval(values, sequences, resamples=40_000)
    assert ours == pytest.approx((expected.low, expected.high), abs=0.003)


# --- the paired test ---


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        # Sums over all signs: +-6, +-4, +-2, 0, 0; two of eight are as far out as 6.
        ([1.0, 2.0, 3.0], 2 / 8),
        # 1 + 2 - 3 = 0: every pattern is as far out.
        ([1.0, 2.0, -3.0], 1.0),
        # -1 + 2 + 3 = 4: +-6 and +-4.
        ([-1.0, 2.0, 3.0], 4 / 8),
        ([0.1] * 6, 2 / 64),
        # One against five equal ones: 2 patterns with all alike, 12 with one apart.
        ([0.1, 0.1, 0.1, 0.1, 0.1, -0.1], 14 / 64),
        ([0.5], 1.0),
        ([0.0, 0.0, 0.0], 1.0),
    ],
)
def test_exact_p_values_by_hand(differences: list[float], p_value: float) -> None:
    assert sign_flip_p_value(np.array(differences), np.arange(len(differences))) == p_value


def test_all_objects_of_a_sequence_are_flipped_together() -> None:
    """As 1 + 2, 3: sums +-6 and 0; two of four are as far out."""
    differences = np.array([1.0, 2.0, 3.0])
    assert sign_flip_p_value(differences, np.array(["a", "a", "b"])) == 2 / 4


def test_the_p_value_is_that_of_scipy() -> None:
    from scipy.stats import permutation_test

    rng = np.random.default_rng(9)
    first = rng.random(12)
    second = first + rng.normal(0.05, 0.1, 12)
    expected = permutation_test(
        (first, second),
        lambda a, b, axis: (b - a).mean(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    paired = paired_comparison(first, second, np.arange(12))
    assert paired.p_value == pytest.approx(expected.pvalue, abs=1e-12)
    assert 0.001 < paired.p_value < 0.9
    assert paired.difference == pytest.approx(expected.statistic, abs=1e-15)


def test_drawn_signs_come_close_to_all_signs() -> None:
    """With a sequence more than are tried exhaustively, whose difference is nil."""
    differences = np.append(np.random.default_rng(10).normal(0.06, 0.1, EXACT_UP_TO), 0)
    exact = sign_flip_p_value(differences[:-1], np.arange(EXACT_UP_TO))
    drawn = sign_flip_p_value(differences, np.arange(EXACT_UP_TO + 1), resamples=40_000)
    assert 0.01 < exact < 0.5
    assert drawn == pytest.approx(exact, abs=0.01)
    assert drawn == sign_flip_p_value(differences, np.arange(EXACT_UP_TO + 1), resamples=40_000)


def test_drawn_p_values_are_never_nil() -> None:
    assert sign_flip_p_value(np.ones(60), np.arange(60), resamples=999) == 1 / 1000


def test_false_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(11)
    p = [sign_flip_p_value(rng.normal(size=10), np.arange(10)) for _ in range(1000)]
    assert 0.03 < np.mean(np.array(p) <= 0.05) < 0.07


# --- both ---


def test_a_clear_difference() -> None:
    rng = np.random.default_rng(12)
    first = rng.uniform(0.2, 0.9, 20)
    paired = paired_comparison(first, first + rng.normal(0.02, 0.005, 20), np.arange(20))
    assert 0.015 < paired.interval.low < paired.difference < paired.interval.high < 0.025
    assert paired.agreement == 1
    assert paired.p_value < 0.001
    # Not paired, the spread of the sequences would hide it.
    alone = mean_interval(first, np.arange(20))
    assert alone.high - alone.low > 0.1


def test_swapping_the_runs_swaps_the_signs() -> None:
    rng = np.random.default_rng(13)
    first, second = rng.random((2, 14))
    sequences = np.repeat(np.arange(7), 2)
    there = paired_comparison(first, second, sequences)
    back = paired_comparison(second, first, sequences)
    assert back.difference == -there.difference
    assert back.interval == pytest.approx((-there.interval.high, -there.interval.low), abs=1e-12)
    assert back.p_value == there.p_value
    assert back.agreement == there.agreement


def test_equal_runs() -> None:
    values = np.random.default_rng(14).random(10)
    paired = paired_comparison(values, values, np.arange(10))
    assert (paired.difference, paired.interval, paired.p_value) == (0, (0, 0), 1)
