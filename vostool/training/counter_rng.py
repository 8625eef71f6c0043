"""Random numbers that depend on nothing but where they are used.

A generator's numbers depend on all those drawn before. Here each number is a hash of a seed, a
step, a sample and a place, so samples can be drawn in any order, split over processes, and drawn
again after a resume, without any state to keep.

Method: the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014; variant 13 of D. Stafford's mixers), applied once per key.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(
    seed: int, step: int, indices: range, count: int, device: torch.device | str = "cpu"
) -> Tensor:
    """Return numbers for some samples of a step, each row from (seed, step, index) alone.

    Args:
        seed: of the training.
        step: of the optimiser, from 0.
        indices: of the samples in the step's batch.
        count: how many numbers a sample needs; the first ones do not change if it grows.
        device: where to put them.

    Returns:
        (len(indices), count) float32, uniform in [0, 1).
    """
    rows = _mixed(_key(seed, step), np.asarray(indices, np.uint64))
    bits = _mixed(rows[:, None], np.arange(count, dtype=np.uint64))
    numbers = torch.from_numpy((bits >> np.uint64(40)).astype(np.float32) * 2.0**-24)
    return numbers.to(device, non_blocking=True)  # a GPU goes on with what it has


def step_seed(seed: int, step: int, part: int) -> int:
    """Return a seed for torch's global generator in one part of a step, in [0, 2^32)."""
    return int(_mixed(_key(seed, step), np.asarray([part], np.uint64))[0] >> np.uint64(32))


def _key(seed: int, step: int) -> NDArray[np.uint64]:
    start = _mixed(np.zeros(1, np.uint64), np.asarray([seed], np.uint64))
    return _mixed(start, np.asarray([step], np.uint64))


def _mixed(key: NDArray[np.uint64], value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the hash of key and value; they broadcast, and products overflow on purpose."""
    x = key + (value + np.uint64(1)) * _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))
