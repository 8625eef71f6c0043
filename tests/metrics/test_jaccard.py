"""Region similarity against its definition on sets of pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from vostool.metrics.jaccard import region_similarity


@st.composite
def mask_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(npst.array_shapes(min_dims=2, max_dims=2, max_side=12))
    masks = npst.arrays(bool, shape)
    return draw(masks), draw(masks)


def pixels(mask: np.ndarray) -> set[tuple[int, ...]]:
    return {position for position, on in np.ndenumerate(mask) if on}


def full(rows: int, columns: int, *, on: bool) -> np.ndarray:
    return np.full((rows, columns), on)


@given(mask_pairs())
def test_definition(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = map(pixels, pair)
    expected = len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0
    assert region_similarity(*pair) == expected


@given(mask_pairs())
def test_symmetric(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert region_similarity(*pair) == region_similarity(*reversed(pair))


@given(mask_pairs())
def test_orientation_of_the_image_does_not_matter(pair: tuple[np.ndarray, np.ndarray]) -> None:
    value = region_similarity(*pair)
    for turn in (np.fliplr, np.flipud, np.transpose, np.rot90):
        assert region_similarity(*map(turn, pair)) == value


@given(mask_pairs())
def test_identical_masks_score_one(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert region_similarity(pair[0], pair[0].copy()) == 1


@pytest.mark.parametrize(
    ("prediction", "truth", "value"),
    [
        (full(3, 4, on=False), full(3, 4, on=False), 1.0),
        (full(3, 4, on=True), full(3, 4, on=False), 0.0),
        (full(3, 4, on=False), full(3, 4, on=True), 0.0),
        (full(3, 4, on=True), np.eye(3, 4) > 0, 3 / 12),
        (full(0, 0, on=False), full(0, 0, on=False), 1.0),
    ],
)
def test_by_hand(prediction: np.ndarray, truth: np.ndarray, value: float) -> None:
    assert region_similarity(prediction, truth) == value


def test_inputs_are_left_alone() -> None:
    ours, theirs = full(3, 3, on=True), np.eye(3) > 0
    region_similarity(ours, theirs)
    assert ours.all()
    assert theirs.sum() == 3
