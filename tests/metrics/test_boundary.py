"""Contour accuracy against slow references written from the definition."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from skimage.morphology import disk

from vostool.metrics.boundary import boundary_map, boundary_radius, contour_accuracy
from vostool.metrics.reference import contour
from vostool.metrics.reference import contour_accuracy as slow_accuracy
from vostool.metrics.reference import f_measure as harmonic

Pair = tuple[np.ndarray, np.ndarray]


@st.composite
def mask_pairs(draw: st.DrawFn, max_side: int = 12) -> Pair:
    shape = draw(npst.array_shapes(min_dims=2, max_dims=2, max_side=max_side))
    masks = npst.arrays(bool, shape)
    return draw(masks), draw(masks)


radii = st.integers(0, 6)


# --- references ---


def by_dilation(prediction: np.ndarray, truth: np.ndarray, radius: int) -> float:
    """F by growing both contours with a disk, on the whole image."""
    ours, theirs = (contour(m).astype(np.uint8) for m in (prediction, truth))
    grown_ours, grown_theirs = (cv2.dilate(m, disk(radius, dtype=np.uint8)) for m in (ours, theirs))
    return harmonic(
        ours.sum(), theirs.sum(), (ours & grown_theirs).sum(), (theirs & grown_ours).sum()
    )


def discs(shape: tuple[int, int], seed: int, noise: float = 0.0) -> Pair:
    """Two masks of a few discs each, some cut by the border, the second a shift of the first."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    first, second = np.zeros(shape, bool), np.zeros(shape, bool)
    for _ in range(4):
        cy, cx, r = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(2, 25)
        dy, dx = rng.normal(0, 8, 2)
        first |= np.hypot(y - cy, x - cx) <= r
        second |= np.hypot(y - cy - dy, x - cx - dx) <= r
    return first, second ^ (rng.random(shape) < noise)


# --- the tolerance ---


@pytest.mark.parametrize(
    ("size", "radius"),
    [
        ((480, 854), 8),
        ((480, 910), 9),
        ((480, 1152), 10),
        ((1080, 1920), 18),
        ((2160, 3840), 36),
        ((240, 432), 4),
        ((75, 100), 1),
        ((300, 400), 4),
        ((750, 1000), 10),
        ((1125, 1500), 15),
        ((17, 23), 1),
        ((1, 1), 1),
    ],
)
def test_radius(size: tuple[int, int], radius: int) -> None:
    assert boundary_radius(*size) == radius


# --- the boundary map ---


@given(npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_boundary_map_by_its_definition(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(boundary_map(mask), contour(mask))


def test_the_contour_of_a_square_lies_half_a_pixel_towards_the_origin() -> None:
    mask = np.zeros((6, 7), bool)
    mask[2:4, 3:5] = True
    assert boundary_map(mask).astype(int).tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 1, 0, 1, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]


def test_a_full_frame_has_no_contour() -> None:
    assert not boundary_map(np.ones((4, 5), bool)).any()


# --- F ---


@settings(deadline=None)
@given(mask_pairs(), radii)
def test_by_distances(pair: Pair, radius: int) -> None:
    assert contour_accuracy(*pair, radius) == slow_accuracy(*pair, radius)


@pytest.mark.parametrize("radius", range(1, 41))
def test_by_dilation(radius: int) -> None:
    pair = discs((96, 120), seed=radius)
    assert contour_accuracy(*pair, radius) == by_dilation(*pair, radius)


@pytest.mark.parametrize("seed", range(10))
def test_by_dilation_with_noise_at_a_low_radius(seed: int) -> None:
    pair = discs((70, 90), seed, noise=0.005)
    value = contour_accuracy(*pair, 2)
    assert value == by_dilation(*pair, 2)
    assert 0.05 < value < 0.95


@pytest.mark.parametrize("radius", [1, 5, 8, 13, 25, 36])
def test_pixels_exactly_at_the_distance_match(radius: int) -> None:
    """Single contour pixels at every offset near the circle, e.g. (3, 4) and (0, 5) for 5."""
    side = 2 * radius + 5
    truth = np.zeros((side, side), bool)
    truth[0, 0] = True  # in the corner its contour is one pixel
    ties = 0
    for dy in range(radius + 2):
        for dx in range(radius + 2):
            if abs(dy * dy + dx * dx - radius * radius) > 2 * radius + 1:
                continue
            # A pixel inside has a contour of 2 x 2, whose nearest pixel lies at (dy, dx).
            prediction = np.zeros_like(truth)
            prediction[dy + 1, dx + 1] = True
            within = dy * dy + dx * dx <= radius * radius
            ties += dy * dy + dx * dx == radius * radius
            assert (contour_accuracy(prediction, truth, radius) > 0) == within, (dy, dx)
    assert ties >= 2


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
@pytest.mark.parametrize("radius", [1, 3, 20])
def test_objects_at_the_border(side: str, radius: int) -> None:
    band = {
        "top": np.s_[:5],
        "bottom": np.s_[-5:],
        "left": np.s_[:, :5],
        "right": np.s_[:, -5:],
    }[side]
    truth = np.zeros((30, 34), bool)
    truth[band] = True
    prediction = np.roll(truth, (1, 2), axis=(0, 1))
    assert contour_accuracy(prediction, truth, radius) == slow_accuracy(prediction, truth, radius)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2), (3, 50)])
def test_thin_images(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    for radius in (1, 2, 7):
        for _ in range(20):
            ours, theirs = rng.random((2, *shape)) < 0.5
            expected = slow_accuracy(ours, theirs, radius)
            assert contour_accuracy(ours, theirs, radius) == expected


@pytest.mark.parametrize(
    ("prediction", "truth", "value"),
    [
        ("empty", "empty", 1.0),
        ("full", "full", 1.0),
        ("full", "empty", 1.0),  # neither has a contour
        ("full", "square", 0.0),
        ("square", "full", 0.0),
        ("empty", "square", 0.0),
        ("square", "empty", 0.0),
        ("square", "square", 1.0),
    ],
)
def test_masks_without_a_contour(prediction: str, truth: str, value: float) -> None:
    masks = {name: np.zeros((9, 9), bool) for name in ("empty", "full", "square")}
    masks["full"][:] = True
    masks["square"][3:6, 3:6] = True
    assert contour_accuracy(masks[prediction], masks[truth], 1) == value


# --- properties ---


@given(mask_pairs(), radii)
def test_symmetric(pair: Pair, radius: int) -> None:
    assert contour_accuracy(*pair, radius) == contour_accuracy(*reversed(pair), radius)


@given(mask_pairs(), radii)
def test_transposing_changes_nothing(pair: Pair, radius: int) -> None:
    """East and south swap their roles. Flips are another matter: contours lean to the origin."""
    assert contour_accuracy(*(m.T for m in pair), radius) == contour_accuracy(*pair, radius)


def test_flips_do_change_the_score() -> None:
    """A pixel beside the border has a whole contour on one side and half of one on the other."""
    ours, theirs = np.zeros((2, 4, 4), bool)
    ours[1, 0] = theirs[1, 2] = True
    flipped = contour_accuracy(np.fliplr(ours), np.fliplr(theirs), 1)
    assert contour_accuracy(ours, theirs, 1) != flipped


@given(mask_pairs(), radii)
def test_swapping_object_and_background_changes_nothing(pair: Pair, radius: int) -> None:
    assert contour_accuracy(~pair[0], ~pair[1], radius) == contour_accuracy(*pair, radius)


@given(mask_pairs(8), radii, st.tuples(*[st.integers(1, 5)] * 4))
def test_moving_within_the_image_changes_nothing(
    pair: Pair, radius: int, margins: tuple[int, int, int, int]
) -> None:
    top, bottom, left, right = margins
    moved = (np.pad(mask, ((top, bottom), (left, right))) for mask in pair)
    framed = (np.pad(mask, 1) for mask in pair)
    assert contour_accuracy(*moved, radius) == contour_accuracy(*framed, radius)


@given(mask_pairs())
def test_a_larger_radius_never_lowers_the_score(pair: Pair) -> None:
    values = [contour_accuracy(*pair, radius) for radius in range(8)]
    assert values == sorted(values)
    assert values[0] >= 0
    assert values[-1] <= 1


@given(mask_pairs(), radii)
def test_identical_masks_score_one(pair: Pair, radius: int) -> None:
    assert contour_accuracy(pair[0], pair[0].copy(), radius) == 1
