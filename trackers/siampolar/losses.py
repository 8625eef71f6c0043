"""The loss of the polar head: score, centerness and polar IoU."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..siamese.losses import focal
from .network import Maps
from .targets import Targets


class Losses(NamedTuple):
    """The three parts, each a scalar.

    Args:
        score: focal loss of the cells.
        centerness: binary cross-entropy at the middle cells; its targets are no zeros and ones, so
            it does not go below their entropy.
        rays: polar IoU loss, weighted by the centerness of the target.
    """

    score: Tensor
    centerness: Tensor
    rays: Tensor


def polar_losses(maps: Maps, targets: Targets) -> Losses:
    """Compare maps with their targets; all are means over samples."""
    used = targets.used.float()
    at = targets.cells
    centerness = maps.centerness.flatten(1).gather(1, at)
    cross = F.binary_cross_entropy_with_logits(centerness, targets.centerness, reduction="none")
    count = maps.rays.shape[1]
    rays = maps.rays.flatten(2).gather(2, at[:, None].expand(-1, count, -1)).transpose(1, 2)
    weight = targets.centerness * used
    return Losses(
        score=focal(maps.score, targets.score).mean(),
        centerness=((cross * used).sum(1) / used.sum(1).clamp(min=1)).mean(),
        rays=(
            (polar_iou_loss(rays, targets.rays) * weight).sum(1) / weight.sum(1).clamp(min=1e-6)
        ).mean(),
    )


def polar_iou_loss(rays: Tensor, target: Tensor) -> Tensor:
    """Return ln(sum of the longer rays / sum of the shorter ones), PolarMask, CVPR 2020, eq. 8.

    Args:
        rays: (..., R), above 0.
        target: (..., R), above 0.

    Returns:
        (...), at least 0.
    """
    longer, shorter = torch.maximum(rays, target), torch.minimum(rays, target)
    return (longer.sum(-1) / shorter.sum(-1)).log()
