"""Which cell of a response map is the object: scale and ratio penalty, cosine window, smoothing."""

import torch
from torch import Tensor

from .crops import context_side


def cosine_window(size: int, device: torch.device | str = "cpu") -> Tensor:
    """Return a (size, size) Hann window whose maximum 1 is in the middle."""
    ramp = torch.hann_window(size + 2, periodic=False, device=device)[1:-1]
    window = ramp[:, None] * ramp[None]
    return window / window.max()


def change_penalty(size: Tensor, previous: Tensor, strength: float | Tensor) -> Tensor:
    """Return exp(-(change of scale x change of ratio - 1) strength), SiamRPN, CVPR 2018, eq. 13.

    Args:
        size: (..., 2) width and height of candidates.
        previous: (..., 2) width and height so far, in the same unit.
        strength: at least 0.

    Returns:
        (...) in (0, 1].
    """
    scale = _mutual(_scale(size) / _scale(previous))
    ratio = _mutual((size[..., 0] / size[..., 1]) / (previous[..., 0] / previous[..., 1]))
    return torch.exp(-(scale * ratio - 1) * strength)


def _scale(size: Tensor) -> Tensor:
    return context_side(size.reshape(-1, 2)).reshape(size.shape[:-1])


def _mutual(quotient: Tensor) -> Tensor:
    return torch.maximum(quotient, 1 / quotient)
