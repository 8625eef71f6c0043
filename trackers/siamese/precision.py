"""Images and arithmetic as the networks take them while tracking."""

import torch
from torch import Tensor

from vostool.tracker import Runtime

from .backbone import normalised

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(runtime: Runtime) -> torch.autocast:
    """Return a context in which a network computes in the precision that was asked for."""
    wanted = _TYPES.get(runtime.precision)
    device = torch.device(runtime.device).type
    return torch.autocast(device, dtype=wanted or torch.bfloat16, enabled=wanted is not None)


def laid_out(images: Tensor) -> Tensor:
    """Return (N, 3, H, W) RGB of 0 to 255, normalised, in the memory layout of convolutions."""
    return normalised(images).contiguous(memory_format=torch.channels_last)
