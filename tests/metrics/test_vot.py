"""Burn-in, fragments and the curve of expected overlap, by hand; see tests/vot for the toolkits."""

import numpy as np
import pytest

from vostool.metrics.vot import (
    Fragment,
    OverlapCurve,
    Repetition,
    fragments,
    frame_accuracy,
    mean_within,
)

T = -1  # tracked


def repetition(codes: list[int], overlap: float = 0.5) -> Repetition:
    array = np.array(codes, np.int8)
    return Repetition(array, np.where(array == T, overlap, np.nan))


def test_frames_near_a_start_do_not_count() -> None:
    each = repetition([1, T, T, T, 2, 0, 0, 0, 0, 1, T, T, T])
    assert each.settled(3).tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert each.failures.tolist() == [4]


def test_accuracy_of_a_frame_is_the_mean_of_its_repetitions() -> None:
    found = frame_accuracy(
        [repetition([1, T, T], 0.4), repetition([1, 2, 0]), repetition([1, T, T], 0.8)], 1
    )
    assert np.isnan(found[0])
    assert found[1:].tolist() == pytest.approx([0.6, 0.6])


def test_fragments_of_pysot_run_through_the_next_start() -> None:
    each = repetition([1, T, 2, 0, 0, 0, 0, 1, T, T])
    assert list(fragments(each, 5, through=True)) == [
        Fragment(0, 8, 8, lost=True),
        Fragment(7, 10, 3, lost=False),
    ]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        # No room for a start: as if nothing had been lost.
        ([1, T, T, 2, 0, 0], [Fragment(0, 6, 6, lost=False)]),
        # The next start would be the frame after the last: the fragment counts one frame more.
        ([1, 2, 0, 0, 0, 0], [Fragment(0, 6, 7, lost=True)]),
    ],
)
def test_fragments_of_pysot_at_the_end(codes: list[int], expected: list[Fragment]) -> None:
    assert list(fragments(repetition(codes), 5, through=True)) == expected


def test_fragments_of_vot_toolkit_end_with_the_failure() -> None:
    each = repetition([1, T, 2, 0, 0, 0, 0, 1, T, T])
    assert list(fragments(each, 5, through=False)) == [
        Fragment(0, 2, 2, lost=True),
        Fragment(7, 10, 3, lost=False),
    ]
    lost = repetition([1, T, T, 2, 0, 0])
    assert list(fragments(lost, 5, through=False)) == [Fragment(0, 3, 3, lost=True)]


def test_the_curve() -> None:
    curve = OverlapCurve(5, 2)
    curve.add(np.array([np.nan, 0.6, 0.6]), lost=False, weights=np.array([1.0, 0.0]))
    curve.add(np.array([np.nan, 0.8, 0.4]), lost=True, weights=np.array([1.0, 0.5]))
    both, second = curve.values()
    assert second.tolist() == pytest.approx([0, 0.8, 0.6, 0.4, 0.3])
    assert both.tolist() == pytest.approx([0, 0.7, 0.6, 0.4, 0.3])
    assert mean_within(both, 2, 3) == pytest.approx(0.5)
    assert mean_within(both, 3, 90) == pytest.approx(0.35)
    assert np.isnan(mean_within(both, 8, 9))
