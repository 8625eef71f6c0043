"""The loss of S2iamMask: scores, boxes and masks."""

from typing import NamedTuple

from torch import Tensor

from vostool_trackers.s2iammask.targets import RoiTargets
from vostool_trackers.siamese.model.rpn import Proposals
from vostool_trackers.siamese.training.cell_masks import CellMasks, mask_loss
from vostool_trackers.siamese.training.losses import rpn_losses
from vostool_trackers.siamese.training.rpn_targets import RpnTargets


class Losses(NamedTuple):
    """The parts, each a scalar.

    Args:
        score: cross-entropy of the anchors.
        box: absolute differences of the boxes.
        mask: logistic loss of the masks' pixels.
    """

    score: Tensor
    box: Tensor
    mask: Tensor


def losses_of(
    proposals: Proposals, rpn: RpnTargets, masks: Tensor, asked: CellMasks | RoiTargets
) -> Losses:
    """Compare with the targets; all are means over pairs.

    Args:
        proposals: of the network.
        rpn: what they should be.
        masks: logits, of the cells or regions that are asked for.
        asked: what these should be.
    """
    each = mask_loss(masks, asked.signs)
    return Losses(*rpn_losses(proposals, rpn), (each * asked.weight).sum() / len(rpn.label))
