"""Light and colours of training pairs, varied on the device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .constants import constant
from .draws import Draws

_GREY = (0.299, 0.587, 0.114)


def vary_colours(
    crops: Sequence[Tensor], strength: float, grey: float, draws: Draws
) -> tuple[Tensor, ...]:
    """Change brightness, contrast, saturation, the balance of colours and gamma.

    All crops of a pair are changed alike, and each a little on its own; some lose their colours.

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
