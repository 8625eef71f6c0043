"""The features that SiamMask and S2iamMask search in, and the finer ones that they refine with."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from vostool_trackers.siamese.model.atrous import CHANNELS, AtrousResNet
from vostool_trackers.siamese.model.backbone import Backbone, normalised
from vostool_trackers.siamese.model.backbones import make_backbone
from vostool_trackers.siamese.model.lite import Lite


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


TrunkDepth = Literal["atrous50", "lite0", "resnet10", "resnet18", "resnet34", "resnet50"]


class Grid(NamedTuple):
    """Where features lie on the crop: the centre of feature i is on pixel stride i + offset."""

    channels: int
    stride: int
    offset: int


class Levels(NamedTuple):
    """Features of search crops.

    Args:
        fine: from fine to coarse, on the grids of `Trunk.grids`.
        deep: (B, C, 31 or 32, ...), adjusted.
    """

    fine: tuple[Tensor, ...]
    deep: Tensor


class Trunk(nn.Module):
    """A backbone to `layer3`, and the adjustment of its channels.

    Args:
        depth: `atrous50` is the backbone of the published weights; the others are torchvision's and
            `lite0`, at their usual strides and enlarged to stride 8 (see `backbones`).
        channels: of the adjusted features.
        pretrained: start from torchvision's ImageNet weights.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(self, depth: TrunkDepth, channels: int, *, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone: AtrousResNet | Backbone | Lite
        names: tuple[str, ...] = ("stem", "layer1", "layer2")
        strides: tuple[int, ...] = (2, 4, 8)
        if depth == "atrous50":
            self.backbone = AtrousResNet(pretrained=pretrained)
            *outs, inner = (CHANNELS[name] for name in (*names, "layer3"))
            offsets, self._middle = (3, 3, 7), slice(4, -4)
        else:
            if depth == "resnet10":  # its first features are at stride 4
                names, strides = names[1:], strides[1:]
            self.backbone = make_backbone(
                depth, (*names, "layer3"), pretrained=pretrained, dilated=False
            )
            *outs, inner = self.backbone.channels
            offsets, self._middle = (0, 0, 0), slice(4, 12)
        self.grids = tuple(map(Grid, outs, strides, offsets))
        self.adjust = nn.Sequential(
            nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def prepared(self, image: Tensor) -> Tensor:
        """Return (B, 3, H, W) RGB of 0 to 255 as the backbone wants it."""
        if isinstance(self.backbone, AtrousResNet):
            return image.flip(1)
        return normalised(image)

    def template(self, image: Tensor) -> Tensor:
        """Return the adjusted features in the middle of (B, 3, 127, 127) prepared templates.

        Returns:
            (B, C, 7, 7), or (B, C, 8, 8) with torchvision's backbones.
        """
        levels: Levels = self(image)
        return levels.deep[:, :, self._middle, self._middle]

    def forward(self, image: Tensor) -> Levels:
        """Return the features of (B, 3, H, W) prepared crops."""
        if isinstance(self.backbone, AtrousResNet):
            stages = self.backbone(image)
            return Levels((stages.stem, stages.layer1, stages.layer2), self.adjust(stages.layer3))
        *fine, deep = self.backbone(image)
        return Levels(tuple(fine), self.adjust(deep))
