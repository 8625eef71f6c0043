"""Residual backbones of stride 8: torchvision's networks, the last stages dilated or enlarged.

A 127 x 127 template becomes 16 x 16 features and a 255 x 255 search crop 32 x 32. With
torchvision's padding the centre of feature i lies on pixel 8 i. `tower` and `constant` serve all
networks.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import BasicBlock

from vostool.errors import WeightsError

Depth = Literal["resnet10", "resnet18", "resnet34", "resnet50", "resnet101"]
STRIDE = 8
MEAN = (123.675, 116.28, 103.53)  # of ImageNet, RGB, 0 to 255
STD = (58.395, 57.12, 57.375)
_STAGES = ("layer1", "layer2", "layer3", "layer4")
_STEM = "stem"
_STEM_CHANNELS = 64


class Backbone(nn.Module):
    """Return the features of the named stages, at stride 8 but for the finer ones.

    Args:
        depth: which ResNet; `resnet10` is a small one, with one basic block in each stage and
            one convolution of stride 4 before them.
        stages: of `stem`, `layer1`, `layer2`, `layer3` and `layer4`, in ascending order; the first
            two are at strides 2 and 4 (of `resnet10`, both at 4), and what comes after the last one
            is left away.
        pretrained: start from torchvision's ImageNet weights, which torchvision downloads.
        dilated: `layer3` and `layer4` keep the resolution of `layer2`; else they have their usual
            strides of 16 and 32, a fourth and a sixteenth of the cost, and are enlarged.
        guides: further input channels beside the colors.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(
        self,
        depth: Depth = "resnet50",
        stages: Sequence[str] = ("layer3",),
        *,
        pretrained: bool,
        dilated: bool = True,
        guides: int = 0,
    ) -> None:
        super().__init__()
        network = imagenet(depth) if pretrained else _fresh(depth)
        if guides:
            network.conv1 = _widened(network.conv1, guides)
        self.stages = tuple(stages)
        pool = nn.Identity() if depth == "resnet10" else network.maxpool
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, pool)
        for name in _STAGES[: _STAGES.index(self.stages[-1]) + 1]:
            stage = getattr(network, name)
            if dilated and name in ("layer3", "layer4"):
                _dilate(stage, 2 if name == "layer3" else 4)
            setattr(self, name, stage)
        self.channels = tuple(
            _STEM_CHANNELS if name == _STEM else _channels(getattr(self, name))
            for name in self.stages
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return a tensor per stage, (B, C, H / 8, W / 8) from `layer2` on.

        Args:
            image: (B, 3 + guides, H, W), normalised RGB and what else is known of each pixel.
        """
        features: list[Tensor] = []
        x = self.stem[:3](image)
        if _STEM in self.stages:
            features.append(x)
        x = self.stem[3](x)
        for name in _STAGES[: _STAGES.index(self.stages[-1]) + 1]:
            x = getattr(self, name)(x)
            if name in ("layer1", "layer2"):
                size = x.shape[-2:]
            if name in self.stages:
                features.append(enlarged(x, size))
        return tuple(features)


def normalised(image: Tensor) -> Tensor:
    """Return (..., 3, H, W) RGB of 0 to 255 with ImageNet's mean and deviation taken out."""
    mean = constant(MEAN, image.device)[:, None, None]
    std = constant(STD, image.device)[:, None, None]
    return (image.to(torch.float32) - mean) / std


def imagenet(depth: str) -> models.ResNet:
    """Return torchvision's network with its ImageNet weights, which torchvision downloads.

    Raises:
        WeightsError: there are none of this depth, or they cannot be had.
    """
    if depth == "resnet10":
        raise WeightsError(
            "torchvision has no ImageNet weights of resnet10. Choose another backbone, or train "
            "with -o pretrained=false."
        )
    try:
        return models.get_model(depth, weights="IMAGENET1K_V1")
    except (OSError, RuntimeError) as error:  # no connection, or a damaged download
        raise WeightsError(
            f"torchvision could not download its ImageNet weights of {depth} ({error}). Train with "
            "-o pretrained=false, or put the file into torch's hub cache first."
        ) from error


def _fresh(depth: str) -> models.ResNet:
    if depth == "resnet10":
        network = models.ResNet(BasicBlock, [1, 1, 1, 1])
        network.conv1.stride = (4, 4)
        return network
    return models.get_model(depth, weights=None)


def _widened(layer: nn.Conv2d, guides: int) -> nn.Conv2d:
    """Return a first layer with more input channels; the weights of the colors stay."""
    wide = nn.Conv2d(3 + guides, layer.out_channels, 7, layer.stride[0], padding=3, bias=False)
    with torch.no_grad():
        wide.weight[:, :3] = layer.weight
    return wide


def _dilate(stage: nn.Module, dilation: int) -> None:
    """Take the stride out of a stage and widen its 3 x 3 kernels instead.

    The first block keeps half the dilation, as its input has not been widened yet (Yu et al.,
    "Dilated Residual Networks", CVPR 2017).
    """
    for index, block in enumerate(stage.children()):
        for module in block.modules():
            if not isinstance(module, nn.Conv2d):
                continue
            module.stride = (1, 1)
            if module.kernel_size == (3, 3):
                size = dilation // 2 if index == 0 else dilation
                module.dilation = module.padding = (size, size)


def _channels(stage: nn.Module) -> int:
    return next(
        module.num_features
        for module in reversed(list(stage.modules()))
        if isinstance(module, nn.BatchNorm2d)
    )


def enlarged(features: Tensor, size: Sequence[int]) -> Tensor:
    """Bring (B, C, h, w) features of a coarser stride to a finer one, each kept on its own pixel.

    Args:
        features: at a stride that is the finer one times a power of two.
        size: (H, W) of the finer grid.
    """
    if tuple(features.shape[-2:]) == tuple(size):
        return features
    half = [(n + 1) // 2 for n in size]
    coarse = enlarged(features, half)
    # Feature j of the coarser grid lies on feature 2 j of the finer one.
    finer = F.interpolate(coarse, [2 * n - 1 for n in half], mode="bilinear", align_corners=True)
    rest = size[1] - finer.shape[-1], size[0] - finer.shape[-2]
    return F.pad(finer, (0, rest[0], 0, rest[1]), mode="replicate")


def tower(channels: int, depth: int, *, bias: bool = False) -> nn.Sequential:
    """Return convolutions of 3 x 3, each with a group norm and a ReLU.

    Args:
        channels: in and out, in groups of eight for the norm.
        depth: number of convolutions.
        bias: the convolutions have one.
    """
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1, bias=bias),
            nn.GroupNorm(max(1, channels // 8), channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


@lru_cache(maxsize=256)
def constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Return (n,) float32 numbers on a device; the tensor is shared, so it must not be changed."""
    with torch.inference_mode(False):  # whoever asks first, others may need gradients
        return torch.tensor(values, dtype=torch.float32, device=device)
