"""What SiamMask should say about a search crop: anchors, and the masks of some cells."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..siamese.backbone import STRIDE
from ..siamese.cells import OFFSET, RESPONSE
from ..siamese.crops import TEMPLATE
from ..siamese.rpn_targets import RpnTargets, rpn_targets

_HALF = (TEMPLATE - 1) // 2


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
    rank = torch.where(rpn.cell.flatten(1), noise[:, : RESPONSE**2], 2.0)
    drawn, place = rank.topk(count, dim=1, largest=False)
    used = (drawn < 2).float()
    weight = used / used.sum(dim=1, keepdim=True).clamp(min=1)
    batch = torch.arange(len(mask), device=mask.device).repeat_interleave(count)
    cells = torch.stack((place // RESPONSE, place % RESPONSE), dim=-1).reshape(-1, 2)
    return Targets(rpn, batch, cells, weight.flatten(), windows_of(mask, batch, cells))


def windows_of(mask: Tensor, batch: Tensor, cells: Tensor) -> Tensor:
    """Return the (M, 127, 127) pixels around cells as 1, -1, and 0 outside of the crop."""
    before = _HALF - OFFSET  # pixels of the first cell's window that lie outside
    behind = OFFSET + STRIDE * (RESPONSE - 1) + _HALF + 1 - mask.shape[-1]
    signed = F.pad(2 * mask.float() - 1, (before, behind, before, behind))
    line = torch.arange(TEMPLATE, device=mask.device)
    rows, columns = (STRIDE * cells[:, axis, None] + line for axis in (0, 1))
    return signed[batch[:, None, None], rows[:, :, None], columns[:, None, :]]
