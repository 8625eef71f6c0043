"""The loss of the region proposal network, as SiamRPN++ and SiamMask have it."""

import torch.nn.functional as F
from torch import Tensor

from .rpn import Proposals
from .rpn_targets import RpnTargets


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
