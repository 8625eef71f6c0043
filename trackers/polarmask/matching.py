"""Which instance of a frame is which object: by overlap, each instance for one object at most."""

import torch
from torch import Tensor

from vostool_trackers.siamese.polar import inside

COARSE = 4  # pixels of the network's input between the places where shapes are compared


def coarse_shapes(points: Tensor, rays: Tensor, size: tuple[int, int]) -> Tensor:
    """Return shapes as they are compared.

    Args:
        points: (K, 2) x and y, pixels of the network's input.
        rays: (K, R) likewise.
        size: (H, W) of the network's input.

    Returns:
        (K, H / 4, W / 4) bool.
    """
    height, width = (torch.arange(0, side, COARSE, device=rays.device) for side in size)
    middle = (COARSE - 1) / 2
    shape = (len(rays), len(height), len(width))
    dx = (width + middle - points[:, :1])[:, None].expand(shape)
    dy = (height + middle - points[:, 1:])[:, :, None].expand(shape)
    return inside(dx, dy, rays)


def shape_overlap(one: Tensor, other: Tensor) -> Tensor:
    """Return the (N, K) IoU of (N, h, w) and (K, h, w) bool shapes, 0 for empty ones."""
    a, b = one.flatten(1).float(), other.flatten(1).float()
    common = a @ b.T
    either = a.sum(1, keepdim=True) + b.sum(1) - common
    return common / either.clamp(min=1)


def box_overlap(one: Tensor, other: Tensor, apart: Tensor | float = 0.0) -> Tensor:
    """Return the IoU of boxes, each pair brought nearer to each other first.

    Args:
        one: (N, 4) left, top, right, bottom.
        other: (K, 4) likewise.
        apart: (N,) how far each of the first may have moved, in sizes of itself: the root of its
            area.

    Returns:
        (N, K) in [0, 1].
    """
    size = (one[:, 2:] - one[:, :2]).clamp(min=0)
    sizes = (other[:, 2:] - other[:, :2]).clamp(min=0)
    offset = (other[None, :, :2] + sizes / 2) - (one[:, None, :2] + size[:, None] / 2)
    away = offset.norm(dim=-1)
    reach = apart * size.prod(dim=1).sqrt()
    left = (away - reach[:, None]).clamp(min=0) / away.clamp(min=1e-6)
    offset = (offset * left[..., None]).abs()
    widths = torch.minimum(size[:, None], sizes)
    common = torch.minimum(widths, (size[:, None] + sizes) / 2 - offset).clamp(min=0).prod(dim=-1)
    either = size.prod(dim=1)[:, None] + sizes.prod(dim=1) - common
    return common / either.clamp(min=1e-6)


def assigned(overlap: Tensor, least: float) -> tuple[Tensor, Tensor]:
    """Give instances to objects, the best overlap of all first.

    Args:
        overlap: (N, K) of objects and instances, at least 0.
        least: overlap that an object must have.

    Returns:
        (N,) numbers of instances, and (N,) bool: the object has one.
    """
    objects, instances = overlap.shape
    chosen = torch.zeros(objects, dtype=torch.int64, device=overlap.device)
    has = torch.zeros(objects, dtype=torch.bool, device=overlap.device)
    if not instances:
        return chosen, has
    left = overlap.clone()
    for _ in range(min(objects, instances)):
        best, place = left.flatten().max(dim=0)
        row, column = place // instances, place % instances
        good = best >= max(least, 1e-6)
        chosen.index_put_((row,), torch.where(good, column, chosen[row]))
        has.index_put_((row,), good | has[row])
        left.index_fill_(0, row[None], -1.0)
        left.index_fill_(1, column[None], -1.0)
    return chosen, has
