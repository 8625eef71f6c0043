"""What the region proposal network should say about a search crop, from the mask in it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vostool_trackers.siamese.inference.components import boxes_of
from vostool_trackers.siamese.inference.crops import RESPONSE, cell_centres
from vostool_trackers.siamese.model.rpn import encode, overlaps

_POSITIVE, _NEGATIVE = 0.6, 0.3  # intersection over union with an anchor
_MOST_POSITIVE, _MOST = 16, 64  # anchors of a pair that are asked about
_MIDDLE = slice(RESPONSE // 2 - 3, RESPONSE // 2 + 4)  # 7 x 7 cells
_FROM_ELSEWHERE = 16  # anchors asked about where there is no object


@dataclass
class RpnTargets:
    """Targets of a batch, over 5 anchors on 25 x 25 cells.

    Args:
        label: (B, 5, 25, 25) 1 of an anchor on the object, 0 beside it, -1 if it is not asked.
        deltas: (B, 4, 5, 25, 25), see `rpn.encode`.
        cell: (B, 25, 25) bool: an anchor of the cell has label 1.
    """

    label: Tensor
    deltas: Tensor
    cell: Tensor


def rpn_targets(mask: Tensor, noise: Tensor) -> RpnTargets:
    """Derive the targets, as SiamMask does.

    Anchors that overlap with the object's box by more than 0.6 are on it, those below 0.3 beside
    it; at most 16 of the former and 64 in all are drawn. An object that no anchor fits so well has
    the one that fits best, unlike in the original, which then learns of its surroundings only.
    Where there is no object, 16 anchors of the middle 7 x 7 cells are asked about.

    Args:
        mask: (B, 255, 255) bool.
        noise: (B, 3125) uniform in [0, 1): which anchors are drawn.
    """
    cells = cell_centres(mask.device)
    centres, sizes, present = boxes_of(mask)
    fit = overlaps(centres, sizes, cells)
    best = fit.flatten(1).amax(dim=1)[:, None, None, None]
    positive = (fit > _POSITIVE) | ((fit >= best) & (best > _NEGATIVE))
    positive = positive & present[:, None, None, None]
    noise = noise.reshape(fit.shape)
    kept = _drawn(positive, noise, _MOST_POSITIVE)
    count = kept.flatten(1).sum(dim=1)
    middle = torch.zeros_like(positive)
    middle[:, :, _MIDDLE, _MIDDLE] = True
    beside = torch.where(present[:, None, None, None], (fit < _NEGATIVE) & ~positive, middle)
    beside = _drawn(beside, noise, torch.where(present, _MOST - count, _FROM_ELSEWHERE))
    label = kept.float() - (~kept & ~beside).float()
    return RpnTargets(label, encode(centres, sizes, cells), kept.any(dim=1))


def _drawn(some: Tensor, noise: Tensor, most: Tensor | int) -> Tensor:
    """Return at most so many of the (B, 5, h, w) elements that are set: those of least noise."""
    order = torch.where(some, noise, 2.0).flatten(1).argsort(dim=1).argsort(dim=1)
    limit = most if isinstance(most, Tensor) else torch.full((len(some),), most, device=some.device)
    return some & (order < limit[:, None]).reshape(some.shape)
