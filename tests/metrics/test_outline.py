"""Outlines of small masks, followed by hand."""

import numpy as np
import pytest

from vostool.metrics.outline import longest_outline


def signed_area(points):
    """Return the area by the shoelace formula, positive if clockwise on the screen."""
    row, column = points.T
    return float(np.sum(column[:-1] * row[1:] - column[1:] * row[:-1])) / 2


def test_rectangle_starts_at_its_upper_left_corner_and_runs_clockwise():
    mask = np.zeros((20, 30), np.bool_)
    mask[4:12, 5:25] = True
    expected = [(4, 5), (4, 25), (12, 25), (12, 5), (4, 5)]
    assert longest_outline(mask).tolist() == [list(map(float, point)) for point in expected]


def test_mask_that_fills_the_image():
    outline = longest_outline(np.ones((8, 9), np.bool_))
    assert outline.tolist() == [[0, 0], [0, 9], [8, 9], [8, 0], [0, 0]]


def test_of_outlines_with_equally_many_corners_the_last_in_reading_order():
    mask = np.zeros((40, 60), np.bool_)
    mask[2:30, 2:30] = mask[5:12, 40:50] = True
    assert longest_outline(mask)[0].tolist() == [5, 40]


def test_steps_of_one_pixel_are_simplified_away():
    mask = np.tril(np.ones((30, 30), np.bool_))
    assert longest_outline(mask).tolist() == [[0, 0], [30, 30], [30, 0], [0, 0]]


def test_outline_of_a_hole_has_the_object_on_its_right():
    row, column = np.mgrid[:60, :60]
    mask = (row - 30) ** 2 + (column - 30) ** 2 > 15**2
    outline = longest_outline(mask)
    assert np.ptp(outline, axis=0).tolist() == pytest.approx([29, 29], abs=3)
    assert signed_area(outline) == pytest.approx(-np.pi * 15**2, rel=0.1)


def test_diagonal_neighbours_are_outlines_of_their_own():
    mask = np.zeros((40, 40), np.bool_)
    mask[5:15, 5:15] = True
    mask[15:35, 15:30] = True  # touches the first at the corner (15, 15)
    # As the original program turns: not straight on, so that each square is an outline.
    expected = [[15, 15], [15, 5], [5, 5], [5, 15], [15, 15]]
    assert longest_outline(mask).tolist() == expected


@pytest.mark.parametrize("side", [0, 1, 2])
def test_too_small_for_an_outline(side):
    mask = np.zeros((9, 9), np.bool_)
    mask[3 : 3 + side, 3 : 3 + side] = True
    assert longest_outline(mask) is None
