"""The loss of SiamMask: scores, boxes and masks."""

from typing import NamedTuple

from torch import Tensor

from vostool_trackers.siamese.model.rpn import Proposals
from vostool_trackers.siamese.training.cell_masks import mask_loss
from vostool_trackers.siamese.training.losses import rpn_losses
from vostool_trackers.siammask.targets import Targets


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
