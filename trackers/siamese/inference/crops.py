"""Crops: squares around objects, cut and resized on the device, all of a frame at once.

A template crop has 127 pixels, a search crop 255, and a response map 25 x 25 cells over the latter.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.model.backbone import STRIDE

RESPONSE = 25  # cells of a side, of a search crop of 255 pixels
OFFSET = 31  # pixel of the search crop on which the centre of cell 0 lies
TEMPLATE = 127  # side of a template crop, pixels
SEARCH = 255  # side of a search crop, pixels
CONTEXT = 0.5
_WHOLE = 2048  # parts in which OpenCV shares a pixel out


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
    """Cut squares out of a frame and resize them; what lies outside is the frame's mean color.

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
    filled, and its pixels are interpolated linearly between their centres, without averaging where
    the window is larger than the crop. Published weights were trained on such crops. The numbers
    are those of OpenCV's `resize` of 8-bit images with `INTER_LINEAR`, which shares pixels out in
    parts of 2048.

    Args:
        frame: (C, H, W) of whole numbers, 0 to 255.
        centres: (N, 2) x and y, pixels of the frame.
        sides: (N,) pixels of the frame, rounded to whole ones (halves to even).
        out: side of the crops.
        fill: (N, C) colors outside of the frame; what is behind the point is left out.

    Returns:
        (N, C, out, out) float of whole numbers, 0 to 255.
    """
    corners, sides = window_corners(centres, sides)
    frame, fill = frame.to(torch.int32), fill.to(torch.int32)[:, :, None, None]
    first, shares = _steps(sides, out)
    columns = first.clamp(min=0).minimum(sides[:, None] - 1)
    none = (first < 0) | (first >= sides[:, None] - 1)
    across = torch.where(none, 0, shares[1])
    across = torch.stack((torch.where(none, _WHOLE, shares[0]), across))
    crops = torch.zeros(len(centres), len(frame), out, out, dtype=torch.int32, device=frame.device)
    for down in (0, 1):
        rows = (first + down).clamp(min=0).minimum(sides[:, None] - 1) + corners[:, 1:]
        line = torch.zeros_like(crops)
        for right in (0, 1):
            pixels = _pixels(frame, rows, columns + corners[:, :1] + right, fill)
            line += pixels * across[right][:, None, None, :]
        crops += ((line >> 4) * shares[down][:, None, :, None]) >> 16
    return ((crops + 2) >> 2).float()


def window_corners(centres: Tensor, sides: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first pixels (N, 2) and the sides (N,) of windows of whole pixels, as float64.

    In double, as a centre right between two pixels must be rounded as in the published programs.

    Args:
        centres: (N, 2) x and y.
        sides: (N,) before rounding.
    """
    whole = sides.double().round()
    return (centres.double() - (whole[:, None] + 1) / 2).round(), whole


def _steps(sides: Tensor, out: int) -> tuple[Tensor, Tensor]:
    """Return where the pixels of crops lie in their windows, rounded as OpenCV does.

    Args:
        sides: (N,) whole float64.
        out: side of the crops.

    Returns:
        (N, out) float64: the pixel before, -1 if there is none.
        (2, N, out) int32: how much the pixel before and the one after count, of 2048.
    """
    scale = 1 / (out / sides[:, None])
    line = torch.arange(out, device=sides.device, dtype=torch.float64)
    places = ((line + 0.5) * scale - 0.5).float()
    share = places - places.floor()
    shares = (torch.stack((1 - share, share)) * _WHOLE).round().to(torch.int32)
    return places.floor().double(), shares


def _pixels(frame: Tensor, rows: Tensor, columns: Tensor, fill: Tensor) -> Tensor:
    """Return the (N, C, out, out) pixels in (N, out) rows and columns of a frame, or the fill."""
    height, width = frame.shape[1:]
    inside = ((rows >= 0) & (rows < height))[:, :, None]
    inside = inside & ((columns >= 0) & (columns < width))[:, None, :]
    rows, columns = rows.clamp(0, height - 1).long(), columns.clamp(0, width - 1).long()
    pixels = frame[:, rows[:, :, None], columns[:, None, :]].transpose(0, 1)
    return torch.where(inside[:, None], pixels, fill)


def cell_centres(device: torch.device | str = "cpu") -> Tensor:
    """Return the (25, 25, 2) x and y of the cells, pixels of the search crop."""
    line = torch.arange(RESPONSE, device=device, dtype=torch.float32) * STRIDE + OFFSET
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x, y), dim=-1)


def resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (B, C, H, W) images without keeping their aspect; reductions are smoothed.

    Pixel (X, Y) of the image lies on x = (X + 1/2) w / W - 1/2 of the result, y likewise.
    """
    if tuple(image.shape[-2:]) == size:
        return image
    return F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)


def resampled(images: Tensor, scale: Tensor, shift: Tensor, out: int | None = None) -> Tensor:
    """Stretch and shift images about their middle; beyond their edges they are 0.

    Args:
        images: (B, C, H, W).
        scale: (B, 2) pixels of the image per pixel of the result, x and y; below 0 mirrors.
        shift: (B, 2) x and y of the result's middle from the image's, pixels of the image.
        out: side of a square result; its size is the image's if None.
    """
    height, width = images.shape[2:]
    rows, columns = (out, out) if out else (height, width)
    zero = torch.zeros_like(scale[:, 0])
    x = torch.stack((scale[:, 0] * columns / width, zero, 2 * shift[:, 0] / width), dim=-1)
    y = torch.stack((zero, scale[:, 1] * rows / height, 2 * shift[:, 1] / height), dim=-1)
    theta = torch.stack((x, y), dim=1)
    grid = F.affine_grid(theta, [len(images), 1, rows, columns], align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
