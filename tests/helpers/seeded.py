"""Weights without a file: every tensor from a generator seeded by its name.

A published program and ours, filled so, have the same weights; what the published one said with
them can be kept as a few numbers.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def seeded_tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    """Return a float32 tensor such that signals neither fade nor explode in a deep network.

    Kernels are normal with the variance 1 / fan-in, variances of norms 0.5 to 1.5, their factors
    0.8 to 1.2, everything else is normal and small.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    draw = np.random.default_rng(seed)
    if len(shape) > 1:
        values = draw.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = draw.uniform(0.5, 1.5, shape)
    elif name.endswith("weight"):
        values = draw.uniform(0.8, 1.2, shape)
    else:
        values = 0.05 * draw.normal(size=shape)
    return torch.from_numpy(np.asarray(values, np.float32))


def seeded_weights(
    shapes: Mapping[str, tuple[int, ...]], gains: Mapping[str, float] | None = None
) -> dict[str, Tensor]:
    """Return tensors by name.

    Args:
        shapes: name -> shape, without counters of norms.
        gains: end of a name -> factor.
    """
    weights = {name: seeded_tensor(name, shape) for name, shape in shapes.items()}
    for end, gain in (gains or {}).items():
        for name in weights:
            if name.endswith(end):
                weights[name] *= gain
    return weights
