"""Depthwise convolutions whose gradients on a CPU cost what the forward pass costs.

oneDNN computes the gradients of depthwise 5 x 5 convolutions in bf16 twenty times as slowly as the
convolution itself. The gradient by the input is a depthwise convolution, too, with the kernel
turned by 180 degrees, and that by the kernel is a sum of products per place of the kernel.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FITS = 2**20  # numbers


class DepthwiseConv(nn.Conv2d):
    """A convolution of every channel by itself; the kernel is odd, and padding half of it."""

    def __init__(self, channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False
        )
        self._is_slow = kernel > 3 or stride > 1

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, ceil(H / stride), ceil(W / stride)) of (B, C, H, W)."""
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            x = x.to(torch.get_autocast_dtype("cpu"))
        slow = x.device.type == "cpu" and x.dtype == torch.bfloat16 and self._is_slow
        if not slow or not torch.is_grad_enabled():
            return super().forward(x)
        y: Tensor = _Depthwise.apply(x, self.weight, self.stride[0])
        return y


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        kernel = weight.to(x.dtype)
        return F.conv2d(x, kernel, None, stride, weight.shape[-1] // 2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        stride, half = ctx.stride, weight.shape[-1] // 2
        grad = grads[0].contiguous(memory_format=torch.channels_last)
        by_input = by_weight = None
        if ctx.needs_input_grad[0]:
            spread = grad
            if stride > 1:  # the places that the stride left out got nothing
                spread = torch.zeros_like(x, memory_format=torch.channels_last)
                spread[:, :, ::stride, ::stride] = grad
            turned = weight.flip(2, 3).to(x.dtype)
            by_input = F.conv2d(spread, turned, None, 1, half, groups=len(weight))
        if ctx.needs_input_grad[1]:
            by_weight = _by_weight(x, grad, weight, stride)
        return by_input, by_weight, None


def _by_weight(x: Tensor, grad: Tensor, weight: Tensor, stride: int) -> Tensor:
    side = weight.shape[-1]
    padded = F.pad(x, (side // 2,) * 4).permute(0, 2, 3, 1).contiguous()
    grad = grad.permute(0, 2, 3, 1).contiguous()
    total = torch.zeros_like(weight)
    few = max(1, _FITS // grad[0].numel())  # samples at once, so that they stay in the cache
    for some, its in zip(torch.split(padded, few), torch.split(grad, few), strict=True):
        _add_products(total, some, its, stride)
    return total


def _add_products(total: Tensor, padded: Tensor, grad: Tensor, stride: int) -> None:
    side = total.shape[-1]
    height, width = grad.shape[1:3]
    ones = grad.new_ones(1, grad.shape[:3].numel())
    for row in range(side):
        for column in range(side):
            rows = slice(row, row + stride * (height - 1) + 1, stride)
            columns = slice(column, column + stride * (width - 1) + 1, stride)
            product = padded[:, rows, columns] * grad
            total[:, 0, row, column] += (ones @ product.flatten(0, 2))[0]  # sums in fp32
