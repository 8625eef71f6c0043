"""The features that SiamMask and S2iamMask search in, and the finer ones that they refine with."""

from typing import Literal, NamedTuple

from torch import Tensor, nn

from vostool_trackers.siamese.model.atrous import CHANNELS, AtrousResNet
from vostool_trackers.siamese.model.backbone import Backbone, normalised
from vostool_trackers.siamese.model.backbones import make_backbone
from vostool_trackers.siamese.model.lite import Lite

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
