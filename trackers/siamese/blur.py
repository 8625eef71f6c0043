"""Blur of search crops by focus or motion, on the device."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .draws import Draws

_SIDE = 15  # of the kernels


def vary_sharpness(image: Tensor, probability: float, draws: Draws) -> Tensor:
    """Blur some crops: half of them out of focus, half by a motion.

    Args:
        image: (B, 3, H, W).
        probability: that a crop is blurred.
        draws: random numbers.
    """
    blurred = draws.chance(probability)
    moved = draws.chance(0.5)
    width, angle = draws.uniform(0.5, 2.5), draws.uniform(0.0, torch.pi)
    length = draws.uniform(2.0, _SIDE / 2)
    line = torch.arange(_SIDE, device=image.device, dtype=torch.float32) - _SIDE // 2
    y, x = line[:, None], line[None]
    along = x * angle.cos()[:, None, None] + y * angle.sin()[:, None, None]
    beside = y * angle.cos()[:, None, None] - x * angle.sin()[:, None, None]
    motion = (1 - beside.abs()).clamp(min=0) * (along.abs() <= length[:, None, None] / 2 + 0.5)
    focus = torch.exp(-(x**2 + y**2) / (2 * width[:, None, None] ** 2))
    kernel = torch.where(moved[:, None, None], motion, focus)
    kernel = kernel / kernel.sum(dim=(1, 2), keepdim=True)
    chosen = blurred.nonzero()[:, 0]
    if not len(chosen):
        return image
    some = image[chosen].transpose(0, 1)  # colours as a batch, crops as groups
    result = F.conv2d(some, kernel[chosen, None], padding=_SIDE // 2, groups=len(chosen))
    return image.index_copy(0, chosen, result.transpose(0, 1))
