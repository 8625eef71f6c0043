"""Label maps of polygons: as if each had been filled in the whole frame."""

import numpy as np
import pytest
import torch

from vostool_trackers.siampolar.drawing import draw_polygons
from vostool_trackers.siampolar.polar import fill

SIZE = (90, 120)


@pytest.mark.parametrize("seed", range(4))
def test_windows_draw_what_whole_frames_would(seed):
    """Also for objects that leave the frame, lie outside it, or are lost."""
    generator = torch.Generator().manual_seed(seed)
    ids = [3, 7, 1, 200, 9]
    points = torch.rand(5, 2, generator=generator) * torch.tensor([160.0, 130.0]) - 20
    points[4] = torch.tensor([-200.0, 300.0])
    rays = 1 + 25 * torch.rand(5, 36, generator=generator)
    scores = torch.rand(5, generator=generator)
    scores[seed % 3] = 0.0
    labels = draw_polygons(points, rays, scores, ids, SIZE).numpy()
    expected = np.zeros(SIZE, np.uint8)
    whole = fill(points, rays, torch.zeros(5, 2), SIZE).numpy()
    for i in np.argsort(scores.numpy()):
        if scores[i] > 0:
            expected[whole[i]] = ids[i]
    assert np.array_equal(labels, expected)
    assert len(np.unique(expected)) > 2


def test_nobody_in_the_frame_draws_nothing():
    far, rays = torch.tensor([[-500.0, 900.0]]), torch.full((1, 36), 9.0)
    assert not draw_polygons(far, rays, torch.ones(1), [1], SIZE).any()
