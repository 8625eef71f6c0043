"""Overlays, differences and captions: colours that are known beforehand, at pixels that are."""

import numpy as np
import pytest

from vostool.io.label_maps import davis_palette
from vostool.report.pictures import overlay as drawing

GREY = np.full((60, 80, 3), 100, np.uint8)


def square(object_id: int = 1, top: int = 20, left: int = 20) -> np.ndarray:
    labels = np.zeros((60, 80), np.uint8)
    labels[top : top + 20, left : left + 20] = object_id
    return labels


def test_objects_are_tinted_in_their_colour_of_the_palette() -> None:
    for object_id in (1, 2, 3, 17):
        picture = drawing.overlay(GREY, square(object_id))
        colour = np.array(davis_palette()[3 * object_id : 3 * object_id + 3])
        expected = 0.55 * 100 + 0.45 * colour
        np.testing.assert_allclose(picture[30, 30], expected, atol=0.51)
        np.testing.assert_array_equal(picture[20, 30], colour)  # the contour is not mixed
        np.testing.assert_array_equal(picture[50, 70], [100, 100, 100])


def test_the_contour_is_set_off_from_what_is_around() -> None:
    dark = drawing.overlay(GREY, square(1), thickness=1)  # 128, 0, 0
    light = drawing.overlay(GREY, square(3), thickness=1)  # 128, 128, 0
    assert dark[19, 30].tolist() == [255, 255, 255]
    assert light[19, 30].tolist() == [0, 0, 0]


def test_a_frame_is_not_changed() -> None:
    frame = GREY.copy()
    frame.setflags(write=False)
    labels = square()
    labels.setflags(write=False)
    drawing.overlay(frame, labels)
    drawing.difference(frame, labels, square(2))
    assert (frame == 100).all()


def test_nothing_to_draw() -> None:
    np.testing.assert_array_equal(drawing.overlay(GREY, np.zeros((60, 80), np.uint8)), GREY)


def test_differences_have_three_colours() -> None:
    first, second = square(1), square(1, left=30)
    first[:10, :10], second[:10, :10] = 1, 2
    picture = drawing.difference(GREY, first, second)
    for (y, x), colour in (
        ((30, 25), drawing.ONLY_FIRST),
        ((30, 45), drawing.ONLY_SECOND),
        ((5, 5), drawing.OTHER_ID),
    ):
        np.testing.assert_allclose(picture[y, x], 0.8 * np.array(colour) + 0.2 * 45, atol=0.51)
    assert picture[30, 35].tolist() == [160] * 3  # both have it
    assert picture[50, 70].tolist() == [45] * 3  # neither has


def test_captions_are_above_and_the_picture_below() -> None:
    picture = drawing.captioned(GREY, "run", "J 71.8", (("missed", drawing.ONLY_SECOND),))
    np.testing.assert_array_equal(picture[-60:], GREY)
    bar = picture[:-60]
    assert bar.max() > 200
    assert (bar == drawing.ONLY_SECOND).all(axis=2).any()


@pytest.mark.parametrize("text", ["x" * 500, "", "жук 走 \N{SNOWMAN}", "<script>"])
def test_any_text_fits(text: str) -> None:
    picture = drawing.captioned(GREY, text, "J 100.0", (("a" * 300, (1, 2, 3)),))
    assert picture.shape[1] == 80


def test_a_long_name_does_not_hide_the_score() -> None:
    """The right end of the bar is the same whatever stands on the left."""
    wide = np.zeros((10, 400, 3), np.uint8)
    short, long = (drawing.captioned(wide, text, "J 71.8") for text in ("a", "a" * 300))
    np.testing.assert_array_equal(short[:, -40:], long[:, -40:])


def test_labels_keep_their_ids_when_they_shrink() -> None:
    labels = np.where(square(7) > 0, 7, 3).astype(np.uint8)
    small = drawing.resized_labels(labels, (30, 40))
    assert small.shape == (30, 40)
    assert set(np.unique(small)) == {3, 7}
