"""Regions as text, and boxes made of masks and polygons."""

from pathlib import Path

import numpy as np
import pytest

from vostool.errors import DatasetError, ResultError
from vostool.geometry import box_around, filled, fitted_box, polygon_of, rotated_box, same_area_box
from vostool.io.regions import format_region, parse_regions
from vostool.metrics.polygon_clip import exact_overlaps

FILE = Path("some/result.txt")


def test_lines_of_every_kind() -> None:
    found = parse_regions("1\n1.5,2,3,4\n0,0,4,0,4,3\n1,1,2,1,2,2,1,2\n\n", FILE, ResultError)
    assert found.counts.tolist() == [1, 4, 6, 8]
    assert found.row(1).tolist() == [1.5, 2, 3, 4]
    assert found.row(2).tolist() == [0, 0, 4, 0, 4, 3]


@pytest.mark.parametrize("text", ["1 2 3 4\n5 6 7 8\n", "1\t2\t3\t4\r\n5\t6\t7\t8\r\n"])
def test_blanks_between_numbers(text: str) -> None:
    found = parse_regions(text, FILE, DatasetError)
    assert found.values.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n1,2,3,4,5\n", "line 2 has 5 numbers"),
        ("1\n1,2\n", "line 2 has 2 numbers"),
        ("1,2,3,4,5,6,7\n", "line 1 has 7 numbers"),
        ("1\n\n1,2,3,4\n", "line 2: '' are not numbers"),
        ("1\n1,2,x,4\n", "line 2: '1,2,x,4' are not numbers"),
        ("1\n1,2,3,\n", "line 2: '1,2,3,' are not numbers"),
        ("1\n1,2,nan,4\n", "line 2: the region is NaN"),
        ("NaN,NaN,NaN,NaN\n", "line 1: the region is NaN"),
        ("1\n1,2,inf,4\n", "line 2: '1,2,inf,4' is no region of finite size"),
    ],
)
def test_what_is_no_region(text: str, message: str) -> None:
    with pytest.raises(ResultError, match=r"some/result\.txt, ") as error:
        parse_regions(text, FILE, ResultError)
    assert message in str(error.value)


def test_absent_objects() -> None:
    found = parse_regions("1,2,3,4\nNaN,NaN,NaN,NaN\n", FILE, DatasetError, absent=True)
    assert found.counts.tolist() == [4, 0]


def test_what_is_written_can_be_read() -> None:
    values = np.array([1.23456, -2, 1e5, 0.00004])
    assert format_region(values) == "1.2346,-2.0000,100000.0000,0.0000"
    assert parse_regions(format_region(values), FILE, ResultError).counts.tolist() == [4]


def test_corners_of_a_box() -> None:
    assert polygon_of(np.array([1.0, 2, 3, 4])).tolist() == [[1, 2], [4, 2], [4, 6], [1, 6]]


def test_the_box_of_the_same_area() -> None:
    diamond = np.array([(0.0, 5), (10, 0), (20, 5), (10, 10)])
    assert box_around(diamond) == (0, 0, 20, 10)
    box = same_area_box(diamond)
    assert box.w * box.h == pytest.approx(100)  # half of 20 x 10
    assert box.w / box.h == pytest.approx(2)
    assert (box.x + box.w / 2, box.y + box.h / 2) == (10, 5)


def test_the_inside_of_a_polygon() -> None:
    mask = filled(np.array([(2.0, 1), (6, 1), (6, 4), (2, 4)]), (6, 8))
    expected = np.zeros((6, 8), bool)
    expected[1:4, 2:6] = True
    assert np.array_equal(mask, expected)
    assert not filled(np.array([(-9.0, -9), (-3, -9), (-3, -3)]), (6, 8)).any()
    cut = filled(np.array([(-4.0, -4), (3, -4), (3, 3), (-4, 3)]), (6, 8))
    assert cut.sum() == 9


def drawn(angle: float, *, tail: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the mask of a rotated box, with something thin that sticks out, and its corners."""
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    corners = np.array([(-40.0, -15), (40, -15), (40, 15), (-40, 15)]) @ turn + (100, 80)
    mask = filled(corners, (160, 200))
    if tail:
        mask |= filled(
            np.array([(40.0, -2), (75, -2), (75, 2), (40, 2)]) @ turn + (100, 80), mask.shape
        )
    mask[:6, :6] = True  # a smaller part elsewhere
    return mask, corners


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float(exact_overlaps(first[None], second[None])[0])


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.1, 2.5])
def test_the_smallest_box_around_a_mask(angle: float) -> None:
    mask, corners = drawn(angle, tail=False)
    found = rotated_box(mask)
    assert found is not None
    assert overlap(found + 0.5, corners) > 0.9


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.1, 2.5])
def test_the_fitted_box_ignores_what_sticks_out(angle: float) -> None:
    mask, corners = drawn(angle, tail=True)
    around, fitted = rotated_box(mask), fitted_box(mask)
    assert around is not None
    assert fitted is not None
    assert overlap(around + 0.5, corners) < 0.75
    assert overlap(fitted + 0.5, corners) > 0.9


def test_an_empty_mask_has_no_box() -> None:
    assert rotated_box(np.zeros((5, 5), bool)) is None
    assert fitted_box(np.zeros((5, 5), bool)) is None


def test_a_single_pixel() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True
    assert np.allclose(rotated_box(mask), (3, 2))
    assert np.isfinite(fitted_box(mask)).all()
