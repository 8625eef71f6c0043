"""The moving average of a network, which is validated and exported in its place."""

import copy

import torch
from torch import Tensor, nn


class MovingAverage:
    """Average the weights and the batch norms' statistics of a network over its steps.

    After step n (from 1) the average is d a + (1 - d) w with d = min(decay, (1 + n) / (10 + n)),
    so that the random start is forgotten soon (TensorFlow's `ExponentialMovingAverage` with
    `num_updates`). Counters are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self._averaged = network

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the network after `step` steps of its optimiser."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        # Looked up every time, for `Module.to` may have given either network new tensors.
        pairs = list(zip(_tensors(self.network), _tensors(self._averaged), strict=True))
        floats = [(a, w) for a, w in pairs if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [w for _, w in floats], weight)
        for a, w in pairs:
            if not a.is_floating_point():
                a.copy_(w)


def _tensors(network: nn.Module) -> list[Tensor]:
    """Return weights and statistics, each once even where modules share it."""
    return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]
