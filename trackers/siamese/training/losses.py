"""Losses of response maps."""

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.model.rpn import Proposals
from vostool_trackers.siamese.training.rpn_targets import RpnTargets


def rpn_losses(proposals: Proposals, targets: RpnTargets) -> tuple[Tensor, Tensor]:
    """Return the loss of the scores and that of the boxes, each a scalar.

    Scores: cross-entropy, half of it over the anchors on the object and half over those beside it.
    Boxes: sum of the absolute differences over the four numbers, mean over a pair's anchors on the
    object. Both are means over pairs, so that they do not depend on how a batch is split; pairs
    without an object have no second one, but count.

    Args:
        proposals: of the network.
        targets: of the masks.
    """
    label = targets.label.flatten(1)
    margin = (proposals.logits[:, 1] - proposals.logits[:, 0]).flatten(1)
    on, beside = (label == 1).float(), (label == 0).float()
    right = (F.softplus(-margin) * on).sum(1) / on.sum(1).clamp(min=1)
    wrong = (F.softplus(margin) * beside).sum(1) / beside.sum(1).clamp(min=1)
    away = (proposals.deltas - targets.deltas).abs().sum(dim=1).flatten(1)
    box = (away * on).sum(1) / on.sum(1).clamp(min=1)
    return (0.5 * right + 0.5 * wrong).mean(), box.mean()


def focal(
    logits: Tensor, target: Tensor, alpha: float = 0.25, gamma: float = 2.0, more: float = 0.0
) -> Tensor:
    """Return the focal loss of each sample, divided by its number of positive cells (at least 1).

    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, eq. 5.

    Args:
        logits: (B, ...).
        target: likewise, 1 or 0; cells below 0 are left out.
        alpha: weight of the positive cells.
        gamma: how strongly well-classified cells are discounted.
        more: is added to the number of positive cells.

    Returns:
        (B,).
    """
    asked = target >= 0
    positive = target.clamp(min=0)
    cross = F.binary_cross_entropy_with_logits(logits, positive, reduction="none")
    probability = logits.sigmoid()
    wrong = torch.where(positive > 0, 1 - probability, probability)
    weight = torch.where(positive > 0, alpha, 1 - alpha)
    total = (weight * wrong**gamma * cross * asked).flatten(1).sum(dim=1)
    return total / (positive.flatten(1).sum(dim=1) + more).clamp(min=1)


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
