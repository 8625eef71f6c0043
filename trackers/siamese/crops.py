"""Square crops around objects, cut and resized on the device, all of a frame at once."""

import torch
import torch.nn.functional as F
from torch import Tensor

TEMPLATE = 127  # side of a template crop, pixels
SEARCH = 255  # side of a search crop, pixels
CONTEXT = 0.5


def context_side(size: Tensor) -> Tensor:
    """Return the side of the square that shows a box with its surroundings.

    sqrt((w + p) (h + p)) with p = (w + h) / 2 (Bertinetto et al., SiamFC, ECCVW 2016).

    Args:
        size: (N, 2) width and height.

    Returns:
        (N,) pixels of the frame.
    """
    padded = size + CONTEXT * size.sum(dim=1, keepdim=True)
    return padded.prod(dim=1).sqrt()


def cut(frame: Tensor, centres: Tensor, sides: Tensor, out: int) -> Tensor:
    """Cut squares out of a frame and resize them; what lies outside is the frame's mean colour.

    Coordinates are those of pixel centres: the first pixel is at 0. Each pixel of a crop is the
    mean of four samples, so that squares up to twice as large as the crop are not aliased.

    Args:
        frame: (3, H, W) float RGB of 0 to 255.
        centres: (N, 2) x and y, pixels of the frame.
        sides: (N,) pixels of the frame.
        out: side of the crops.

    Returns:
        (N, 3, out, out) float of 0 to 255. Pixel (out - 1) / 2 of a crop is on its centre.
    """
    mean = frame.mean(dim=(1, 2), keepdim=True)
    count = len(centres)
    grid = crop_grid(centres, sides, 2 * out, (frame.shape[1], frame.shape[2]))
    inputs = (frame - mean)[None].expand(count, -1, -1, -1)
    crops = F.grid_sample(inputs, grid, padding_mode="zeros", align_corners=False)
    return F.avg_pool2d(crops, 2) + mean


def crop_grid(centres: Tensor, sides: Tensor, out: int, size: tuple[int, int]) -> Tensor:
    """Return the sampling grid of square crops for `grid_sample` with `align_corners=False`.

    Args:
        centres: (N, 2) x and y of pixel centres.
        sides: (N,) pixels.
        out: side of the crops.
        size: (H, W) of what is sampled.

    Returns:
        (N, out, out, 2) float32.
    """
    steps = (torch.arange(out, device=centres.device, dtype=torch.float32) + 0.5) / out - 0.5
    offsets = sides[:, None] * steps
    x = (centres[:, :1] + offsets + 0.5) * (2 / size[1]) - 1
    y = (centres[:, 1:] + offsets + 0.5) * (2 / size[0]) - 1
    count = len(centres)
    grid = torch.stack(
        (x[:, None, :].expand(count, out, out), y[:, :, None].expand(count, out, out)), dim=-1
    )
    return grid.to(torch.float32)


def cut_windows(frame: Tensor, centres: Tensor, sides: Tensor, out: int, fill: Tensor) -> Tensor:
    """Cut squares of whole pixels out of a frame and resize them, as SiamFC and its heirs do.

    A window of n pixels begins at round(centre - (n + 1) / 2), what lies outside of the frame is
    filled, and its pixels are interpolated linearly between their centres (OpenCV's
    `INTER_LINEAR`), without averaging where the window is larger than the crop. Published weights
    were trained on such crops.

    Args:
        frame: (C, H, W) float of 0 to 255.
        centres: (N, 2) x and y, pixels of the frame.
        sides: (N,) pixels of the frame, rounded to whole ones (halves to even).
        out: side of the crops.
        fill: (N, C) colours outside of the frame.

    Returns:
        (N, C, out, out) float of whole numbers, 0 to 255.
    """
    corners, sides = window_corners(centres, sides)
    height, width = frame.shape[1:]
    steps = (torch.arange(out, device=centres.device, dtype=torch.float64) + 0.5) / out
    offsets = (sides[:, None] * steps - 0.5).clamp(min=0)
    offsets = torch.minimum(offsets, sides[:, None] - 1)
    x, y = (corners[:, axis, None] + offsets for axis in (0, 1))
    columns, rows = _between(x, width), _between(y, height)
    fill = fill[:, :, None, None]
    crops = torch.zeros(len(centres), len(frame), out, out, device=frame.device)
    for row, inside_row, share_row in rows:
        for column, inside_column, share_column in columns:
            pixels = frame[:, row[:, :, None], column[:, None, :]].transpose(0, 1)
            inside = (inside_row[:, :, None] & inside_column[:, None, :])[:, None]
            share = (share_row[:, :, None] * share_column[:, None, :])[:, None]
            crops += torch.where(inside, pixels, fill) * share
    return crops.round()


def window_corners(centres: Tensor, sides: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first pixels (N, 2) and the sides (N,) of windows of whole pixels, as float64.

    In double, as a centre right between two pixels must be rounded as in the published programs.

    Args:
        centres: (N, 2) x and y.
        sides: (N,) before rounding.
    """
    whole = sides.double().round()
    return (centres.double() - (whole[:, None] + 1) / 2).round(), whole


def _between(places: Tensor, length: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return the pixels before and after (N, out) places, if they exist, and their shares."""
    before = places.floor()
    share = (places - before).float()
    found = []
    for pixel, weight in ((before, 1 - share), (before + 1, share)):
        inside = (pixel >= 0) & (pixel < length)
        found.append((pixel.clamp(0, length - 1).long(), inside, weight))
    return found
