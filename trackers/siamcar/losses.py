"""The loss of SiamCAR: cross-entropy of the cells, IoU of the boxes, centerness."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamcar.network import Maps
from vostool_trackers.siamcar.targets import Targets


class CarLosses(NamedTuple):
    """The parts, each a scalar.

    Args:
        score: cross-entropy, half of it the positive cells' mean and half the negative ones'.
        box: of the positive cells' boxes, weighted by the centerness of the target.
        centerness: binary cross-entropy at the positive cells; its targets are no zeros and ones,
            so it does not go below their entropy.
    """

    score: Tensor
    box: Tensor
    centerness: Tensor


def car_losses(maps: Maps, targets: Targets) -> CarLosses:
    """Compare maps with their targets (Guo et al., SiamCAR, CVPR 2020, eq. 4 to 6).

    All are means over samples of means over cells, where the published program takes means over
    the cells of a whole batch; of a batch of one they are its own.
    """
    cross = F.cross_entropy(maps.score, targets.positive.long(), reduction="none")
    score = 0.5 * (_mean(cross, targets.positive) + _mean(cross, ~targets.positive))
    weight = targets.centerness
    box = iou_loss(maps.box, targets.box, targets.positive)
    box = (box * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1e-6)
    middle = F.binary_cross_entropy_with_logits(maps.centerness, weight, reduction="none")
    return CarLosses(score.mean(), box.mean(), _mean(middle, targets.positive).mean())


def iou_loss(box: Tensor, target: Tensor, where: Tensor) -> Tensor:
    """Return -ln((intersection + 1) / (union + 1)) of boxes around common points.

    Args:
        box: (B, 4, h, w) distances to left, top, right and bottom, above 0.
        target: likewise.
        where: (B, h, w) bool: points that lie in the target.

    Returns:
        (B, h, w), 0 elsewhere.
    """
    target = torch.where(where[:, None], target, 1.0)  # no logarithm of nothing, in the gradient
    shared = torch.minimum(box, target)
    common = _area(shared)
    both = _area(box) + _area(target) - common
    return torch.where(where, torch.log((both + 1) / (common + 1)), 0.0)


def _area(box: Tensor) -> Tensor:
    return (box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3])


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """Return (B,) means of (B, h, w) values over some cells, 0 if there are none."""
    return (values * where).sum((1, 2)) / where.sum((1, 2)).clamp(min=1)
