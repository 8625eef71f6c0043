"""Polygons drawn in frames that the network sees stretched, against points in polygons."""

import numpy as np
import pytest
import torch
from skimage.measure import points_in_poly

from vostool_trackers.siamese.inference.drawing import draw_polygons
from vostool_trackers.siamese.polar import contour, fill

SIZE = (90, 120)


def stretched(ends: np.ndarray, step: tuple[float, float]) -> np.ndarray:
    """Return contour points (R, 2) in pixels of the frame."""
    return (ends + 0.5) / np.array(step) - 0.5


@pytest.mark.parametrize("step", [(1.0, 1.0), (0.3, 0.5333), (1.499, 1.6), (2.0, 0.5)])
def test_stretched_polygons_are_filled_as_points_in_them_say(step):
    generator = torch.Generator().manual_seed(7)
    scale = torch.tensor(step)
    points = torch.rand(3, 2, generator=generator) * torch.tensor([120.0, 90.0]) * scale
    lengths = (5 + 20 * torch.rand(3, 36, generator=generator)) * scale.mean()
    corners = torch.tensor([[0, 0], [-10, 20], [7, 3]])
    windows = fill(points, lengths, corners, (70, 80), step).numpy()
    for number, (left, top) in enumerate(corners.tolist()):
        y, x = np.mgrid[top : top + 70, left : left + 80]
        corner = stretched(contour(points, lengths)[number].numpy().astype(float), step)
        inside = points_in_poly(np.stack([x.ravel(), y.ravel()], 1), corner).reshape(70, 80)
        assert windows[number].any()
        assert np.array_equal(windows[number], inside)


@pytest.mark.parametrize("step", [(1.0, 1.0), (1.5, 0.4)])
@pytest.mark.parametrize("seed", range(3))
def test_windows_draw_what_whole_frames_would(seed, step):
    """Also for objects that leave the frame, lie outside it, or are lost."""
    generator = torch.Generator().manual_seed(seed)
    ids = [3, 7, 1, 200, 9]
    scale = torch.tensor(step)
    points = (torch.rand(5, 2, generator=generator) * torch.tensor([160.0, 130.0]) - 20) * scale
    points[4] = torch.tensor([-200.0, 300.0])
    rays = 1 + 25 * torch.rand(5, 36, generator=generator)
    scores = torch.rand(5, generator=generator)
    scores[seed] = 0.0
    labels = draw_polygons(points, rays, scores, ids, SIZE, step).numpy()
    whole = fill(points, rays, torch.zeros(5, 2), SIZE, step).numpy()
    expected = np.zeros(SIZE, np.uint8)
    for i in np.argsort(scores.numpy()):
        if scores[i] > 0:
            expected[whole[i]] = ids[i]
    assert np.array_equal(labels, expected)
    assert len(np.unique(expected)) > 2


def test_nobody_in_the_frame_draws_nothing():
    far, rays = torch.tensor([[-500.0, 900.0]]), torch.full((1, 36), 9.0)
    assert not draw_polygons(far, rays, torch.ones(1), [1], SIZE).any()
