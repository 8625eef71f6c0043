"""What the network should say about a search crop, from the mask of the object in it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vostool_trackers.siamese.inference.crops import cell_centres

_MIDDLE = 0.3  # of a box's side that lies on each side of a positive cell at least


@dataclass
class Targets:
    """Targets of a batch.

    Args:
        positive: (B, 25, 25) bool: in the middle 40 % of the box, both ways.
        box: (B, 4, 25, 25) distances to left, top, right and bottom, pixels of the crop; negative
            where a cell is outside.
        centerness: (B, 25, 25) in [0, 1], 0 where a cell is not positive.
    """

    positive: Tensor
    box: Tensor
    centerness: Tensor


def targets_of(mask: Tensor) -> Targets:
    """Derive the targets (Guo et al., SiamCAR, CVPR 2020, section 3.2, and its program).

    Args:
        mask: (B, 255, 255) bool; an empty mask has no positive cell.
    """
    boxes, there = boxes_of(mask)
    centres = cell_centres(mask.device)  # (25, 25, 2)
    before = centres - boxes[:, None, None, :2]
    after = boxes[:, None, None, 2:] - centres
    sides = (boxes[:, 2:] - boxes[:, :2])[:, None, None]
    inside = (torch.minimum(before, after) > _MIDDLE * sides).all(dim=-1)
    positive = inside & there[:, None, None]
    ratio = torch.minimum(before, after) / torch.maximum(before, after).clamp(min=1e-3)
    centerness = ratio.prod(dim=-1).clamp(min=0).sqrt() * positive
    return Targets(positive, torch.cat((before, after), dim=-1).permute(0, 3, 1, 2), centerness)


def boxes_of(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the edges of (B, H, W) masks, and whether there is anything.

    Returns:
        (B, 4) left, top, right and bottom; the first pixel reaches from -0.5 to 0.5.
        (B,) bool.
    """
    edges = []
    for line in (mask.any(dim=1), mask.any(dim=2)):  # columns, rows
        length = line.shape[1]
        first = line.int().argmax(dim=1)
        last = length - 1 - line.flip(1).int().argmax(dim=1)
        edges.append((first - 0.5, last + 0.5))
    (left, right), (top, bottom) = edges
    return torch.stack((left, top, right, bottom), dim=1), mask.flatten(1).any(dim=1)
