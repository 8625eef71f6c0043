"""Overlaps by area: equal to shapely, and to what is known without computing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vostool.metrics.polygon_clip import exact_overlaps, polygon_areas

PAIRS = Path(__file__).parent.parent / "golden/vot/pairs.csv"
SQUARE = np.array([[(0.0, 0), (2, 0), (2, 2), (0, 2)]])
STEP = np.array([1.0, 0])
L_SHAPE = np.array([[(0.0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]])


def test_equal_to_shapely() -> None:
    table = pd.read_csv(PAIRS).dropna(subset="exact")
    assert set(table["kind"]) >= {"rotated", "any", "six"}
    for row in table.to_dict("records"):
        first, second = (
            np.array(row[name].split(","), float).reshape(1, -1, 2) for name in ("first", "second")
        )
        found = exact_overlaps(first, second, (200, 180))[0]
        assert found == pytest.approx(row["exact"], abs=1e-9), row


@pytest.mark.parametrize(
    ("first", "second", "size", "expected"),
    [
        (SQUARE, SQUARE, None, 1),
        (SQUARE, SQUARE[:, ::-1], None, 1),  # the other way round
        (SQUARE, SQUARE + STEP, None, 2 / 6),
        (SQUARE, SQUARE + 2 * STEP, None, 0),  # they touch
        (SQUARE, SQUARE + STEP, (2, 5), 2 / 4),
        (SQUARE, SQUARE - 5, (2, 5), 0),
        (SQUARE - 5, SQUARE - 5, (2, 5), 0),  # nothing of them in the frame
        (SQUARE, L_SHAPE, None, 3 / 4),
        (L_SHAPE, SQUARE, None, 3 / 4),
        (L_SHAPE, L_SHAPE, None, 1),
        (L_SHAPE, L_SHAPE + STEP, None, 1 / 5),
        (SQUARE, SQUARE * np.nan, None, 0),
        (SQUARE * 0, SQUARE * 0, None, 0),
    ],
)
def test_by_hand(first, second, size, expected: float) -> None:
    assert exact_overlaps(first, second, size)[0] == pytest.approx(expected, abs=1e-12)


def test_areas_far_from_the_origin() -> None:
    assert polygon_areas(SQUARE + 1e8)[0] == 4
    assert polygon_areas(SQUARE[:, ::-1])[0] == -4
