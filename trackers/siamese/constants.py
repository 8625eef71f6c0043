"""Small constants on the device, copied there once: a copy in every step would wait for the GPU."""

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=256)
def constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Return (n,) float32 numbers on a device; the tensor is shared, so it must not be changed."""
    with torch.inference_mode(False):  # whoever asks first, others may need gradients
        return torch.tensor(values, dtype=torch.float32, device=device)
