"""Targets: where they ask, what they say, and that mirrored data give mirrored targets."""

import numpy as np
import pytest
import torch

from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.polar import fill
from vostool_trackers.siampolar.targets import targets_of


def of(mask: np.ndarray):
    return targets_of(torch.from_numpy(np.ascontiguousarray(mask))[None], 36)


def test_the_middle_is_on_the_object_and_near_its_centre(ellipse):
    targets = of(ellipse)
    rows, columns = np.nonzero(targets.score[0].numpy() == 1)
    assert len(rows) >= 4
    y, x = np.nonzero(ellipse)
    for row, column in zip(8 * rows + 31, 8 * columns + 31, strict=True):
        assert ellipse[row, column]
        assert np.hypot(row - y.mean(), column - x.mean()) <= 40
    beside = targets.score[0].numpy() == 0
    assert not ellipse[31:224:8, 31:224:8][beside].any()


def test_rays_fill_the_object_again(ellipse):
    targets = of(ellipse)
    point = cell_centres().reshape(-1, 2)[targets.cells[0, 0]]
    filled = fill(point[None], targets.rays[0, :1], torch.zeros(1, 2), (255, 255))[0].numpy()
    assert (filled & ellipse).sum() / (filled | ellipse).sum() > 0.95
    assert targets.used[0, 0]
    assert targets.centerness[0, 0] == pytest.approx(
        (targets.rays[0, 0].min() / targets.rays[0, 0].max()).sqrt().item()
    )


@pytest.mark.parametrize("axis", ["x", "y", "both"])
def test_mirrored_masks_have_mirrored_targets(ellipse, axis):
    """Ray k points along k of 36 parts of a turn from +x towards +y."""
    dims = {"x": (-1,), "y": (-2,), "both": (-2, -1)}[axis]
    k = np.arange(36)
    order = {"x": 18 - k, "y": -k, "both": k + 18}[axis] % 36
    plain, turned = of(ellipse), of(np.flip(ellipse, dims))
    assert torch.equal(turned.score, plain.score.flip(dims))
    rays = {
        int(c): r for c, r, u in zip(plain.cells[0], plain.rays[0], plain.used[0], strict=True) if u
    }
    for cell, lengths, used in zip(turned.cells[0], turned.rays[0], turned.used[0], strict=True):
        row, column = divmod(int(cell), 25)
        row = 24 - row if -2 in dims else row
        column = 24 - column if -1 in dims else column
        if used and 25 * row + column in rays:
            assert torch.allclose(lengths[order], rays[25 * row + column], atol=1e-2)


def test_swapped_axes_have_swapped_targets(ellipse):
    """What would have caught labels with x and y exchanged."""
    plain, turned = of(ellipse), of(ellipse.T)
    assert torch.equal(turned.score[0], plain.score[0].T)


def test_an_object_between_cells_has_one(ellipse):
    mask = np.zeros((255, 255), bool)
    mask[100:103, 97:101] = True
    targets = of(mask)
    assert (targets.score == 1).sum() == 1
    assert targets.used.sum() == 1


def test_nothing_there_is_nothing_asked():
    targets = of(np.zeros((255, 255), bool))
    assert not targets.used.any()
    assert (targets.score == 0).all()
