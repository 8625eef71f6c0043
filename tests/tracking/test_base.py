"""The contract's own part: one object's tracker serving many, and the merge of probabilities."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from vostool.tracking.base import NoConfig, PerObject, Runtime, Tracker, prompt_probability
from vostool.tracking.base import merge_probabilities as merge
from vostool.types import Box, Frame, Probability, Prompt

SIZE = (4, 6)
FRAME = np.zeros((*SIZE, 3), np.uint8)


def pixel(*values: float) -> dict[int, Probability]:
    """Give objects 1, 2, ... these probabilities at a single pixel."""
    return {i: np.full((1, 1), value, np.float32) for i, value in enumerate(values, start=1)}


def square(left: int, object_id: int = 1, frame_index: int = 0) -> Prompt:
    mask = np.zeros(SIZE, bool)
    mask[1:3, left : left + 2] = True
    return Prompt(object_id, frame_index, Box(left, 1, 2, 2), mask)


# --- merging ---


@pytest.mark.parametrize(
    ("values", "winner"),
    [
        ((0.6,), 1),
        ((0.4,), 0),
        ((0.5,), 0),  # a tie with the background
        ((0.9, 0.8), 1),
        ((0.8, 0.9), 2),
        ((0.7, 0.7), 1),  # a tie of two objects
        ((0.4, 0.4), 1),  # background (1 - .4)^2 = .36 is less likely than either
        ((0.3, 0.2), 0),
        ((0.35, 0.35, 0.36), 3),
        ((0.2, 0.6, 0.6), 2),
        ((1.0, 1.0, 1.0), 1),
        ((0.0, 0.0, 0.0), 0),
        ((0.0, 1.0, 0.3), 2),
    ],
)
def test_a_pixel_goes_to_the_largest_odds(values: tuple[float, ...], winner: int) -> None:
    assert merge(pixel(*values), (1, 1)).tolist() == [[winner]]


def test_ties_do_not_depend_on_the_order_of_the_objects() -> None:
    tied = {9: np.full((1, 1), 0.7, np.float32), 4: np.full((1, 1), 0.7, np.float32)}
    assert merge(tied, (1, 1)).tolist() == [[4]]


def test_no_objects() -> None:
    labels = merge({}, SIZE)
    assert labels.shape == SIZE
    assert labels.dtype == np.uint8
    assert not labels.any()


@given(npst.arrays(np.float32, (3, 5, 6), elements=st.floats(0, 1, width=32)))
def test_three_objects_by_the_definition(stack: np.ndarray) -> None:
    """Equation 1 of the paper in double precision, wherever it is not a near tie."""
    p = np.clip(stack.astype(np.float64), 1e-7, 1 - 1e-7)
    background = np.clip(np.prod(1 - stack.astype(np.float64), axis=0), 1e-7, 1 - 1e-7)
    odds = np.concatenate([background[None], p])
    odds /= 1 - odds
    best = np.sort(odds, axis=0)
    clear = best[-1] > best[-2] * (1 + 1e-3)
    labels = merge(dict(enumerate(stack, start=1)), (5, 6))
    np.testing.assert_array_equal(labels[clear], odds.argmax(axis=0)[clear])


def test_the_probabilities_are_left_alone() -> None:
    given_ = pixel(0.7, 0.2)
    merge(given_, (1, 1))
    assert [float(p[0, 0]) for p in given_.values()] == pytest.approx([0.7, 0.2])


# --- the prompt as a probability ---


def test_the_mask_of_a_prompt() -> None:
    prompt = square(2)
    p = prompt_probability(prompt, SIZE)
    assert p.dtype == np.float32
    np.testing.assert_array_equal(p, prompt.mask)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        (Box(1, 2, 3, 1), slice(2, 3), slice(1, 4)),
        (Box(0, 0, 6, 4), slice(None), slice(None)),
        (Box(0.6, 1.4, 2.0, 2.0), slice(1, 3), slice(1, 3)),
        (Box(-2, -3, 4, 5), slice(0, 2), slice(0, 2)),
        (Box(4, 2, 50, 50), slice(2, 4), slice(4, 6)),
        (Box(-9, -9, 3, 3), slice(0, 0), slice(0, 0)),
        (Box(20, 20, 3, 3), slice(0, 0), slice(0, 0)),
        (Box(1, 1, 0, 0), slice(0, 0), slice(0, 0)),
    ],
)
def test_the_filled_box_of_a_prompt(box: Box, rows: slice, columns: slice) -> None:
    expected = np.zeros(SIZE, np.float32)
    expected[rows, columns] = 1
    p = prompt_probability(Prompt(1, 0, box), SIZE)
    assert p.dtype == np.float32
    np.testing.assert_array_equal(p, expected)


# --- one tracker per object ---


class Shifting:
    """Say that the object is one pixel further to the right on every frame."""

    def init(self, frame: Frame, prompt: Prompt) -> None:
        self.p = prompt_probability(prompt, frame.shape[:2])

    def track(self, frame: Frame) -> Probability:
        self.p = np.roll(self.p, 1, axis=1)
        return self.p


class Many(PerObject):
    def new_object(self) -> Shifting:
        return Shifting()


def test_the_first_label_map_is_the_prompts() -> None:
    labels = Many().step(FRAME, [square(0, 1), square(3, 7)])
    expected = np.where(square(0).mask, 1, np.where(square(3).mask, 7, 0))
    np.testing.assert_array_equal(labels, expected)


def test_objects_are_tracked_and_may_start_late() -> None:
    tracker = Many()
    tracker.step(FRAME, [square(0, 1)])
    labels = tracker.step(FRAME, [square(4, 2)])
    np.testing.assert_array_equal(labels, square(1).mask * 1 + square(4).mask * 2)
    labels = tracker.step(FRAME)
    assert (labels[1] == 1).tolist() == [False, False, True, True, False, False]
    assert (labels[1] == 2).tolist() == [True, False, False, False, False, True]


def test_a_second_prompt_starts_the_object_again() -> None:
    tracker = Many()
    tracker.step(FRAME, [square(0, 1)])
    labels = tracker.step(FRAME, [square(4, 1)])
    np.testing.assert_array_equal(labels == 1, square(4).mask)


def test_before_any_prompt_all_is_background() -> None:
    assert not Many().step(FRAME).any()


def test_reset_forgets_the_objects() -> None:
    tracker = Many()
    tracker.step(FRAME, [square(0, 1)])
    tracker.reset()
    assert not tracker.step(FRAME).any()


def test_prompts_may_be_an_iterator() -> None:
    assert Many().step(FRAME, iter([square(0, 3)])).max() == 3


# --- the base class ---


class Least(Tracker):
    def reset(self) -> None: ...

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> np.ndarray:
        return np.zeros(frame.shape[:2], np.uint8)


def test_defaults() -> None:
    tracker = Least()
    assert tracker.config == NoConfig()
    assert tracker.runtime == Runtime()
    assert (Least.init, Least.weights, Least.devices) == ("mask", "none", ("cpu",))


def test_a_tracker_must_have_step_and_reset() -> None:
    class Nothing(Tracker):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()
