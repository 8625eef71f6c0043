"""Mean, recall and decay against fractions, and what must hold of them whatever the values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vostool.metrics import reference
from vostool.metrics.statistics import statistics

CLOSE = 1e-12
VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=40)
steady = settings(deadline=None, max_examples=100, derandomize=True)


def assert_equal_to_the_reference(values: np.ndarray) -> None:
    mean, recall, decay = reference.statistics(values.tolist())
    ours = statistics(values)
    assert ours.recall == recall
    assert ours.mean == pytest.approx(mean, abs=CLOSE)
    assert ours.decay == pytest.approx(decay, abs=CLOSE)


@pytest.mark.parametrize("length", [*range(1, 41), *range(250, 264), 510, 511, 512, 513, 1999])
def test_lengths(length: int) -> None:
    rng = np.random.default_rng(length)
    assert_equal_to_the_reference(rng.random(length))
    assert_equal_to_the_reference(np.sort(rng.random(length)))
    assert_equal_to_the_reference(rng.choice([0.0, 0.5, 1.0], length))


@steady
@given(VALUES)
def test_any_values(values: list[float]) -> None:
    assert_equal_to_the_reference(np.array(values))


@steady
@given(VALUES, st.data())
def test_a_better_frame_lowers_neither_mean_nor_recall(
    values: list[float], data: st.DataObject
) -> None:
    better = list(values)
    index = data.draw(st.integers(0, len(values) - 1))
    better[index] = data.draw(st.floats(values[index], 1))
    before, after = statistics(np.array(values)), statistics(np.array(better))
    assert after.mean >= before.mean - CLOSE
    assert after.recall >= before.recall


@steady
@given(VALUES, st.floats(0, 1))
def test_decay_is_a_difference(values: list[float], share: float) -> None:
    """It does not change when all frames gain the same, and halves when all are halved."""
    decay = statistics(np.array(values)).decay
    assert statistics(np.array(values) + share).decay == pytest.approx(decay, abs=CLOSE)
    assert statistics(np.array(values) / 2).decay == pytest.approx(decay / 2, abs=CLOSE)


@steady
@given(st.lists(st.floats(0, 1), min_size=4, max_size=40))
def test_frames_between_the_outer_quarters_do_not_decay(values: list[float]) -> None:
    edges = [(4 + (len(values) - 1) * quarter + 2) // 4 - 1 for quarter in range(5)]
    other = list(values)
    for index in range(edges[1] + 1, edges[3]):
        other[index] = 1 - other[index]
    assert statistics(np.array(other)).decay == statistics(np.array(values)).decay


@steady
@given(VALUES)
def test_falling_values_decay(values: list[float]) -> None:
    falling = np.sort(np.array(values))[::-1]
    assert statistics(falling).decay >= -CLOSE
