"""What the cells of a frame should say of all its instances, from their masks."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vostool_trackers.siamese.model.pyramid import Grid
from vostool_trackers.siamese.training.polar_targets import edges_of, frame_targets

_LEAST = 0.5  # pixels from a cell to a side of its instance's box


@dataclass
class Targets:
    """Targets of a batch; cells are laid flat as in `pyramid.Grid`.

    Args:
        score: (B, N) 1 in the middle of an instance, else 0.
        cells: (B, P) the middle cells of all instances, as numbers of cells.
        box: (B, P, 4) distances to the left, top, right and bottom side, pixels of the network's
            input, between the centres of pixels.
        rays: (B, P, R) pixels likewise, to the borders of pixels.
        centerness: (B, P) in [0, 1].
        used: (B, P) bool: the cell is one of an instance, and no smaller one has it.
    """

    score: Tensor
    cells: Tensor
    box: Tensor
    rays: Tensor
    centerness: Tensor
    used: Tensor


def instance_targets(masks: Tensor, grid: Grid, rays: int) -> Targets:
    """Derive the targets of each instance as `frame_targets` does; the smallest box wins a cell.

    Beside the published ones they differ in this: rays are cast exactly, to the borders of pixels
    instead of their centres, where the published bins of whole degrees are empty around small
    objects; the centre of mass is not cut to whole pixels; ranges of levels do not overlap; an
    instance in whose middle no cell lies has the nearest one.

    Args:
        masks: (B, M, H, W) bool, an instance each; empty masks are none.
        grid: cells of the network.
        rays: their number.
    """
    batch, most = masks.shape[:2]
    flat = masks.flatten(0, 1)
    each = frame_targets(flat, grid, rays)
    edges = edges_of(flat)
    size = (edges[:, 2:] - edges[:, :2] + 1).prod(dim=1)
    middle = each.score.reshape(batch, most, -1)
    cost = torch.where(middle > 0, size.reshape(batch, most, 1), torch.inf)
    owner = cost.argmin(dim=1)  # (B, N)

    cells = each.cells.reshape(batch, -1)
    instance = torch.arange(most, device=masks.device).repeat_interleave(each.cells.shape[1])
    used = each.used.reshape(batch, -1) & (owner.gather(1, cells) == instance)
    points = grid.points[each.cells]
    box = torch.cat((points - edges[:, None, :2], edges[:, None, 2:] - points), dim=-1) - 0.5
    return Targets(
        score=middle.amax(dim=1),
        cells=cells,
        box=box.clamp(min=_LEAST).reshape(batch, -1, 4),
        rays=each.rays.reshape(batch, -1, rays),
        centerness=each.centerness.reshape(batch, -1),
        used=used,
    )
