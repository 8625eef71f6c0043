"""The towers of convolutions from which a head predicts."""

from torch import nn


def tower(channels: int, depth: int, *, bias: bool = False) -> nn.Sequential:
    """Return convolutions of 3 x 3, each with a group norm and a ReLU.

    Args:
        channels: in and out, in groups of eight for the norm.
        depth: number of convolutions.
        bias: the convolutions have one.
    """
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1, bias=bias),
            nn.GroupNorm(max(1, channels // 8), channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
