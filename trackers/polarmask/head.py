"""The head of PolarMask, shared by all levels: class, centerness, box and rays of every cell."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vostool_trackers.siamese.model.backbone import tower

_BOUNDS = math.log(1e-2), math.log(1e4)  # pixels of a ray or of a side


class Maps(NamedTuple):
    """What the network says about every cell of every level, laid flat as in `pyramid.Grid`.

    Args:
        score: (B, N, C) logits of the classes.
        centerness: (B, N) logits of being in the middle of an instance.
        box: (B, N, 4) logarithms of the distances to the left, top, right and bottom side, pixels
            of the network's input.
        rays: (B, N, R) logarithms of the distances to the contour. Ray k points along
            (cos t, sin t) with t = 2 pi k / R, x to the right and y down, see `siamese.polar`.
    """

    score: Tensor
    centerness: Tensor
    box: Tensor
    rays: Tensor


def ray_order(rays: int) -> list[int]:
    """Return which of the published rays ours are.

    The published ray k has its end at (x + d sin t, y + d cos t) with t = 2 pi k / R: it begins
    downwards and turns to the right. That is our ray (R / 4 - k) mod R, and likewise back.
    """
    return [(rays // 4 - k) % rays for k in range(rays)]


class PolarHead(nn.Module):
    """Three towers and four predictions (Xie et al., PolarMask, CVPR 2020, section 3.1).

    Distances are exp(scale x), with a scale for each level and branch. The tensors are those of the
    published weights, in their order of rays; the maps are in ours.

    Args:
        classes: of instances.
        channels: of all levels.
        depth: convolutions of each tower.
        rays: number of rays, a multiple of four.
        levels: number of levels.
    """

    def __init__(self, classes: int, channels: int, depth: int, rays: int, levels: int) -> None:
        super().__init__()
        self.class_tower = tower(channels, depth)
        self.box_tower = tower(channels, depth)
        self.ray_tower = tower(channels, depth)
        self.classes = nn.Conv2d(channels, classes, 3, padding=1)
        self.centerness = nn.Conv2d(channels, 1, 3, padding=1)
        self.box = nn.Conv2d(channels, 4, 3, padding=1)
        self.rays = nn.Conv2d(channels, rays, 3, padding=1)
        self.box_scales = nn.ParameterList(torch.tensor(1.0) for _ in range(levels))
        self.ray_scales = nn.ParameterList(torch.tensor(1.0) for _ in range(levels))
        self.register_buffer("_order", torch.tensor(ray_order(rays)), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        assert self.classes.bias is not None
        nn.init.constant_(self.classes.bias, -math.log(99))

    def forward(self, levels: Sequence[Tensor]) -> Maps:
        """Return the maps of (B, C, h, w) levels."""
        scales = zip(levels, self.box_scales, self.ray_scales, strict=True)
        parts = [self._level(*each) for each in scales]
        score, centerness, box, rays = (
            torch.cat(part, dim=2).transpose(1, 2) for part in zip(*parts, strict=True)
        )
        return Maps(score, centerness[..., 0], _bounded(box), _bounded(rays))

    def _level(
        self, x: Tensor, box_scale: Tensor, ray_scale: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return (B, ..., h w) float32 of a level."""
        seen = self.class_tower(x)
        box = self.box(self.box_tower(x)).flatten(2).float()
        rays = self.rays(self.ray_tower(x)).flatten(2).float()
        return (
            self.classes(seen).flatten(2).float(),
            self.centerness(seen).flatten(2).float(),
            box_scale.float() * box,
            ray_scale.float() * rays[:, self.get_buffer("_order")],
        )


def _bounded(logs: Tensor) -> Tensor:
    """Bound logarithms; the gradient ignores it, or one beyond could never come back."""
    return logs + (logs.clamp(*_BOUNDS) - logs).detach()
