"""The network: features of template and search correlated, then score, centerness and box.

With its defaults it has the tensors of the published one (Guo et al., SiamCAR, CVPR 2020): three
stages of the atrous ResNet-50, 256 channels, two towers of four convolutions.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from vostool_trackers.siamese.model.atrous import CHANNELS, AtrousResNet
from vostool_trackers.siamese.model.backbone import Backbone, normalised, tower
from vostool_trackers.siamese.model.correlation import depthwise

_KERNEL_ATROUS = slice(4, 11)  # of the template's 15 x 15 features
_KERNEL = slice(4, 12)  # of the 16 x 16 features of torchvision's backbones
_PRIOR = 0.01  # of each class before training
_LOG_LENGTHS = (-5.0, 7.0)  # from far below a pixel to four search crops


class Maps(NamedTuple):
    """What the network says about every cell.

    Args:
        score: (B, 2, 25, 25) logits of background and object.
        centerness: (B, 25, 25) logits of being in the object's middle.
        box: (B, 4, 25, 25) distances to left, top, right and bottom, pixels of the search crop.
    """

    score: Tensor
    centerness: Tensor
    box: Tensor


@dataclass(frozen=True)
class Shape:
    """What decides the tensors of the network; the defaults are those of the published weights.

    Args:
        backbone: `atrous50` is the published one, dilated to stride 8; the others are torchvision's
            at their usual strides, enlarged to stride 8 (`resnet10` is a small one).
        stages: of `layer2`, `layer3` and `layer4`: whose features are correlated.
        channels: of the correlation and the head, in groups of eight.
        depth: convolutions of each tower of the head.
    """

    backbone: Literal["atrous50", "resnet10", "resnet18", "resnet34", "resnet50"] = "atrous50"
    stages: tuple[Literal["layer2", "layer3", "layer4"], ...] = ("layer2", "layer3", "layer4")
    channels: int = 256
    depth: int = 4

    def __post_init__(self) -> None:
        if not self.stages or list(self.stages) != sorted(set(self.stages)):
            raise ValueError(f"stages {list(self.stages)} must ascend, and be one at least")
        if self.channels < 8 or self.channels % 8 or self.depth < 1:
            raise ValueError("channels must be a multiple of 8, and depth at least 1")


class SiamCar(nn.Module):
    """Siamese network with a head for classification and regression.

    Args:
        shape: its tensors.
        pretrained: the backbone starts from torchvision's ImageNet weights.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(self, shape: Shape, *, pretrained: bool = False) -> None:
        super().__init__()
        self._stages = shape.stages
        self.backbone: AtrousResNet | Backbone
        if shape.backbone == "atrous50":
            last: Literal["layer3", "layer4"] = (
                "layer4" if shape.stages[-1] == "layer4" else "layer3"
            )
            self.backbone = AtrousResNet(last, pretrained=pretrained)
            channels = tuple(CHANNELS[name] for name in shape.stages)
            self._kernel = _KERNEL_ATROUS
        else:
            self.backbone = Backbone(
                shape.backbone, shape.stages, pretrained=pretrained, dilated=False
            )
            channels = self.backbone.channels
            self._kernel = _KERNEL
        self.adjust = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(c, shape.channels, 1, bias=False), nn.BatchNorm2d(shape.channels)
            )
            for c in channels
        )
        self.join = nn.Conv2d(len(shape.stages) * shape.channels, shape.channels, 1)
        self.head = BoxHead(shape.channels, shape.depth)

    def prepared(self, crops: Tensor) -> Tensor:
        """Return (B, 3, H, W) RGB of 0 to 255 as the backbone wants it."""
        return crops.flip(1) if isinstance(self.backbone, AtrousResNet) else normalised(crops)

    def features(self, image: Tensor) -> list[Tensor]:
        """Return adjusted features per stage, at stride 8, of (B, 3, H, W) prepared crops."""
        levels = self.backbone(image)
        if isinstance(self.backbone, AtrousResNet):
            levels = [getattr(levels, name) for name in self._stages]
        return [adjust(level) for adjust, level in zip(self.adjust, levels, strict=True)]

    def kernels(self, template: Tensor) -> list[Tensor]:
        """Return the kernels of (B, 3, 127, 127) prepared templates.

        Returns:
            (B, C, 7, 7) per stage, or (B, C, 8, 8) with torchvision's backbones.
        """
        return [f[:, :, self._kernel, self._kernel] for f in self.features(template)]

    def search(self, kernels: list[Tensor], search: Tensor) -> Maps:
        """Return the maps of (B, 3, 255, 255) prepared search crops, given the objects' kernels."""
        responses = [depthwise(f, k) for f, k in zip(self.features(search), kernels, strict=True)]
        maps: Maps = self.head(self.join(torch.cat(responses, dim=1)))
        return maps

    def forward(self, template: Tensor, search: Tensor) -> Maps:
        """Return the maps of pairs of crops as they are cut, RGB of 0 to 255."""
        return self.search(self.kernels(self.prepared(template)), self.prepared(search))


class BoxHead(nn.Module):
    """Two towers of convolutions and three predictions."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.score_tower = tower(channels, depth, bias=True)
        self.box_tower = tower(channels, depth, bias=True)
        self.score = nn.Conv2d(channels, 2, 3, padding=1)
        self.centerness = nn.Conv2d(channels, 1, 3, padding=1)
        self.box = nn.Conv2d(channels, 4, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)
        assert self.score.bias is not None
        nn.init.constant_(self.score.bias, -math.log((1 - _PRIOR) / _PRIOR))

    def forward(self, x: Tensor) -> Maps:
        """Return the maps of (B, C, 25, 25) correlations."""
        scores = self.score_tower(x)
        logs = self.box(self.box_tower(x)).float()
        # The gradient ignores the bounds, or a length beyond them could never come back.
        logs = logs + (logs.clamp(*_LOG_LENGTHS) - logs).detach()
        return Maps(self.score(scores).float(), self.centerness(scores)[:, 0].float(), logs.exp())
