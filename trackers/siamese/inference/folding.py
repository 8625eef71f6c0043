"""Networks made ready for tracking: norms merged into convolutions, in the precision asked for."""

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vostool.tracking.base import Runtime

Network = TypeVar("Network", bound=nn.Module)
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.GroupNorm)  # whose numbers are many


def ready(network: Network, runtime: Runtime) -> Network:
    """Return a copy of a network in evaluation mode that computes as the runtime says.

    A batch norm right behind a convolution becomes part of it. Layers are of the runtime's
    precision, on its device, in the memory layout of convolutions; what is left, batch norms of
    their own and single factors, stays as it is: rays are exp(factor x), and a factor in bf16
    would move a contour of 200 px by up to 4.

    Args:
        network: it is not changed.
        runtime: device and precision.
    """
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        _fold(module)
    network.requires_grad_(False).to(runtime.device)
    for module in network.modules():
        if isinstance(module, _LAYERS):
            module.to(number_type(runtime)).to(memory_format=torch.channels_last)
    return network


def number_type(runtime: Runtime) -> torch.dtype:
    """Return the type of the numbers that a runtime computes with."""
    return _TYPES[runtime.precision]


def _fold(module: nn.Module) -> None:
    """Merge the norms among the children of a module into the convolutions right before them."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before and isinstance(before[1], nn.Conv2d):
            merged = fuse_conv_bn_eval(before[1].float(), child.float())
            setattr(module, before[0], merged)
            setattr(module, name, nn.Identity())
        before = name, child
