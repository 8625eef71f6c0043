"""Where the cells of a feature pyramid's levels lie, and for objects of which size they are."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .pyramid import size_at


class Grid(NamedTuple):
    """The cells of all levels, laid flat, finest level first, each level row by row.

    Args:
        points: (N, 2) x and y, pixels of the network's input.
        strides: (N,) of their levels.
        nearest: (N,) from a cell to the farthest side of an object's box, the least of its level.
        farthest: (N,) likewise, the least of the next level.
        counts: number of cells of each level.
    """

    points: Tensor
    strides: Tensor
    nearest: Tensor
    farthest: Tensor
    counts: tuple[int, ...]


def grid_of(
    size: tuple[int, int],
    strides: Sequence[int],
    reach: float = 8.0,
    device: torch.device | str = "cpu",
) -> Grid:
    """Return the cells of a network's levels.

    Cell (row j, column i) of stride s is the pixel (i s + s // 2, j s + s // 2), as in PolarMask.

    Args:
        size: (H, W) of the network's input.
        strides: of the levels, finest first.
        reach: strides of its level from a cell to the farthest side of an object's box at which
            the object passes to the next, coarser level.
        device: where to put them.
    """
    points, own, nearest, farthest = [], [], [], []
    for number, stride in enumerate(strides):
        rows, columns = size_at(size, stride)
        x = torch.arange(columns, device=device, dtype=torch.float32) * stride + stride // 2
        y = torch.arange(rows, device=device, dtype=torch.float32) * stride + stride // 2
        lines = torch.meshgrid(y, x, indexing="ij")
        points.append(torch.stack((lines[1], lines[0]), dim=-1).reshape(-1, 2))
        ones = torch.ones(rows * columns, device=device)
        own.append(stride * ones)
        nearest.append(reach * stride / 2 * ones if number else 0 * ones)
        last = number == len(strides) - 1
        farthest.append(torch.inf * ones if last else reach * stride * ones)
    counts = tuple(len(part) for part in points)
    return Grid(torch.cat(points), torch.cat(own), torch.cat(nearest), torch.cat(farthest), counts)
