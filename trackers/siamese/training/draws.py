"""Random numbers of training pairs, taken one after another for a whole batch."""

import torch
from torch import Tensor

from vostool.training.counter_rng import uniforms


class Draws:
    """Uniform numbers of the pairs of a batch: each pair's depend on seed, step and its index.

    Args:
        seed: of the training.
        step: of the optimiser.
        indices: of the pairs in the step's batch.
        device: where the numbers are used.
    """

    _MOST = 192  # numbers per pair

    def __init__(self, seed: int, step: int, indices: range, device: torch.device) -> None:
        self._columns = iter(uniforms(seed, step, indices, self._MOST, device).T)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return (B,) numbers in [low, high)."""
        column: Tensor = next(self._columns)
        return low + (high - low) * column

    def signed(self, most: float) -> Tensor:
        """Return (B,) numbers in [-most, most)."""
        return self.uniform(-most, most)

    def chance(self, probability: float) -> Tensor:
        """Return (B,) bool, true with the given probability."""
        return self.uniform() < probability

    def below(self, count: Tensor | int) -> Tensor:
        """Return (B,) int64 in [0, count)."""
        number = self.uniform()
        drawn = (number * count).to(torch.int64)
        if isinstance(count, Tensor):
            return torch.minimum(drawn, count - 1)
        return drawn.clamp(max=count - 1)
