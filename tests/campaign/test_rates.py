"""What runs measured, fitted and scaled."""

import itertools

import numpy as np
import pytest

from vostool.campaign.rates import Sample, makespan, rate_of


def test_frames_and_objects_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    frames, objects = rng.integers(20, 100, 30), rng.integers(1, 6, 30)
    seconds = frames * (0.02 + 0.01 * objects)
    rate = rate_of(map(Sample, frames, objects, seconds), "here")
    assert rate is not None
    assert rate.per_frame == pytest.approx(0.02)
    assert rate.per_object == pytest.approx(0.01)
    assert rate.seconds(100, 3) == pytest.approx(5.0)


def test_no_cost_is_below_nothing() -> None:
    """More objects took less time: then they cost nothing, and frames the best single factor."""
    samples = [Sample(100, 1, 3.0), Sample(100, 4, 1.0)]
    rate = rate_of(samples, "here")
    assert rate is not None
    assert (rate.per_frame, rate.per_object) == (pytest.approx(0.02), 0.0)
    grows = rate_of([Sample(100, 1, 0.5), Sample(100, 4, 4.0)], "here")
    assert grows is not None
    assert grows.per_frame == 0.0
    assert grows.per_object == pytest.approx((50 + 1600) / (100**2 + 400**2))


def test_one_number_of_objects_scales_what_is_inside_of_step() -> None:
    rate = rate_of([Sample(50, 2, 3.0, 2.0), Sample(50, 2, 1.0, 0.5)], "here")
    assert rate is not None
    assert rate.per_frame == pytest.approx(1.5 / 100)
    assert rate.per_object == pytest.approx(2.5 / 200)
    assert rate.seconds(100, 2) == pytest.approx(4.0)
    assert rate.seconds(100, 4) == pytest.approx(6.5)


def test_nothing_measured() -> None:
    assert rate_of([], "here") is None
    assert rate_of([Sample(0, 1, 0.0)], "here") is None


def test_makespan_of_one_worker_and_of_many() -> None:
    tasks = [3.0, 1.0, 4.0, 1.0, 5.0]
    assert makespan(tasks, 1) == pytest.approx(14.0)
    assert makespan(tasks, 2) == pytest.approx(7.0)
    assert makespan(tasks, 9) == 5.0
    assert makespan([], 3) == 0.0


def test_makespan_is_at_most_a_third_above_the_best() -> None:
    """Graham's bound for the longest first, against every way to share out small sets."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        tasks = rng.integers(1, 20, 6).astype(float).tolist()
        best = min(
            max(sum(t for t, w in zip(tasks, ways, strict=True) if w == k) for k in range(2))
            for ways in itertools.product(range(2), repeat=6)
        )
        assert best <= makespan(tasks, 2) <= best * (4 / 3 - 1 / 6) + 1e-9
