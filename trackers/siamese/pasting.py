"""Maps of objects put back into the frame, and merged into one label map."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .constants import constant


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
