"""Masks that a network tells from single cells of the response map: their targets and their loss.

Each is over the 127 x 127 pixels of the search crop around the cell's centre (SiamMask).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.inference.crops import OFFSET, RESPONSE, TEMPLATE
from vostool_trackers.siamese.model.backbone import STRIDE

_HALF = (TEMPLATE - 1) // 2


@dataclass
class CellMasks:
    """Targets of a batch; M = B x cells per pair.

    Args:
        batch: (M,) int64, which pair.
        cells: (M, 2) int64 row and column.
        weight: (M,) that of a cell in the loss: the cells of a pair sum to 1, or to 0.
        signs: (M, 127, 127) 1 on the object, -1 beside it, 0 outside of the search crop.
    """

    batch: Tensor
    cells: Tensor
    weight: Tensor
    signs: Tensor


def cell_masks(mask: Tensor, cell: Tensor, noise: Tensor, count: int) -> CellMasks:
    """Draw cells, and cut out what their masks should be.

    Args:
        mask: (B, 255, 255) bool.
        cell: (B, 25, 25) bool: those that may be drawn.
        noise: (B, 625) uniform in [0, 1): which are drawn.
        count: most cells of a pair.
    """
    drawn, place = torch.where(cell.flatten(1), noise, 2.0).topk(count, dim=1, largest=False)
    used = (drawn < 2).float()
    weight = used / used.sum(dim=1, keepdim=True).clamp(min=1)
    batch = torch.arange(len(mask), device=mask.device).repeat_interleave(count)
    cells = torch.stack((place // RESPONSE, place % RESPONSE), dim=-1).reshape(-1, 2)
    return CellMasks(batch, cells, weight.flatten(), windows_of(mask, batch, cells))


def windows_of(mask: Tensor, batch: Tensor, cells: Tensor) -> Tensor:
    """Return the (M, 127, 127) pixels around cells as 1, -1, and 0 outside of the crop."""
    before = _HALF - OFFSET  # pixels of the first cell's window that lie outside
    behind = OFFSET + STRIDE * (RESPONSE - 1) + _HALF + 1 - mask.shape[-1]
    signed = F.pad(2 * mask.float() - 1, (before, behind, before, behind))
    line = torch.arange(TEMPLATE, device=mask.device)
    rows, columns = (STRIDE * cells[:, axis, None] + line for axis in (0, 1))
    return signed[batch[:, None, None], rows[:, :, None], columns[:, None, :]]


def mask_loss(logits: Tensor, signs: Tensor) -> Tensor:
    """Return log(1 + exp(-sign x logit)), the mean over the pixels that count (SiamMask, eq. 3).

    Args:
        logits: (M, side, side); smaller ones are enlarged to the signs, corners on corners.
        signs: (M, s, s) 1, -1, or 0 for pixels that do not count.

    Returns:
        (M,).
    """
    if logits.shape[-1] != signs.shape[-1]:
        size = signs.shape[-2:]
        logits = F.interpolate(logits[:, None], size, mode="bilinear", align_corners=True)[:, 0]
    counts = signs.abs()
    total = (F.softplus(-signs * logits) * counts).sum(dim=(1, 2))
    return total / counts.sum(dim=(1, 2)).clamp(min=1)
