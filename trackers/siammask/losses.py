"""The loss of SiamMask: scores, boxes and masks."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from ..siamese.crops import TEMPLATE
from ..siamese.rpn import Proposals
from ..siamese.rpn_losses import rpn_losses
from .targets import Targets


class Losses(NamedTuple):
    """The parts, each a scalar.

    Args:
        score: cross-entropy of the anchors.
        box: absolute differences of the boxes.
        mask: logistic loss of the pixels, 0 without masks.
    """

    score: Tensor
    box: Tensor
    mask: Tensor


def siammask_losses(proposals: Proposals, masks: Tensor | None, targets: Targets) -> Losses:
    """Compare with the targets; all are means over pairs."""
    score, box = rpn_losses(proposals, targets.rpn)
    if masks is None:
        return Losses(score, box, score.new_zeros(()))
    pairs = targets.rpn.label.shape[0]
    return Losses(score, box, (mask_loss(masks, targets.masks) * targets.weight).sum() / pairs)


def mask_loss(logits: Tensor, signs: Tensor) -> Tensor:
    """Return log(1 + exp(-sign x logit)), the mean over the pixels of the crop (SiamMask, eq. 3).

    Args:
        logits: (M, side, side); those of `base` are enlarged to 127 x 127, corners on corners.
        signs: (M, 127, 127) 1, -1, or 0 for pixels that do not count.

    Returns:
        (M,).
    """
    if logits.shape[-1] != TEMPLATE:
        size = (TEMPLATE, TEMPLATE)
        logits = F.interpolate(logits[:, None], size, mode="bilinear", align_corners=True)[:, 0]
    counts = signs.abs()
    total = (F.softplus(-signs * logits) * counts).sum(dim=(1, 2))
    return total / counts.sum(dim=(1, 2)).clamp(min=1)
