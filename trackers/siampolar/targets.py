"""What the network should say about a search crop, from the mask of the object in it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vostool_trackers.siamese.inference.crops import OFFSET, RESPONSE, cell_centres
from vostool_trackers.siamese.model.backbone import STRIDE
from vostool_trackers.siamese.polar import cast_rays
from vostool_trackers.siamese.training.polar_targets import centre_of_mass

POINTS = 8  # cells per crop whose rays are learned


@dataclass
class Targets:
    """Targets of a batch.

    Args:
        score: (B, 25, 25) 1 on the object's middle, 0 beside the object, -1 where nothing is asked.
        cells: (B, P) the middle cells whose rays are learned, as numbers in the flattened map.
        rays: (B, P, R) pixels of the crop.
        centerness: (B, P) in [0, 1].
        used: (B, P) bool: the cell is one of the object.
    """

    score: Tensor
    cells: Tensor
    rays: Tensor
    centerness: Tensor
    used: Tensor


def targets_of(mask: Tensor, rays: int) -> Targets:
    """Derive the targets.

    The middle of an object are the cells on it that are near its centre of mass: 0.3 of the root of
    its area, between 1 and 5 strides. An object that covers no cell there has the cell on it, or
    else next to it, that is nearest to the centre. The rest of the object is not asked about.

    Args:
        mask: (B, 255, 255) bool; an empty mask has no middle.
        rays: number of rays.
    """
    count = len(mask)
    centres = cell_centres(mask.device)
    area, mass = centre_of_mass(mask)
    rows = OFFSET + STRIDE * torch.arange(RESPONSE, device=mask.device)
    on = mask[:, rows[:, None], rows[None]]
    distance = (centres - mass[:, None, None]).norm(dim=-1)
    radius = (0.3 * area.sqrt()).clamp(STRIDE, 5 * STRIDE)
    middle = on & (distance <= radius[:, None, None])
    nearest = _nearest(distance + 1e3 * ~on)
    middle = middle | (nearest & ~middle.flatten(1).any(dim=1)[:, None, None])
    middle = middle & (area > 0)[:, None, None]
    score = middle.float() - (on & ~middle).float()
    rank = torch.where(middle, distance, torch.inf).flatten(1)
    kept, cells = rank.topk(POINTS, dim=1, largest=False)
    points = centres.reshape(-1, 2)[cells]
    lengths = cast_rays(mask, points, rays).clamp(min=0.5)
    centerness = (lengths.amin(-1) / lengths.amax(-1)).sqrt()
    assert score.shape == (count, RESPONSE, RESPONSE)
    return Targets(score, cells, lengths, centerness, kept.isfinite())


def _nearest(distance: Tensor) -> Tensor:
    """Return (B, h, w) bool with the one cell of least distance."""
    flat = distance.flatten(1)
    return (
        torch.zeros_like(flat, dtype=torch.bool)
        .scatter_(1, flat.argmin(dim=1, keepdim=True), True)
        .reshape(distance.shape)
    )
