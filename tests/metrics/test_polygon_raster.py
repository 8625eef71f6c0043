"""Overlaps by pixels: equal to pysot's C code and to vot-toolkit, pair by pair."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vostool.metrics import polygon_raster
from vostool.metrics.polygon_raster import PYSOT, TOOLKIT, RasterRule, corners, raster_overlaps

PAIRS = Path(__file__).parent.parent / "golden/vot/pairs.csv"


def polygons(texts: pd.Series) -> list[np.ndarray]:
    return [np.array(text.split(","), float).reshape(1, -1, 2) for text in texts]


@pytest.mark.parametrize(
    ("column", "size", "rule"),
    [
        ("pysot", (200, 180), PYSOT),
        ("pysot_inset", (199, 179), PYSOT),
        ("vot_toolkit", (200, 180), TOOLKIT),
    ],
)
def test_equal_to_the_toolkits(column: str, size: tuple[int, int], rule: RasterRule) -> None:
    table = pd.read_csv(PAIRS)
    pairs = zip(polygons(table["first"]), polygons(table["second"]), strict=True)
    found = np.array([raster_overlaps(a, b, size, rule)[0] for a, b in pairs])
    expected = table[column].fillna(0).to_numpy()  # where pysot divides by zero
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (expected > 0.05).sum() > 60


@pytest.mark.parametrize("rule", [PYSOT, TOOLKIT], ids=lambda rule: rule.name)
def test_the_short_way_equals_the_long_one(rule: RasterRule, monkeypatch) -> None:
    rng = np.random.default_rng(3)
    centres = rng.uniform(-10, 110, (300, 1, 2))
    angles = rng.uniform(0, 7, 300)
    sides = rng.uniform(0.5, 40, (300, 2))
    turn = np.array([[np.cos(angles), np.sin(angles)], [-np.sin(angles), np.cos(angles)]])
    unit = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    first = (sides[:, None] * unit) @ turn.transpose(2, 0, 1) + centres
    second = first + rng.normal(0, 5, (300, 1, 2)) + rng.normal(0, 1, first.shape)
    short = raster_overlaps(first, second, (100, 90), rule)
    monkeypatch.setattr(polygon_raster, "_strictly_convex", lambda p: np.zeros(len(p), bool))
    np.testing.assert_array_equal(raster_overlaps(first, second, (100, 90), rule), short)
    assert (short > 0.3).sum() > 100


def test_boxes_end_where_the_toolkits_say() -> None:
    boxes = np.array([[10.0, 20, 4, 2], [10, 20, 0.4, 2]])
    assert corners(boxes, PYSOT)[0].tolist() == [[10, 20], [14, 20], [14, 22], [10, 22]]
    assert corners(boxes, TOOLKIT)[0].tolist() == [[10, 20], [13, 20], [13, 21], [10, 21]]
    assert np.isnan(corners(boxes, TOOLKIT)[1]).all()  # it has no pixel


def test_by_hand() -> None:
    first = corners(np.array([[0.0, 0, 10, 10]]), TOOLKIT)
    second = corners(np.array([[5.0, 0, 10, 10]]), TOOLKIT)
    assert raster_overlaps(first, second, (100, 100), TOOLKIT)[0] == pytest.approx(50 / 150)
    assert raster_overlaps(first, second, (10, 100), TOOLKIT)[0] == pytest.approx(50 / 100)
    assert raster_overlaps(first, first + np.nan, (100, 100), TOOLKIT)[0] == 0
    assert raster_overlaps(first, first + 500, (100, 100), PYSOT)[0] == 0
    assert not len(raster_overlaps(first[:0], second[:0], (100, 100), PYSOT))
