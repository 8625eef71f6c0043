"""What the cells of a whole frame should say of an object, from its mask."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vostool_trackers.siamese.model.pyramid import Grid
from vostool_trackers.siamese.polar import CenternessTarget, cast_rays

POINTS = 16  # cells per frame whose rays are learned
_RADIUS = 1.5  # strides from the centre of mass to the sides of the square of middle cells
_SHORTEST = 0.5  # pixels of a ray, also of one that meets nothing


@dataclass
class FrameTargets:
    """Targets of a batch; cells are laid flat as in `pyramid.Grid`.

    Args:
        score: (B, N) 1 on the object's middle, else 0.
        cells: (B, P) the middle cells whose rays are learned, as numbers of cells.
        rays: (B, P, R) pixels of the network's input.
        centerness: (B, P) in [0, 1].
        used: (B, P) bool: the cell is one of the object.
    """

    score: Tensor
    cells: Tensor
    rays: Tensor
    centerness: Tensor
    used: Tensor


def frame_targets(
    mask: Tensor, grid: Grid, rays: int, kind: CenternessTarget = "extremes"
) -> FrameTargets:
    """Derive the targets.

    A cell is of the middle if it lies in the open square of 1.5 strides around the centre of mass
    and in the object's box, and if the farthest side of the box is as far from it as its level is
    for (PolarMask, CVPR 2020, section 3.2, with ranges that meet but do not overlap). An object
    with no such cell has the nearest one of the level that its centre of mass would belong to.

    Args:
        mask: (B, H, W) bool at the size of the network's input; an empty mask has no middle.
        grid: cells of the network.
        rays: their number.
        kind: of the centerness.
    """
    area, mass = centre_of_mass(mask)
    box = edges_of(mask)
    offset = grid.points - mass[:, None]  # (B, N, 2)
    sides = torch.cat((grid.points - box[:, None, :2], box[:, None, 2:] - grid.points), dim=-1)
    square = offset.abs().amax(dim=-1) < _RADIUS * grid.strides
    level = _of_level(sides.amax(dim=-1), grid)
    distance = offset.norm(dim=-1) / grid.strides
    middle = square & (sides.amin(dim=-1) > 0) & level

    own = torch.cat((mass - box[:, :2], box[:, 2:] - mass), dim=-1).amax(dim=-1, keepdim=True)
    nearest = torch.where(_of_level(own, grid), distance, torch.inf).argmin(dim=1, keepdim=True)
    alone = torch.zeros_like(middle).scatter_(1, nearest, True)
    middle = torch.where(middle.any(dim=1, keepdim=True), middle, alone) & (area > 0)[:, None]

    rank = torch.where(middle, distance, torch.inf)
    kept, cells = rank.topk(min(POINTS, rank.shape[1]), dim=1, largest=False)
    lengths = cast_rays(mask, grid.points[cells], rays).clamp(min=_SHORTEST)
    centerness = centerness_of(lengths, kind)
    return FrameTargets(middle.float(), cells, lengths, centerness, kept.isfinite())


def centerness_of(rays: Tensor, kind: CenternessTarget) -> Tensor:
    """Return (...) in [0, 1], how even (..., R) rays are.

    `extremes` is sqrt(min / max) (PolarMask, CVPR 2020, eq. 5), `means` is
    sqrt((min / mean + mean / max) / 2) (SiamPolar).
    """
    least, most = rays.amin(dim=-1), rays.amax(dim=-1)
    if kind == "extremes":
        return (least / most).sqrt()
    mean = rays.mean(dim=-1)
    return ((least / mean + mean / most) / 2).sqrt()


def centre_of_mass(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the areas and the (B, 2) centres of mass of (B, H, W) masks.

    The centre is the mean of the pixels' x and y, or the middle of the mask if it has none.
    """
    weights = mask.float()
    area = weights.sum(dim=(1, 2))
    centre = []
    for line in (weights.sum(dim=1), weights.sum(dim=2)):
        places = torch.arange(line.shape[1], device=mask.device, dtype=torch.float32)
        mean = (line * places).sum(dim=1) / area.clamp(min=1)
        centre.append(torch.where(area > 0, mean, (line.shape[1] - 1) / 2))
    return area, torch.stack(centre, dim=1)


def _of_level(reach: Tensor, grid: Grid) -> Tensor:
    """Tell which cells' levels are for objects whose box reaches so far, pixels."""
    return (reach >= grid.nearest) & (reach < grid.farthest)


def edges_of(mask: Tensor) -> Tensor:
    """Return (B, 4) left, top, right, bottom: the outer edges of the outermost pixels."""
    edges = []
    for line in (mask.any(dim=1), mask.any(dim=2)):
        first = line.int().argmax(dim=1)
        behind = line.shape[1] - line.flip(1).int().argmax(dim=1)
        edges.append((first - 0.5, behind - 0.5))
    (left, right), (top, bottom) = edges
    return torch.stack((left, top, right, bottom), dim=-1)
