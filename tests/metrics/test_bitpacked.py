"""The packed computation equals the plain definitions to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vostool.metrics.bitpacked import pair_scores
from vostool.metrics.boundary import boundary_radius, contour_accuracy
from vostool.metrics.jaccard import region_similarity


def plain(prediction: np.ndarray, truth: np.ndarray, radius: int) -> tuple[float, float]:
    return region_similarity(prediction, truth), contour_accuracy(prediction, truth, radius)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    mask = arrays(bool, shape, elements=st.booleans())
    return draw(mask), draw(mask)


@given(pairs(), st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_any_masks(pair, radius):
    assert pair_scores(*pair, radius) == plain(*pair, radius)


@pytest.mark.parametrize("radius", [1, 2, 7, 8, 9, 10, 18, 36, 37, 64])
@pytest.mark.parametrize("share", [0.0005, 0.02, 0.5, 0.98, 1.0])
def test_any_radius(radius, share):
    rng = np.random.default_rng(radius)
    prediction, truth = (rng.random((2, 150, 203)) < share) & (rng.random((2, 1, 1)) < 2)
    assert pair_scores(prediction, truth, radius) == plain(prediction, truth, radius)


@pytest.mark.parametrize("corner", [(0, 0), (0, -40), (-30, 0), (-30, -40), (20, 20)])
def test_objects_at_every_border(corner):
    rng = np.random.default_rng(0)
    prediction, truth = np.zeros((2, 100, 120), bool)
    blob = rng.random((2, 30, 40)) < 0.7
    y, x = corner
    for mask, part in ((prediction, blob[0]), (truth, blob[1])):
        mask[y : y + 30 or None, x : x + 40 or None] = part
    assert pair_scores(prediction, truth, 3) == plain(prediction, truth, 3)


def test_real_masks(shared):
    from vostool.io.label_maps import merge_objects, read_labels

    for folder in sorted((shared / "data" / "predictions" / "osvos").iterdir()):
        for path in sorted(folder.iterdir())[::9]:
            truth = shared / "data" / "DAVIS" / "Annotations" / "480p" / folder.name / path.name
            pair = [merge_objects(read_labels(p)).astype(bool) for p in (path, truth)]
            radius = boundary_radius(*pair[0].shape)
            assert pair_scores(*pair, radius) == plain(*pair, radius)
