"""Label maps of polygons, boxes and probabilities, drawn on the device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vostool.types import Prompt
from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.polar import extent, fill

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


def label_map(probabilities: Tensor, ids: Sequence[int], threshold: float) -> Tensor:
    """Give each pixel to the object that is likeliest there, if it is likelier than a threshold.

    Args:
        probabilities: (N, H, W).
        ids: N ids, 1 to 255.
        threshold: below it a pixel is the background's.

    Returns:
        (H, W) uint8.
    """
    best, which = probabilities.max(dim=0)
    numbers = constant(tuple(ids), probabilities.device).to(torch.uint8)
    return numbers[which] * (best > threshold)


def filled_boxes(centres: Tensor, sizes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (N, H, W) maps of ones in boxes and zeros around them.

    Args:
        centres: (N, 2) x and y; the first pixel of a frame reaches from 0 to 1.
        sizes: (N, 2) width and height.
        size: (H, W) of the frame.
    """
    lines = []
    for axis, length in ((1, size[0]), (0, size[1])):
        middles = torch.arange(length, device=centres.device) + 0.5
        away = (middles - centres[:, axis, None]).abs()
        lines.append((away <= sizes[:, axis, None] / 2).float())
    return lines[0][:, :, None] * lines[1][:, None, :]


def paste(
    maps: Tensor, origin: Tensor, step: Tensor, size: tuple[int, int], outside: float
) -> Tensor:
    """Interpolate maps at the pixels of a frame, linearly.

    The frame's axes are those of the maps, so this is a product of two narrow matrices with each
    map, on any device.

    Args:
        maps: (N, h, w).
        origin: (N, 2) x and y of the centre of each map's first value, pixels of the frame.
        step: (N, 2) pixels of the frame from one value to the next.
        size: (H, W) of the frame.
        outside: what every map is around its values.

    Returns:
        (N, H, W) float32.
    """
    rows = _shares(size[0], maps.shape[1], origin[:, 1], step[:, 1])
    columns = _shares(size[1], maps.shape[2], origin[:, 0], step[:, 0])
    return rows @ (maps - outside) @ columns.transpose(1, 2) + outside


def _shares(length: int, count: int, origin: Tensor, step: Tensor) -> Tensor:
    """Return (N, length, count): how much each of a map's values counts at each pixel."""
    pixels = torch.arange(length, device=origin.device, dtype=torch.float32)
    places = (pixels - origin[:, None]) / step[:, None]
    values = torch.arange(count, device=origin.device, dtype=torch.float32)
    return (1 - (places[:, :, None] - values).abs()).clamp(min=0)
