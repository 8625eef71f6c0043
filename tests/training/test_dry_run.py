"""FLOPs by hand; a multiplication with its addition counts as two."""

import pytest
import torch
from torch import nn

from vostool.training.dry_run import count_flops


class Losses(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, batch):
        return {"total": self.layer(batch["x"]).sum()}


@pytest.mark.parametrize("needs_gradient", [False, True])
@pytest.mark.parametrize(
    ("layer", "forward"),
    [
        (nn.Conv2d(8, 8, 3), 2 * 2 * 8 * 8 * 9 * 6 * 6),
        (nn.Conv2d(8, 8, 3, groups=8), 2 * 2 * 8 * 9 * 6 * 6),
        (nn.Conv2d(8, 4, 3, stride=2, groups=2), 2 * 2 * 4 * 4 * 9 * 3 * 3),
        (nn.ConvTranspose2d(8, 4, 2, stride=2), 2 * 2 * 8 * 4 * 4 * 8 * 8),
        (nn.Linear(8, 3), 2 * 2 * 8 * 8 * 8 * 3),
    ],
    ids=["plain", "depth-wise", "groups", "transposed", "linear"],
)
def test_count(layer: nn.Module, forward: int, needs_gradient: bool) -> None:
    batch = {"x": torch.randn(2, 8, 8, 8, requires_grad=needs_gradient)}
    # the gradient of the weights costs as much again, and that of the image too if it is wanted
    assert count_flops(Losses(layer), batch) == (forward, forward * (3 if needs_gradient else 2))
