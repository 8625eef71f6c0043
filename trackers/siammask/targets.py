"""What SiamMask should say about a search crop: anchors, and the masks of some cells."""

from dataclasses import dataclass

from torch import Tensor

from vostool_trackers.siamese.inference.crops import RESPONSE
from vostool_trackers.siamese.training.cell_masks import cell_masks
from vostool_trackers.siamese.training.rpn_targets import RpnTargets, rpn_targets


@dataclass
class Targets:
    """Targets of a batch; M = B x cells per pair.

    Args:
        rpn: of the anchors.
        batch: (M,) int64, which pair.
        cells: (M, 2) int64 row and column.
        weight: (M,) that of a cell in the loss: the cells of a pair sum to 1, or to 0.
        masks: (M, 127, 127) 1 on the object, -1 beside it, 0 outside of the search crop.
    """

    rpn: RpnTargets
    batch: Tensor
    cells: Tensor
    weight: Tensor
    masks: Tensor


def targets_of(mask: Tensor, noise: Tensor, count: int) -> Targets:
    """Derive the targets.

    Masks are asked of cells with an anchor on the object, those drawn for the proposals.

    Args:
        mask: (B, 255, 255) bool.
        noise: (B, 3125) uniform in [0, 1): which anchors and cells are drawn.
        count: most cells of a pair.
    """
    rpn = rpn_targets(mask, noise)
    drawn = cell_masks(mask, rpn.cell, noise[:, : RESPONSE**2], count)
    return Targets(rpn, drawn.batch, drawn.cells, drawn.weight, drawn.signs)
