"""The loss of the polar head: score, centerness, polar IoU and the pixels of the object."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.training.losses import focal, polar_iou_loss
from vostool_trackers.siampolar.network import Maps
from vostool_trackers.siampolar.planes import DENSE
from vostool_trackers.siampolar.targets import Targets


class Losses(NamedTuple):
    """The parts, each a scalar.

    Args:
        score: focal loss of the cells.
        centerness: binary cross-entropy at the middle cells; its targets are no zeros and ones, so
            it does not go below their entropy.
        rays: polar IoU loss, weighted by the centerness of the target.
        dense: of the pixels, 0 if the maps have none.
    """

    score: Tensor
    centerness: Tensor
    rays: Tensor
    dense: Tensor


def polar_losses(maps: Maps, targets: Targets, mask: Tensor) -> Losses:
    """Compare maps with their targets; all are means over samples.

    Args:
        maps: of the network.
        targets: of the masks.
        mask: (B, 255, 255) bool, the objects in the search crops.
    """
    used = targets.used.float()
    at = targets.cells
    centerness = maps.centerness.flatten(1).gather(1, at)
    cross = F.binary_cross_entropy_with_logits(centerness, targets.centerness, reduction="none")
    count = maps.rays.shape[1]
    rays = maps.rays.flatten(2).gather(2, at[:, None].expand(-1, count, -1)).transpose(1, 2)
    weight = targets.centerness * used
    if maps.dense is None:
        dense = rays.new_zeros(())
    else:
        dense = dense_loss(maps.dense, mask[:, DENSE, DENSE])
    return Losses(
        score=focal(maps.score, targets.score).mean(),
        centerness=((cross * used).sum(1) / used.sum(1).clamp(min=1)).mean(),
        rays=(
            (polar_iou_loss(rays, targets.rays) * weight).sum(1) / weight.sum(1).clamp(min=1e-6)
        ).mean(),
        dense=dense,
    )


def dense_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Return cross-entropy per pixel plus the Dice loss of objects that are there.

    Milletari et al., "V-Net", 3DV 2016, section 3; one pixel is added to both of its areas.

    Args:
        logits: (B, h, w).
        mask: (B, h, w) bool.

    Returns:
        A scalar, the mean over samples.
    """
    truth = mask.float()
    cross = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(dim=(1, 2))
    guess = logits.sigmoid()
    common = (guess * truth).sum(dim=(1, 2))
    dice = 1 - (2 * common + 1) / (guess.sum(dim=(1, 2)) + truth.sum(dim=(1, 2)) + 1)
    return (cross + dice * mask.flatten(1).any(dim=1)).mean()
