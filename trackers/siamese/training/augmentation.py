"""Light, colors and sharpness of training pairs, varied on the device."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.training.draws import Draws

_SIDE = 15  # of the kernels
_GREY = (0.299, 0.587, 0.114)


def vary_colors(
    crops: Sequence[Tensor], strength: float, grey: float, draws: Draws
) -> tuple[Tensor, ...]:
    """Change brightness, contrast, saturation, the balance of colors and gamma.

    All crops of a pair are changed alike, and each a little on its own; some lose their colors.

    Args:
        crops: each (B, 3, H, W) RGB of 0 to 255.
        strength: most change, as a fraction.
        grey: probability that all become grey.
        draws: random numbers.

    Returns:
        The crops, of 0 to 255.
    """
    common = [draws.signed(strength) for _ in range(7)]
    own = [[draws.signed(strength / 3) for _ in range(7)] for _ in crops]
    swap = draws.chance(strength / 2)
    faded = draws.chance(grey)
    changed = []
    for image, few in zip(crops, own, strict=True):
        amounts = [(a + b).exp()[:, None, None, None] for a, b in zip(common, few, strict=True)]
        image = torch.where(swap[:, None, None, None], image.flip(1), image)
        changed.append(_change(image, amounts, faded))
    return tuple(changed)


def _change(image: Tensor, amounts: list[Tensor], faded: Tensor) -> Tensor:
    light, contrast, saturation, gamma, *balance = amounts
    weights = constant(_GREY, image.device)[:, None, None]
    grey = (image * weights).sum(dim=1, keepdim=True)
    saturation = torch.where(faded[:, None, None, None], 0.0, saturation)
    image = grey + (image - grey) * saturation
    image = image * torch.cat(balance, dim=1)
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    image = (image - mean) * contrast + mean * light
    return 255 * (image.clamp(0, 255) / 255) ** gamma


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
    some = image[chosen].transpose(0, 1)  # colors as a batch, crops as groups
    result = F.conv2d(some, kernel[chosen, None], padding=_SIDE // 2, groups=len(chosen))
    return image.index_copy(0, chosen, result.transpose(0, 1))
