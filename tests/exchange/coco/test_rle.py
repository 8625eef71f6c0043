"""Run-length masks against pycocotools, and texts that are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from vostool.errors import DataError
from vostool.exchange.coco.rle import Rle, box_and_area, check, decode, encode_objects, runs, to_rle

RNG = np.random.default_rng(0)


@st.composite
def label_maps(draw) -> np.ndarray:
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    seed, block = draw(st.integers(0, 1000)), draw(st.integers(1, 12))
    small = np.random.default_rng(seed).integers(0, 4, (height // block + 1, width // block + 1))
    return np.kron(small, np.ones((block, block)))[:height, :width].astype(np.uint8)


@given(label_maps())
def test_as_pycocotools_encodes_and_decodes(labels):
    ids = np.array([1, 2, 3])
    for object_id, rle in zip(ids, encode_objects(labels, ids), strict=True):
        mask = labels == object_id
        theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert rle == {"size": list(labels.shape), "counts": theirs["counts"].decode()}
        np.testing.assert_array_equal(decode(rle), mask)
        if mask.any():
            box, area = box_and_area(rle)
            y, x = np.nonzero(mask)
            assert box == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
            assert area == mask.sum()


def test_label_maps_may_be_read_only_and_of_any_order():
    labels = np.asfortranarray(RNG.integers(0, 3, (30, 20), np.uint8))
    labels.setflags(write=False)
    (rle,) = encode_objects(labels[::2, ::-1], np.array([2]))
    np.testing.assert_array_equal(decode(rle), labels[::2, ::-1] == 2)


def test_runs_by_hand():
    # Columns of a 3x4 mask: 000 011 000 000. Runs of 4, 2 and 6 are the characters 4, 2 and 6.
    mask = np.zeros((3, 4), bool)
    mask[1:, 1] = True
    assert encode_objects(mask.astype(np.uint8), np.array([1])) == [
        {"size": [3, 4], "counts": "426"}
    ]
    assert runs(Rle(size=[3, 4], counts="426")).tolist() == [4, 2, 6]


@pytest.mark.parametrize("counts", ["", "4", "42", "42Z", "426426", "4é6", "~~", "P" * 30, "4O9"])
def test_a_text_that_is_no_mask(counts):
    with pytest.raises(
        DataError, match=r"its (runs cover -?\d+ of 12 pixels|counts are no packed)"
    ):
        decode(Rle(size=[3, 4], counts=counts))


def test_all_three_forms_of_a_mask():
    square = np.zeros((10, 12), bool)
    square[2:6, 3:8] = True
    (packed,) = encode_objects(square.astype(np.uint8), np.array([1]))
    listed = {"size": [10, 12], "counts": runs(packed).tolist()}
    corners = [3, 2, 8, 2, 8, 6, 3, 6]
    for segmentation in (packed, listed, [corners]):
        check(segmentation, 10, 12)
        np.testing.assert_array_equal(decode(to_rle(segmentation, 10, 12)), square)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([], "no list of polygons"),
        ([[1, 2, 3, 4]], "no list of polygons"),  # pycocotools takes four numbers for a box
        ([[1, 2, 3, 4, 5, 6, 7]], "no list of polygons"),
        ("426", "neither polygons nor size and counts"),
        ({"counts": "426"}, "neither polygons nor size and counts"),
        ({"size": [4, 3], "counts": "426"}, r"its mask is \[4, 3\] .*, and its image \[3, 4\]"),
        ({"size": [3, 4], "counts": [4, 2]}, "its runs cover 6 of 12 pixels"),
        ({"size": [3, 4], "counts": None}, "its counts are neither text nor a list"),
    ],
)
def test_what_is_no_segmentation(segmentation, message):
    with pytest.raises(DataError, match=message):
        check(segmentation, 3, 4)


@pytest.mark.parametrize("segmentation", [[["a"] * 6], {"size": [3, 4], "counts": [13, -1]}])
def test_what_looks_like_a_segmentation(segmentation):
    with pytest.raises(DataError, match="its segmentation cannot be read"):
        to_rle(segmentation, 3, 4)
