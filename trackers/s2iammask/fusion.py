"""The fusion network: a mask from the pooled features of a region, coarse and fine ones joined.

Layers as in `MaskHEADRefine` of the S2iamMask repository, whose sizes are those of 256 channels;
with fewer all are in proportion.
"""

from torch import Tensor, nn


class Fusion(nn.Module):
    """Two steps down to a quarter of the resolution, and two up, each joined by what is as fine.

    Args:
        channels: of the features, a multiple of 16.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide, narrow = channels // 4, channels // 16
        self.h1 = _down(channels)
        self.h2 = _down(channels)
        self.v1 = _beside(channels, wide, narrow)
        self.v2 = _beside(channels, channels // 2, wide)
        self.d1 = nn.ConvTranspose2d(channels, wide, 4, stride=2, padding=1, bias=False)
        self.d2 = nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False)
        self.last = nn.Conv2d(narrow, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.last.weight, std=0.01)  # unsure of every pixel at first

    def forward(self, pooled: Tensor) -> Tensor:
        """Return the (M, s, s) logits of (M, C, s, s) features; s is a multiple of 4."""
        half = self.h1(pooled)
        up = self.d1(self.h2(half)) + self.v2(half)
        logits: Tensor = self.last(self.d2(up) + self.v1(pooled))
        return logits[:, 0]


def _down(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


def _beside(channels: int, between: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, between, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(between, out, 1),
        nn.ReLU(inplace=True),
    )
