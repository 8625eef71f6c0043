"""Success and precision without restarts: equal to pysot's functions, and by hand."""

import numpy as np
import pytest

from vostool.metrics.ope import (
    box_overlaps,
    normalised_precision_curve,
    precision_curve,
    success_curve,
)


def test_equal_to_pysot() -> None:
    rng = np.random.default_rng(4)
    parts = [rng.uniform(20, 200, (50, 2)), rng.uniform(10, 60, (50, 2))]
    truth = np.round(np.concatenate(parts, 1), 2)
    found = np.round(truth + rng.normal(0, 1, (50, 4)) * np.linspace(0, 14, 50)[:, None], 2)
    found[:, 2:] = np.abs(found[:, 2:])
    # success_overlap and success_error of STVIR/pysot @ d04028f on these boxes
    success = success_curve(found, truth)
    expected = [96, 86, 86, 82, 80, 78, 74, 70, 66, 60, 56, 52, 38, 36, 30, 26, 22, 14, 10, 6, 0]
    assert (100 * success).tolist() == pytest.approx(expected)
    assert success.mean() == pytest.approx(0.5085714285714287, abs=1e-12)
    precision = precision_curve(found, truth)
    assert precision[[5, 20]].tolist() == pytest.approx([0.34, 0.86])
    assert precision.mean() == pytest.approx(0.7752941176470589, abs=1e-12)
    shares = normalised_precision_curve(found, truth)
    assert shares[20] == pytest.approx(0.38)
    assert shares.mean() == pytest.approx(0.4741176470588236, abs=1e-12)


def test_by_hand() -> None:
    truth = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    found = np.array([[5.0, 0, 10, 10], [0, 0, 0, 0]])
    assert box_overlaps(found, truth).tolist() == pytest.approx([50 / 150, 0])
    assert precision_curve(found, truth)[[4, 5, 7, 8]].tolist() == [0, 0.5, 0.5, 1]
    assert normalised_precision_curve(found, truth)[[49, 50]].tolist() == [0, 0.5]
