"""The network of the paper: features of template and search correlated, then three maps.

For each of 25 x 25 cells: is it on the object, how central is it, and the rays to the contour.

The guided form is also told, for every pixel of both crops, where the object was last and how much
the pixel's color speaks for it, and its head sees the features of the search crop themselves
beside their correlation, which blurs them over the size of the template.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vostool_trackers.siamese.model.backbone import STRIDE, normalised, tower
from vostool_trackers.siamese.model.backbones import AnyDepth, make_backbone
from vostool_trackers.siamese.model.correlation import depthwise
from vostool_trackers.siampolar.planes import GUIDES
from vostool_trackers.siampolar.refinement import Refinement

_KERNEL = slice(4, 12)  # of the template's 16 x 16 features: the object and a little around it
_UNDER = slice(4, 29)  # of the search crop's 32 x 32 features: those nearest to the cells


class Maps(NamedTuple):
    """What the network says about every cell.

    Args:
        score: (B, h, w) logits of being on the object.
        centerness: (B, h, w) logits of being in its middle.
        rays: (B, R, h, w) distances to the contour, pixels of the search crop.
        dense: (B, 8 h, 8 w) logits of each pixel being the object's, `DENSE` of the search crop.
            They help the features along in training, and the refinement; otherwise None.
    """

    score: Tensor
    centerness: Tensor
    rays: Tensor
    dense: Tensor | None = None


@dataclass(frozen=True)
class Shape:
    """What decides the tensors of the network; the defaults are those of the bundled weights.

    Args:
        backbone: which ResNet, or `lite0`, an EfficientNet-Lite0.
        stages: stages whose features are correlated.
        dilated: the last stages are dilated to stride 8, as in the paper; else enlarged to it.
        channels: of the correlation and the head.
        depth: convolutions of each tower of the head.
        rays: number of rays.
        guided: the network is told the last mask and the likelihood of the colors.
        refined: rays of the contour after a second look, of a guided network; 0 has no second look.
    """

    backbone: AnyDepth = "resnet10"
    stages: tuple[str, ...] = ("layer2", "layer3")
    dilated: bool = False
    channels: int = 96
    depth: int = 2
    rays: int = 36
    guided: bool = True
    refined: int = 72

    @property
    def second_look(self) -> bool:
        """Whether contours are refined: a network that is not guided knows too little to do so."""
        return self.guided and self.refined > 0

    @property
    def contour_rays(self) -> int:
        """Rays of the contours that are drawn."""
        return self.refined if self.second_look else self.rays


class SiamPolarCar(nn.Module):
    """Siamese network with polar head (the SiamCAR-based SiamPolarMask)."""

    def __init__(self, shape: Shape, *, pretrained: bool = False) -> None:
        super().__init__()
        self.guided = shape.guided
        self.backbone = make_backbone(
            shape.backbone,
            shape.stages,
            pretrained=pretrained,
            dilated=shape.dilated,
            guides=GUIDES if shape.guided else 0,
        )
        self.adjust = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(c, shape.channels, 1, bias=False), nn.BatchNorm2d(shape.channels)
            )
            for c in self.backbone.channels
        )
        levels = len(shape.stages) * (2 if shape.guided else 1)
        self.join = nn.Conv2d(levels * shape.channels, shape.channels, 1)
        self.head = PolarHead(shape.channels, shape.depth, shape.rays, dense=shape.second_look)
        self.refinement = Refinement(shape.refined) if shape.second_look else None

    def features(self, image: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        """Return adjusted features per stage, (B, C, H / 8, W / 8).

        Args:
            image: (B, 3, H, W) normalised RGB.
            guide: (B, GUIDES, H, W) of `guide_of`, if the network is guided.
        """
        levels = self.backbone(image if guide is None else torch.cat((image, guide), dim=1))
        return [adjust(level) for adjust, level in zip(self.adjust, levels, strict=True)]

    def kernels(self, template: Tensor, guide: Tensor | None = None) -> list[Tensor]:
        """Return the correlation kernels (B, C, 8, 8) of (B, 3, 127, 127) templates."""
        return [f[:, :, _KERNEL, _KERNEL] for f in self.features(template, guide)]

    def search(self, kernels: list[Tensor], search: Tensor, guide: Tensor | None = None) -> Maps:
        """Return the maps of (B, 3, 255, 255) search crops, given the objects' kernels."""
        features = self.features(search, guide)
        levels = [depthwise(f, k) for f, k in zip(features, kernels, strict=True)]
        if self.guided:
            levels += [f[:, :, _UNDER, _UNDER] for f in features]
        maps: Maps = self.head(self.join(torch.cat(levels, dim=1)))
        return maps

    def forward(
        self,
        template: Tensor,
        search: Tensor,
        template_guide: Tensor | None = None,
        search_guide: Tensor | None = None,
    ) -> Maps:
        """Return the maps of pairs of crops as they are cut, RGB of 0 to 255."""
        kernels = self.kernels(normalised(template), template_guide)
        return self.search(kernels, normalised(search), search_guide)


class PolarHead(nn.Module):
    """Two towers of convolutions and their predictions.

    Args:
        channels: in.
        depth: of the towers.
        rays: their number.
        dense: pixels are predicted in evaluation, too.
    """

    def __init__(self, channels: int, depth: int, rays: int, *, dense: bool = False) -> None:
        super().__init__()
        self._dense = dense
        self.score_tower = tower(channels, depth)
        self.ray_tower = tower(channels, depth)
        self.score = nn.Conv2d(channels, 1, 3, padding=1)
        self.centerness = nn.Conv2d(channels, 1, 3, padding=1)
        self.rays = nn.Conv2d(channels, rays, 3, padding=1)
        self.dense = nn.Conv2d(channels, STRIDE**2, 1)
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
        dense = None
        if self.training or self._dense:
            dense = F.pixel_shuffle(self.dense(shapes), STRIDE)[:, 0].float()
        return Maps(
            self.score(scores)[:, 0].float(), self.centerness(scores)[:, 0].float(), rays, dense
        )
