"""CopyFirst: masks stay, later ones lie on top."""

import numpy as np

from vostool.types import Box, Mask, Prompt
from vostool_trackers.copy_first.tracker import CopyFirst

FRAME = np.zeros((20, 30, 3), np.uint8)


def _prompt(object_id: int, mask: Mask, frame_index: int = 0) -> Prompt:
    return Prompt(object_id, frame_index, Box(0, 0, 1, 1), mask)


def _square(top: int, left: int, side: int) -> Mask:
    mask = np.zeros((20, 30), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_the_first_mask_is_every_answer() -> None:
    tracker = CopyFirst()
    tracker.reset()
    mask = _square(2, 3, 5)
    first = tracker.step(FRAME, [_prompt(7, mask)])
    later = tracker.step(FRAME)
    np.testing.assert_array_equal(first, mask * 7)
    np.testing.assert_array_equal(later, mask * 7)
    assert later.dtype == np.uint8


def test_a_late_object_lies_on_top() -> None:
    tracker = CopyFirst()
    tracker.reset()
    tracker.step(FRAME, [_prompt(1, _square(2, 3, 5))])
    labels = tracker.step(FRAME, [_prompt(2, _square(4, 5, 5), 1)])
    assert labels[4, 5] == 2
    assert labels[2, 3] == 1
    assert (labels == 1).sum() == 25 - 9


def test_an_object_prompted_again_moves() -> None:
    tracker = CopyFirst()
    tracker.reset()
    tracker.step(FRAME, [_prompt(1, _square(0, 0, 4))])
    labels = tracker.step(FRAME, [_prompt(1, _square(10, 10, 3), 1)])
    np.testing.assert_array_equal(labels > 0, _square(10, 10, 3))


def test_reset_forgets_and_answers_are_copies() -> None:
    tracker = CopyFirst()
    tracker.reset()
    tracker.step(FRAME, [_prompt(1, _square(0, 0, 4))])[:] = 9
    assert tracker.step(FRAME).max() == 1
    tracker.reset()
    assert not tracker.step(np.zeros((5, 6, 3), np.uint8)).any()


def test_an_empty_mask_stays_empty() -> None:
    tracker = CopyFirst()
    tracker.reset()
    assert not tracker.step(FRAME, [_prompt(3, np.zeros((20, 30), bool))]).any()
