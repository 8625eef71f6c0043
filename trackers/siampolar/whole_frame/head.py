"""The head of PolarMask for one class, shared by all levels."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vostool_trackers.siamese.model.backbone import tower

_START = 32.0  # pixels of a ray before training
_SHORTEST = 0.2  # pixels


class FrameMaps(NamedTuple):
    """What the network says about every cell of every level, laid flat as in `pyramid.Grid`.

    Args:
        score: (B, N) logits of being on the object.
        centerness: (B, N) logits of being in its middle.
        rays: (B, N, R) distances to the contour, pixels of the network's input.
    """

    score: Tensor
    centerness: Tensor
    rays: Tensor


class FrameHead(nn.Module):
    """Two towers and three predictions (Xie et al., PolarMask, CVPR 2020, section 3.1).

    There is no branch of boxes: an object's box is the extent of its rays. Rays are
    exp(scale x), with a scale for each level.

    Args:
        channels: of all levels.
        depth: convolutions of each tower.
        rays: number of rays.
        levels: number of levels.
        longest: longest ray, pixels.
    """

    def __init__(self, channels: int, depth: int, rays: int, levels: int, longest: float) -> None:
        super().__init__()
        self.score_tower = tower(channels, depth)
        self.ray_tower = tower(channels, depth)
        self.score = nn.Conv2d(channels, 1, 3, padding=1)
        self.centerness = nn.Conv2d(channels, 1, 3, padding=1)
        self.rays = nn.Conv2d(channels, rays, 3, padding=1)
        self.scales = nn.Parameter(torch.ones(levels))
        self._bounds = math.log(_SHORTEST), math.log(longest)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
        starts = (
            (self.score, -math.log(99)),
            (self.centerness, 0.0),
            (self.rays, math.log(_START)),
        )
        for layer, bias in starts:
            assert layer.bias is not None
            nn.init.constant_(layer.bias, bias)

    def forward(self, levels: Sequence[Tensor]) -> FrameMaps:
        """Return the maps of (B, C, h, w) levels."""
        parts = [self._level(x, scale) for x, scale in zip(levels, self.scales, strict=True)]
        score, centerness, logs = (torch.cat(part, dim=2) for part in zip(*parts, strict=True))
        # The gradient ignores the bounds, or a ray beyond them could never come back.
        logs = logs + (logs.clamp(*self._bounds) - logs).detach()
        return FrameMaps(score[:, 0], centerness[:, 0], logs.exp().transpose(1, 2))

    def _level(self, x: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        scores, shapes = self.score_tower(x), self.ray_tower(x)
        found = self.score(scores), self.centerness(scores), self.rays(shapes)
        score, centerness, rays = (values.flatten(2).float() for values in found)
        return score, centerness, rays * scale
