"""Whole images resized, stretched and shifted on the device."""

import torch
import torch.nn.functional as F
from torch import Tensor


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
