"""Targets of whole frames: which level, which cells, and that mirrored data give mirrored ones."""

import numpy as np
import pytest
import torch

from vostool_trackers.siamese.model.pyramid import grid_of
from vostool_trackers.siamese.polar import fill
from vostool_trackers.siamese.training.polar_targets import (
    FrameTargets,
    _of_level,
    centerness_of,
    frame_targets,
)

FRAME = (192, 256)
RAYS = 36
GRID = grid_of(FRAME, (8, 16, 32, 64), reach=4.0)
SIZES = ((24, 32), (12, 16), (6, 8), (3, 4))  # of the levels
pytestmark = pytest.mark.usefixtures("one_thread")


def of(mask: np.ndarray) -> FrameTargets:
    return frame_targets(torch.from_numpy(np.ascontiguousarray(mask))[None], GRID, RAYS)


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """Return a mask of the columns left to right - 1 and the rows top to bottom - 1."""
    mask = np.zeros(FRAME, bool)
    mask[top:bottom, left:right] = True
    return mask


def middle(targets: FrameTargets) -> list[tuple[float, ...]]:
    """Return x, y and stride of the cells of the middle."""
    on = targets.score[0] == 1
    return [
        (*p, s) for p, s in zip(GRID.points[on].tolist(), GRID.strides[on].tolist(), strict=True)
    ]


def test_a_small_object_is_of_the_finest_level_by_hand():
    """Columns 90 to 109, rows 50 to 69: mass at (99.5, 59.5), square of 12 around it, box of 10.

    Of x = 8 i + 4 the box holds 92, 100, 108, of y 52, 60, 68. From (92, 52) to the right edge at
    109.5 are 17.5 pixels, the most of all; the finest level ends at 32.
    """
    expected = [(x, y, 8) for y in (52, 60, 68) for x in (92, 100, 108)]
    assert middle(of(rectangle(90, 50, 110, 70))) == expected


def test_a_large_object_is_of_a_coarse_level_by_hand():
    """Columns 40 to 159, rows 60 to 99: mass at (99.5, 79.5), edges at 39.5, 159.5, 59.5, 99.5.

    Every cell has a side that is 59.5 or more pixels away, too far for stride 8. Stride 16 ends at
    64, and its cells in the square of 24, x = 88, 104, 120, have 71.5, 64.5 and 80.5. Stride 32
    ends at 128: the square of 48 holds x = 80, 112, 144 and of y = 48, 80, 112 the box holds 80.
    """
    assert middle(of(rectangle(40, 60, 160, 100))) == [(x, 80, 32) for x in (80, 112, 144)]


def test_ranges_meet_and_do_not_overlap():
    """Columns 68 to 131: the cell x = 100 has 32.5 to the left and 31.5 to the right edge."""
    targets = of(rectangle(68, 90, 132, 110))
    assert {s for *_, s in middle(targets)} == {16}
    smaller = of(rectangle(69, 90, 131, 110))
    assert (100, 100, 8) in middle(smaller)


def test_where_published_ranges_overlap_there_is_one_level():
    """A farthest side of just 32 pixels belongs to the second level alone."""
    reach = torch.full((len(GRID.points),), 32.0)
    fits = _of_level(reach, GRID)
    assert set(GRID.strides[fits].tolist()) == {16}


def test_rays_fill_the_object_again():
    y, x = np.mgrid[:192, :256]
    mask = ((x - 150) / 50) ** 2 + ((y - 90) / 25) ** 2 <= 1
    targets = of(mask)
    assert targets.used[0, 0]
    point = GRID.points[targets.cells[0, 0]]
    filled = fill(point[None], targets.rays[0, :1], torch.zeros(1, 2), FRAME)[0].numpy()
    assert (filled & mask).sum() / (filled | mask).sum() > 0.95


@pytest.mark.parametrize("axis", ["x", "y", "both"])
def test_mirrored_masks_have_mirrored_targets(axis):
    """The cells' own mirror images are about the middle of their grid, x = 128 and y = 96.

    So a mirrored mask moves on by a pixel. Ray k points along k of 36 parts of a turn.
    """
    y, x = np.mgrid[:192, :256]
    body = ((x - 150) / 28) ** 2 + ((y - 70) / 16) ** 2 <= 1
    mask = body | (((x - 170) / 9) ** 2 + ((y - 60) / 12) ** 2 <= 1)
    dims = {"x": (1,), "y": (0,), "both": (0, 1)}[axis]
    k = np.arange(36)
    order = {"x": 18 - k, "y": -k, "both": k + 18}[axis] % 36
    plain = of(mask)
    turned = of(np.roll(np.flip(mask, dims), (1,) * len(dims), dims))
    parts = [
        [t.reshape(size) for t, size in zip(targets.score[0].split(counts), SIZES, strict=True)]
        for counts in [[h * w for h, w in SIZES]]
        for targets in (plain, turned)
    ]
    for before, after in zip(*parts, strict=True):
        assert torch.equal(after, before.flip(dims))
    assert plain.used.sum() >= 4
    ends = {
        tuple(GRID.points[cell].tolist()): rays
        for cell, rays in zip(plain.cells[0], plain.rays[0], strict=True)
    }
    for cell, lengths, used in zip(turned.cells[0], turned.rays[0], turned.used[0], strict=True):
        px, py = GRID.points[cell].tolist()
        source = (256 - px if 1 in dims else px, 192 - py if 0 in dims else py)
        if used:
            assert torch.allclose(lengths[order], ends[source], atol=1e-2)


def test_swapped_axes_have_swapped_targets():
    grid = grid_of((192, 192), (8, 16, 32, 64))
    y, x = np.mgrid[:192, :192]
    mask = torch.from_numpy(((x - 120) / 30) ** 2 + ((y - 70) / 14) ** 2 <= 1)
    plain, turned = (frame_targets(m[None], grid, RAYS).score[0] for m in (mask, mask.T))
    counts = [n * n for n in (24, 12, 6, 3)]
    for a, b in zip(plain.split(counts), turned.split(counts), strict=True):
        side = int(len(a) ** 0.5)
        assert torch.equal(a.reshape(side, side).T, b.reshape(side, side))


def test_an_object_between_cells_has_one():
    targets = of(rectangle(97, 105, 99, 107))
    assert middle(targets) == [(100, 108, 8)]
    assert targets.used.sum() == 1


def test_nothing_there_is_nothing_asked():
    targets = of(np.zeros(FRAME, bool))
    assert not targets.used.any()
    assert not targets.score.any()


def test_centerness_by_hand():
    rays = torch.tensor([[1.0, 2.0, 4.0, 1.0]])
    assert centerness_of(rays, "extremes").item() == pytest.approx(0.5)
    assert centerness_of(rays, "means").item() == pytest.approx(((1 / 2 + 2 / 4) / 2) ** 0.5)
    assert centerness_of(torch.ones(1, 36), "means").item() == 1
