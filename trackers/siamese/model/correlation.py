"""Cross-correlation of search features with template features, a batch of pairs at once."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Correlated(nn.Module):
    """Depth-wise correlation behind a convolution on either side (SiamRPN++, section 4).

    Args:
        channels: of the features.
        hidden: of the correlation.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.conv_kernel = _convolved(channels, hidden, 3)
        self.conv_search = _convolved(channels, hidden, 3)

    def kernel(self, template: Tensor) -> Tensor:
        """Return the (B, hidden, h - 2, w - 2) kernels of (B, C, h, w) features of templates."""
        kernel: Tensor = self.conv_kernel(template)
        return kernel

    def joint(self, kernel: Tensor, search: Tensor, padding: int = 0) -> Tensor:
        """Correlate (B, C, H, W) features of search crops with kernels of (B, hidden, k, k).

        Returns:
            (B, hidden, H - 2 - (k - 1) + 2 padding, ...).
        """
        return depthwise(self.conv_search(search), kernel, padding)


class DepthCorr(Correlated):
    """A correlation and a small head.

    Args:
        channels: of the features.
        hidden: of the correlation.
        out: of the head.
    """

    def __init__(self, channels: int, hidden: int, out: int) -> None:
        super().__init__(channels, hidden)
        self.head = nn.Sequential(*_convolved(hidden, hidden, 1), nn.Conv2d(hidden, out, 1))

    def forward(self, kernel: Tensor, search: Tensor) -> Tensor:
        """Return the (B, out, ...) maps of the head."""
        maps: Tensor = self.head(self.joint(kernel, search))
        return maps


def _convolved(channels: int, hidden: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hidden, side, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(inplace=True),
    )


def depthwise(search: Tensor, template: Tensor, padding: int = 0) -> Tensor:
    """Correlate channel by channel (Li et al., SiamRPN++, CVPR 2019, section 4).

    Args:
        search: (B, C, H, W).
        template: (B, C, h, w), the kernels.
        padding: zeros on each side of the search features.

    Returns:
        (B, C, H - h + 1 + 2 padding, W - w + 1 + 2 padding).
    """
    batch, channels = search.shape[:2]
    kernels = template.reshape(batch * channels, 1, *template.shape[2:])
    merged = search.reshape(1, batch * channels, *search.shape[2:])
    learns = torch.is_grad_enabled() and kernels.requires_grad and search.device.type == "cpu"
    if learns and padding == 0:
        if torch.is_autocast_enabled("cpu"):
            number = torch.get_autocast_dtype("cpu")
            merged, kernels = merged.to(number), kernels.to(number)
        response: Tensor = _Depthwise.apply(merged, kernels)
    else:
        response = F.conv2d(merged, kernels, padding=padding, groups=batch * channels)
    return response.reshape(batch, channels, *response.shape[2:])


class _Depthwise(torch.autograd.Function):
    """The correlation with a faster gradient by the kernels, ten times so on a CPU.

    That gradient is the correlation of the features with the gradient of the response.
    """

    @staticmethod
    def forward(ctx: Any, merged: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(merged, kernels)
        return F.conv2d(merged, kernels, groups=len(kernels))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor]:
        merged, kernels = ctx.saved_tensors
        grad = grads[0].contiguous()
        by_search = None
        if ctx.needs_input_grad[0]:
            by_search = F.conv_transpose2d(grad, kernels, groups=len(kernels))
        by_kernels = F.conv2d(merged, grad.transpose(0, 1), groups=len(kernels))
        return by_search, by_kernels.transpose(0, 1)


def full(search: Tensor, template: Tensor) -> Tensor:
    """Correlate over all channels at once (Bertinetto et al., SiamFC, ECCVW 2016, eq. 2).

    Args:
        search: (B, C, H, W).
        template: (B, C, h, w), the kernels.

    Returns:
        (B, 1, H - h + 1, W - w + 1).
    """
    batch, channels = search.shape[:2]
    merged = search.reshape(1, batch * channels, *search.shape[2:])
    response = F.conv2d(merged, template, groups=batch)
    return response.reshape(batch, 1, *response.shape[2:])
