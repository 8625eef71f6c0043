"""Mean, recall and decay against numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as npst

from vostool.metrics.statistics import statistics

FRACTIONS = {"min_value": 0, "max_value": 1}


def test_mean() -> None:
    assert statistics(np.array([0.25, 0.5, 0.75, 1.0])).mean == 0.625


def test_recall_counts_only_values_above_one_half() -> None:
    values = np.array([0.5, np.nextafter(0.5, 1), 0.49, 1.0])
    assert statistics(values).recall == 0.5


# The quarters share their edge frames: numpy.round(linspace(1, T, 5) + 1e-10), from 1, inclusive.
@pytest.mark.parametrize(
    ("length", "first", "last"),
    [
        (1, slice(0, 1), slice(0, 1)),
        (2, slice(0, 1), slice(1, 2)),  # 1 1 2 2 2: 1.5 is rounded up by the 1e-10
        (3, slice(0, 2), slice(2, 3)),  # 1 2 2 3 3
        (4, slice(0, 2), slice(2, 4)),  # 1 2 3 3 4
        (5, slice(0, 2), slice(3, 5)),  # 1 2 3 4 5
        (10, slice(0, 3), slice(7, 10)),  # 1 3 6 8 10
        (20, slice(0, 6), slice(14, 20)),  # 1 6 11 15 20
        (256, slice(0, 65), slice(191, 256)),  # 1 65 129 192 256
        (257, slice(0, 65), slice(192, 257)),  # 1 65 129 193 257: 8-bit indices overflow from here
        (300, slice(0, 76), slice(224, 300)),  # 1 76 151 225 300
        (1000, slice(0, 251), slice(749, 1000)),  # 1 251 501 750 1000
    ],
)
def test_decay(length: int, first: slice, last: slice) -> None:
    values = np.random.default_rng(length).random(length)
    expected = sum(values[first]) / len(values[first]) - sum(values[last]) / len(values[last])
    assert statistics(values).decay == pytest.approx(expected, abs=1e-12)


def test_decay_of_a_long_fall() -> None:
    """Frames 0 to 75 against 224 to 299 of 300."""
    values = 1 - np.arange(300) / 300
    assert statistics(values).decay == pytest.approx(224 / 300, abs=1e-12)


def test_decay_of_a_rise_is_negative() -> None:
    assert statistics(np.array([0.0, 0.0, 0.5, 1.0, 1.0])).decay == -1


def test_a_constant_does_not_decay() -> None:
    assert statistics(np.full(77, 0.25)) == (0.25, 0.0, 0.0)


@given(npst.arrays(np.float64, npst.array_shapes(max_dims=1, max_side=40), elements=FRACTIONS))
def test_bounds_and_reversal(values: np.ndarray) -> None:
    mean, recall, decay = statistics(values)
    assert values.min() - 1e-12 <= mean <= values.max() + 1e-12
    assert 0 <= recall <= 1
    assert -1 <= decay <= 1
    backwards = statistics(values[::-1])
    assert backwards.recall == recall
    assert backwards.mean == pytest.approx(mean, abs=1e-12)


def test_results_are_plain_floats() -> None:
    assert {type(value) for value in statistics(np.array([0.5, 1.0]))} == {float}
