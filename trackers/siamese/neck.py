"""Necks: features of a backbone brought to one number of channels on several levels."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Neck(nn.Module):
    """A feature pyramid (Lin et al., "Feature Pyramid Networks", CVPR 2017), whole or in part.

    1 x 1 convolutions, each level added to the next finer one, and 3 x 3 convolutions. Levels that
    are coarser than any features are made of the coarsest one.

    Args:
        inputs: channels of the features, finest first.
        channels: of all levels.
        levels: at least as many as inputs.
        smooth: with the 3 x 3 convolutions; without them it is SiamPolar's semi-FPN.
        learned: coarser levels are made by 3 x 3 convolutions of stride 2, with a ReLU before all
            but the first (as PolarMask has them); otherwise every other cell is taken.
    """

    def __init__(
        self, inputs: Sequence[int], channels: int, levels: int, *, smooth: bool, learned: bool
    ) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in inputs)
        outputs = len(inputs) if smooth else 0
        self.outputs = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1) for _ in range(outputs)
        )
        self.further = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, stride=2, padding=1) if learned else nn.MaxPool2d(1, 2)
            for _ in range(levels - len(inputs))
        )
        self._learned = learned
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return (N, channels, h, w) of each level, finest first.

        Args:
            features: (N, C, H, W) of each input; those but the coarsest may be (1, C, H, W), where
                N objects share a frame.
        """
        levels = [lateral(x) for lateral, x in zip(self.laterals, features, strict=True)]
        for finer in reversed(range(len(levels) - 1)):
            size = levels[finer].shape[-2:]
            levels[finer] = levels[finer] + F.interpolate(levels[finer + 1], size, mode="nearest")
        if self.outputs:
            levels = [output(x) for output, x in zip(self.outputs, levels, strict=True)]
        for number, layer in enumerate(self.further):
            last = levels[-1]
            levels.append(layer(F.relu(last) if number and self._learned else last))
        return levels
