"""The loss of PolarMask: class, box, rays and centerness."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.polarmask.head import Maps
from vostool_trackers.polarmask.targets import Targets
from vostool_trackers.siamese.training.losses import focal, polar_iou_loss


class Losses(NamedTuple):
    """The four parts, each a scalar.

    Args:
        score: focal loss of the cells.
        box: -ln IoU of boxes, weighted by the centerness of the target.
        rays: polar IoU loss, weighted likewise.
        centerness: binary cross-entropy at the middle cells; its targets are no zeros and ones, so
            it does not go below their entropy.
    """

    score: Tensor
    box: Tensor
    rays: Tensor
    centerness: Tensor


def instance_losses(maps: Maps, targets: Targets) -> Losses:
    """Compare maps of one class with their targets (PolarMask, CVPR 2020, section 3).

    All are means over frames. The published code divides sums over a batch by its number of middle
    cells and its sum of centernesses; a mean over frames does not depend on how a batch is split.
    """
    used = targets.used.float()
    logits = maps.centerness.gather(1, targets.cells)
    cross = F.binary_cross_entropy_with_logits(logits, targets.centerness, reduction="none")
    weight = targets.centerness * used
    weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-6)
    apart = polar_iou_loss(_at(maps.rays, targets.cells).exp(), targets.rays)
    outside = box_loss(_at(maps.box, targets.cells).exp(), targets.box)
    return Losses(
        score=focal(maps.score[..., 0], targets.score, more=1.0).mean(),
        box=(outside * weight).sum(1).mean(),
        rays=(apart * weight).sum(1).mean(),
        centerness=((cross * used).sum(1) / used.sum(1).clamp(min=1)).mean(),
    )


def box_loss(sides: Tensor, target: Tensor) -> Tensor:
    """Return -ln IoU of boxes around one point; a box has one pixel more than its sides say.

    Args:
        sides: (..., 4) distances to the left, top, right and bottom side, above 0.
        target: (..., 4) likewise.

    Returns:
        (...), at least 0.
    """
    common = _area(torch.minimum(sides, target))
    return ((_area(sides) + _area(target) - common) / common).log()


def _area(sides: Tensor) -> Tensor:
    return (sides[..., :2] + sides[..., 2:] + 1).prod(dim=-1)


def _at(values: Tensor, cells: Tensor) -> Tensor:
    """Return (B, P, C) of (B, N, C) at the (B, P) cells."""
    return values.gather(1, cells[..., None].expand(-1, -1, values.shape[-1]))
