"""The network of the paper: features of template and search correlated, then three maps.

For each of 25 x 25 cells: is it on the object, how central is it, and the rays to the contour.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..siamese.backbone import STRIDE, Backbone, Depth, normalised
from ..siamese.correlation import depthwise

RESPONSE = 25
OFFSET = 31  # pixel of the search crop on which the centre of cell 0 lies
_KERNEL = slice(4, 12)  # of the template's 16 x 16 features: the object and a little around it


class Maps(NamedTuple):
    """What the network says about every cell.

    Args:
        score: (B, h, w) logits of being on the object.
        centerness: (B, h, w) logits of being in its middle.
        rays: (B, R, h, w) distances to the contour, pixels of the search crop.
    """

    score: Tensor
    centerness: Tensor
    rays: Tensor


@dataclass(frozen=True)
class Shape:
    """What decides the tensors of the network; the defaults are those of `car_r18.toml`.

    Args:
        backbone: which ResNet.
        stages: stages whose features are correlated.
        channels: of the correlation and the head.
        depth: convolutions of each tower of the head.
        rays: number of rays.
    """

    backbone: Depth = "resnet18"
    stages: tuple[str, ...] = ("layer2", "layer3")
    channels: int = 128
    depth: int = 3
    rays: int = 36


class SiamPolarCar(nn.Module):
    """Siamese network with polar head (the SiamCAR-based SiamPolarMask)."""

    def __init__(self, shape: Shape, *, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = Backbone(shape.backbone, shape.stages, pretrained=pretrained)
        self.adjust = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(c, shape.channels, 1, bias=False), nn.BatchNorm2d(shape.channels)
            )
            for c in self.backbone.channels
        )
        self.join = nn.Conv2d(len(shape.stages) * shape.channels, shape.channels, 1)
        self.head = PolarHead(shape.channels, shape.depth, shape.rays)

    def features(self, image: Tensor) -> list[Tensor]:
        """Return adjusted features per stage, (B, C, H / 8, W / 8), of normalised images."""
        levels = self.backbone(image)
        return [adjust(level) for adjust, level in zip(self.adjust, levels, strict=True)]

    def kernels(self, template: Tensor) -> list[Tensor]:
        """Return the correlation kernels (B, C, 8, 8) of (B, 3, 127, 127) templates."""
        return [f[:, :, _KERNEL, _KERNEL] for f in self.features(template)]

    def search(self, kernels: list[Tensor], search: Tensor) -> Maps:
        """Return the maps of (B, 3, 255, 255) search crops, given the objects' kernels."""
        levels = [depthwise(f, k) for f, k in zip(self.features(search), kernels, strict=True)]
        maps: Maps = self.head(self.join(torch.cat(levels, dim=1)))
        return maps

    def forward(self, template: Tensor, search: Tensor) -> Maps:
        """Return the maps of pairs of crops as they are cut, RGB of 0 to 255."""
        return self.search(self.kernels(normalised(template)), normalised(search))


class PolarHead(nn.Module):
    """Two towers of convolutions and three predictions."""

    def __init__(self, channels: int, depth: int, rays: int) -> None:
        super().__init__()
        self.score_tower = _tower(channels, depth)
        self.ray_tower = _tower(channels, depth)
        self.score = nn.Conv2d(channels, 1, 3, padding=1)
        self.centerness = nn.Conv2d(channels, 1, 3, padding=1)
        self.rays = nn.Conv2d(channels, rays, 3, padding=1)
        for layer in (self.score, self.centerness, self.rays):
            nn.init.normal_(layer.weight, std=0.01)
        assert self.score.bias is not None
        nn.init.constant_(self.score.bias, -2.0)  # most cells are not on the object

    def forward(self, x: Tensor) -> Maps:
        scores, shapes = self.score_tower(x), self.ray_tower(x)
        # Rays of 4 strides before training, bounded to 0.2 to 640 pixels so that none overflows.
        # The gradient ignores the bounds, or a ray beyond them could never come back.
        logs = self.rays(shapes).float()
        logs = logs + (logs.clamp(-5, 3) - logs).detach()
        rays = 4 * STRIDE * logs.exp()
        return Maps(self.score(scores)[:, 0].float(), self.centerness(scores)[:, 0].float(), rays)


def _tower(channels: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.GroupNorm(max(1, channels // 8), channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def cell_centres(device: torch.device | str = "cpu") -> Tensor:
    """Return the (25, 25, 2) x and y of the cells, pixels of the search crop."""
    line = torch.arange(RESPONSE, device=device, dtype=torch.float32) * STRIDE + OFFSET
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x, y), dim=-1)
