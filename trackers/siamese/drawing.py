"""Label maps of polygons and boxes, drawn on the device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vostool.sequence import Prompt

from .constants import constant
from .polar import extent, fill

_MARGIN = 1e-2  # pixels around a polygon, for rounding


def draw_polygons(
    points: Tensor,
    rays: Tensor,
    scores: Tensor,
    ids: Sequence[int],
    size: tuple[int, int],
    step: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """Draw objects: each pixel is that of the object with the best score over it.

    Args:
        points: (N, 2) x and y of the rays' points.
        rays: (N, R), at least three.
        scores: (N,); objects with 0 are not drawn.
        ids: N ids, 1 to 255.
        size: (H, W) of the frame.
        step: as for `polar.fill`.

    Returns:
        (H, W) uint8 label map, on the device of the points.
    """
    device = points.device
    labels = torch.zeros(size, dtype=torch.uint8, device=device)
    order = scores.argsort(stable=True)  # the best comes last
    found = scores[order] > 0
    corners, window = _windows(points[order], rays[order], found, size, step)
    if not window[0] * window[1]:
        return labels
    shapes = fill(points[order], rays[order], corners, window, step)
    # All windows are written at once: a pixel keeps the largest rank.
    rank = found * torch.arange(1, len(order) + 1, dtype=torch.int32, device=device)
    row = corners[:, 1, None] + torch.arange(window[0], device=device)
    column = corners[:, 0, None] + torch.arange(window[1], device=device)
    place = row[:, :, None] * size[1] + column[:, None, :]
    best = torch.zeros(size[0] * size[1], dtype=torch.int32, device=device)
    best.scatter_reduce_(0, place.flatten(), (shapes * rank[:, None, None]).flatten(), "amax")
    numbers = constant((0, *ids), device)
    numbers = torch.cat((numbers[:1], numbers[1 + order])).to(torch.uint8)
    return numbers[best.reshape(size).long()]


def _windows(
    points: Tensor, rays: Tensor, found: Tensor, size: tuple[int, int], step: tuple[float, float]
) -> tuple[Tensor, tuple[int, int]]:
    """Return (N, 2) int64 x, y of windows in a frame that hold its polygons, and their one size.

    The windows of those that are not found are as large, but hold nothing in particular.
    """
    box = extent(rays)
    scale = constant(step, points.device)
    limit = constant((size[1], size[0]), points.device)
    low = (points + box[:, :2] + 0.5) / scale - 0.5 - _MARGIN
    high = (points + box[:, 2:] + 0.5) / scale - 0.5 + _MARGIN
    first = low.floor().clamp(min=0).minimum(limit)
    behind = high.floor().clamp(min=-1).minimum(limit - 1) + 1
    window = ((behind - first).clamp(min=0) * found[:, None]).amax(dim=0)
    corners = torch.minimum(first, limit - window).to(torch.int64)
    width, height = window.to(torch.int64).tolist()
    return corners, (height, width)


def draw_box(labels: Tensor, prompt: Prompt) -> None:
    """Fill the box of a prompt in an (H, W) label map."""
    x, y, w, h = prompt.box
    left, top = max(0, round(x)), max(0, round(y))
    labels[top : max(top, round(y + h)), left : max(left, round(x + w))] = prompt.object_id
