"""What must hold of J and F whatever the masks, and that they equal a slow reference."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from vostool.datasets.protocols import PROTOCOLS
from vostool.metrics import reference
from vostool.metrics.bitpacked import pair_scores
from vostool.metrics.boundary import boundary_map, contour_accuracy
from vostool.metrics.frame import common_window, frame_scores
from vostool.metrics.jaccard import region_similarity
from vostool.scoring.accumulators import accumulator_of

Pair = tuple[np.ndarray, np.ndarray]
RADII = st.sampled_from([0, 1, 2, 3, 5, 8, 18, 36, 50])  # most of them larger than the images
FLIPS = [np.fliplr, np.flipud, np.rot90, lambda m: np.rot90(m, 2), lambda m: np.rot90(m, 2).T]
steady = settings(deadline=None, max_examples=60, derandomize=True)


@st.composite
def label_pairs(draw: st.DrawFn, max_side: int = 20, highest: int = 4) -> Pair:
    """Two label maps: noise of any density, or a few rectangles, some of them cut by the border."""
    shape = draw(st.tuples(st.integers(1, max_side), st.integers(1, max_side)))
    if draw(st.booleans()):
        maps = npst.arrays(np.uint8, shape, elements=st.integers(0, highest), fill=st.just(0))
        return draw(maps), draw(maps)
    pair = np.zeros((2, *shape), np.uint8)
    for labels in pair:
        for object_id in range(1, highest + 1):
            top, left = draw(st.integers(-3, shape[0])), draw(st.integers(-3, shape[1]))
            height, width = draw(st.integers(0, shape[0])), draw(st.integers(0, shape[1]))
            box = (
                slice(max(top, 0), max(top + height, 0)),
                slice(max(left, 0), max(left + width, 0)),
            )
            labels[box] = object_id
    return pair[0], pair[1]


@st.composite
def mask_pairs(draw: st.DrawFn, max_side: int = 16) -> Pair:
    prediction, truth = draw(label_pairs(max_side, highest=1))
    return prediction == 1, truth == 1


def by_id(prediction: np.ndarray, truth: np.ndarray, ids: list[int], radius: int) -> dict:
    return {i: (j, f) for i, j, f in frame_scores(prediction, truth, ids, radius)}


# --- equal to the reference ---


@steady
@given(label_pairs(), RADII)
def test_frames_equal_the_reference(pair: Pair, radius: int) -> None:
    ids = [1, 2, 3, 4, 9]  # 9 is never there
    assert list(frame_scores(*pair, ids, radius)) == reference.scores(*pair, ids, radius)


@steady
@given(label_pairs(), st.integers(1, 50))
def test_windows_equal_the_reference_of_the_whole(pair: Pair, radius: int) -> None:
    ids = [1, 2, 3, 4]
    cut = frame_scores(*common_window(*pair), ids, radius)
    assert list(cut) == reference.scores(*pair, ids, radius)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 37), (41, 1), (2, 2), (31, 33)])
@pytest.mark.parametrize("radius", [0, 1, 8, 36, 60])
def test_odd_sizes_equal_the_reference(shape: tuple[int, int], radius: int) -> None:
    rng = np.random.default_rng([*shape, radius])
    for density in (0.02, 0.3, 0.9, 1.0):
        pair = (rng.random((2, *shape)) < density).astype(np.uint8)
        assert list(frame_scores(*pair, [1], radius)) == reference.scores(*pair, [1], radius)


def test_every_id_there_is() -> None:
    rng = np.random.default_rng(0)
    truth = rng.permutation(np.arange(16 * 32) % 255).astype(np.uint8).reshape(16, 32)
    prediction = np.where(rng.random(truth.shape) < 0.3, np.roll(truth, 1, axis=1), truth)
    ids = list(range(1, 255))
    assert list(frame_scores(prediction, truth, ids, 2)) == reference.scores(
        prediction, truth, ids, 2
    )


def test_far_apart_at_the_radius_of_2160p() -> None:
    """Contours 34 to 38 pixels apart, in rows, columns and diagonals."""
    for distance in range(34, 39):
        for dy, dx in ((distance, 0), (0, distance), (distance * 3 // 5, distance * 4 // 5)):
            prediction, truth = np.zeros((2, 70, 70), np.uint8)
            truth[3:6, 4:9] = 1
            prediction[3 + dy : 6 + dy, 4 + dx : 9 + dx] = 1
            expected = reference.scores(prediction, truth, [1], 36)
            assert list(frame_scores(prediction, truth, [1], 36)) == expected


# --- symmetries ---


@steady
@given(label_pairs(), RADII)
def test_prediction_and_truth_can_be_swapped(pair: Pair, radius: int) -> None:
    ids = [1, 2, 3, 4]
    assert by_id(*pair, ids, radius) == by_id(*reversed(pair), ids, radius)


@steady
@given(label_pairs(), RADII, st.permutations(range(1, 10)))
def test_ids_are_only_names(pair: Pair, radius: int, names: list[int]) -> None:
    ids = [1, 2, 3, 4]
    table = np.arange(256, dtype=np.uint8)
    table[1:10] = names
    renamed = by_id(*(table[labels] for labels in pair), [int(table[i]) for i in ids], radius)
    assert renamed == {int(table[i]): value for i, value in by_id(*pair, ids, radius).items()}


@steady
@given(label_pairs(), st.permutations(range(1, 20)))
def test_ids_of_proposals_are_only_names(pair: Pair, names: list[int]) -> None:
    """The sum over objects, that is: among equal assignments any may be chosen.

    The highest id stays: officially there are as many proposals as that says, empty ones too.
    """
    prediction, truth = (np.pad(labels, ((0, 1), (0, 0))) for labels in pair)
    prediction[-1] = 20
    table = np.arange(256, dtype=np.uint8)
    table[1:20] = names
    totals = []
    for each in (prediction, table[prediction]):
        accumulator = accumulator_of(PROTOCOLS["davis-unsupervised"], [1, 2, 3, 4])
        accumulator.update("00000", each, truth, 1, Path("x.png"))
        rows = [row for rows in accumulator.compute().values() for row in rows]
        totals.append(sum(j + f for _, j, f in rows))
    assert totals[0] == pytest.approx(totals[1], abs=1e-12)


@steady
@given(label_pairs(), RADII)
def test_rows_and_columns_can_be_swapped(pair: Pair, radius: int) -> None:
    ids = [1, 2, 3, 4]
    assert by_id(*(m.T for m in pair), ids, radius) == by_id(*pair, ids, radius)


@steady
@given(label_pairs(), RADII, st.sampled_from(FLIPS))
def test_flips_inside_the_border_change_nothing(pair: Pair, radius: int, flip) -> None:
    """A pixel is on the contour if the square of it and three neighbours is mixed.

    Flipped squares are squares, so contours are flipped too, but lie one pixel further: F stays.
    """
    framed = [np.pad(labels, 1) for labels in pair]
    ids = [1, 2, 3, 4]
    assert by_id(*map(flip, framed), ids, radius) == by_id(*framed, ids, radius)


@steady
@given(label_pairs(), RADII, st.sampled_from(FLIPS))
def test_flips_at_the_border_change_f_alone_and_as_defined(pair: Pair, radius: int, flip) -> None:
    """The last row and column have contour pixels of their own, the first have none."""
    ids = [1, 2, 3, 4]
    flipped = [np.ascontiguousarray(flip(labels)) for labels in pair]
    turned, straight = by_id(*flipped, ids, radius), by_id(*pair, ids, radius)
    assert {i: j for i, (j, _) in turned.items()} == {i: j for i, (j, _) in straight.items()}
    assert [(i, *value) for i, value in turned.items()] == reference.scores(*flipped, ids, radius)


@steady
@given(mask_pairs())
def test_contours_are_where_squares_of_four_are_mixed(pair: Pair) -> None:
    """What the flips rest on: a flipped mask has the flipped contour, moved by one."""
    mask = np.pad(pair[0], 1)
    np.testing.assert_array_equal(
        boundary_map(np.fliplr(mask))[:, :-1], np.fliplr(boundary_map(mask)[:, :-1])
    )


# --- order ---


@steady
@given(mask_pairs(), st.data())
def test_a_right_pixel_more_raises_j(pair: Pair, data: st.DataObject) -> None:
    prediction, truth = pair
    lacking = np.argwhere(truth & ~prediction)
    if not len(lacking):
        return
    better = prediction.copy()
    better[tuple(data.draw(st.sampled_from(lacking.tolist())))] = True
    assert pair_scores(better, truth, 1)[0] > pair_scores(prediction, truth, 1)[0]


@steady
@given(mask_pairs(), st.data())
def test_a_wrong_pixel_less_never_lowers_j(pair: Pair, data: st.DataObject) -> None:
    prediction, truth = pair
    wrong = np.argwhere(prediction & ~truth)
    if not len(wrong):
        return
    better = prediction.copy()
    better[tuple(data.draw(st.sampled_from(wrong.tolist())))] = False
    before, after = (pair_scores(each, truth, 1)[0] for each in (prediction, better))
    assert after >= before
    if before > 0:
        assert after > before


@steady
@given(mask_pairs())
def test_a_larger_radius_never_lowers_f(pair: Pair) -> None:
    values = [pair_scores(*pair, radius)[1] for radius in (0, 1, 2, 3, 5, 8, 13, 21, 36)]
    assert values == sorted(values)
    both = [boundary_map(mask).any() for mask in pair]
    assert values[-1] == float(both[0] == both[1])  # beyond the image everything matches


@steady
@given(mask_pairs(), RADII)
def test_scores_lie_between_0_and_1_and_equal_masks_score_1(pair: Pair, radius: int) -> None:
    assert all(0 <= value <= 1 for value in pair_scores(*pair, radius))
    assert pair_scores(pair[0], pair[0].copy(), radius) == (1, 1)
    assert (pair_scores(*pair, radius)[0] == 1) == np.array_equal(*pair)


@steady
@given(mask_pairs(), RADII)
def test_the_plain_definitions_are_the_same_functions(pair: Pair, radius: int) -> None:
    plain = region_similarity(*pair), contour_accuracy(*pair, radius)
    assert pair_scores(*pair, radius) == plain
