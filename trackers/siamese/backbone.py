"""Residual backbones of stride 8: torchvision's networks with the last stages dilated.

A 127 x 127 template becomes 16 x 16 features and a 255 x 255 search crop 32 x 32. With
torchvision's padding the centre of feature i lies on pixel 8 i.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision import models

from vostool.errors import WeightsError

Depth = Literal["resnet18", "resnet34", "resnet50", "resnet101"]
STRIDE = 8
MEAN = (123.675, 116.28, 103.53)  # of ImageNet, RGB, 0 to 255
STD = (58.395, 57.12, 57.375)
_STAGES = ("layer1", "layer2", "layer3", "layer4")


class Backbone(nn.Module):
    """Return the features of the named stages, all at stride 8.

    Args:
        depth: which ResNet.
        stages: of `layer2`, `layer3` and `layer4`, in ascending order; what comes after the last
            one is left away.
        pretrained: start from torchvision's ImageNet weights, which torchvision downloads.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(
        self, depth: Depth = "resnet50", stages: Sequence[str] = ("layer3",), *, pretrained: bool
    ) -> None:
        super().__init__()
        network = _imagenet(depth) if pretrained else models.get_model(depth, weights=None)
        self.stages = tuple(stages)
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        for name in _STAGES[: _STAGES.index(self.stages[-1]) + 1]:
            stage = getattr(network, name)
            if name in ("layer3", "layer4"):
                _dilate(stage, 2 if name == "layer3" else 4)
            setattr(self, name, stage)
        self.channels = tuple(_channels(getattr(self, name)) for name in self.stages)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return a (B, C, H / 8, W / 8) tensor per stage, from (B, 3, H, W) normalised RGB."""
        features = []
        x = self.stem(image)
        for name in _STAGES[: _STAGES.index(self.stages[-1]) + 1]:
            x = getattr(self, name)(x)
            if name in self.stages:
                features.append(x)
        return tuple(features)


def normalised(image: Tensor) -> Tensor:
    """Return (..., 3, H, W) RGB of 0 to 255 with ImageNet's mean and deviation taken out."""
    mean = torch.tensor(MEAN, device=image.device, dtype=torch.float32)[:, None, None]
    std = torch.tensor(STD, device=image.device, dtype=torch.float32)[:, None, None]
    return (image.to(torch.float32) - mean) / std


def _imagenet(depth: str) -> models.ResNet:
    try:
        return models.get_model(depth, weights="IMAGENET1K_V1")
    except (OSError, RuntimeError) as error:  # no connection, or a damaged download
        raise WeightsError(
            f"torchvision could not download its ImageNet weights of {depth} ({error}). Train with "
            "-o pretrained=false, or put the file into torch's hub cache first."
        ) from error


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
