"""Feature pyramids: backbones with their usual strides, the neck that joins them, and their cells.

The features C2 to C5 are at strides 4, 8, 16 and 32: a 127 x 127 template becomes 4 x 4 features at
C5, a frame of 1280 x 768 pixels 40 x 24.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models
from torchvision.models.resnet import Bottleneck

from vostool_trackers.siamese.model.backbone import imagenet

PyramidDepth = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnext101_64x4d"]
Level = Literal["C2", "C3", "C4", "C5"]
LEVELS: tuple[Level, ...] = get_args(Level)
STRIDES: dict[Level, int] = {"C2": 4, "C3": 8, "C4": 16, "C5": 32}
_BASIC = (64, 128, 256, 512)
_BOTTLENECK = (256, 512, 1024, 2048)


class Pyramid(nn.Module):
    """Return the features of all levels up to a deepest one.

    Args:
        depth: which ResNet.
        deepest: what comes after it is left away.
        pretrained: start from torchvision's ImageNet weights, which torchvision downloads. The
            batch norms are then fixed: they keep statistics, factors and offsets, as in the
            published trainings, whose batches of two frames have no statistics worth learning.
        early: bottlenecks that halve the resolution do so in their first convolution, of 1 x 1, as
            in the ResNets of Caffe; else in that of 3 x 3.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(
        self,
        depth: PyramidDepth,
        deepest: Level = "C5",
        *,
        pretrained: bool,
        early: bool = False,
    ) -> None:
        super().__init__()
        network = imagenet(depth) if pretrained else models.get_model(depth, weights=None)
        count = LEVELS.index(deepest) + 1
        self.stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        self.stages = nn.ModuleList(
            [network.layer1, network.layer2, network.layer3, network.layer4][:count]
        )
        self.channels = channels_of(depth)[:count]
        if early:
            _stride_early(self)
        if pretrained:
            _fix_norms(self)

    def forward(self, image: Tensor) -> dict[Level, Tensor]:
        """Return (B, C, H / stride, W / stride) of each level, from (B, 3, H, W) normalised RGB.

        Sizes that the stride does not divide are rounded up.
        """
        features: dict[Level, Tensor] = {}
        x = self.stem(image)
        for name, stage in zip(LEVELS, self.stages, strict=False):
            x = features[name] = stage(x)
        return features


def channels_of(depth: PyramidDepth) -> tuple[int, ...]:
    """Return the channels of C2 to C5."""
    return _BASIC if depth in ("resnet18", "resnet34") else _BOTTLENECK


def _stride_early(module: nn.Module) -> None:
    for block in module.modules():
        if isinstance(block, Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)


class FixedNorm(nn.Module):
    """A batch norm that never changes; its tensors are named like those of `nn.BatchNorm2d`."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.eps = norm.eps
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, getattr(norm, name).detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.get_buffer("running_mean"), self.get_buffer("running_var")
        weight, bias = self.get_buffer("weight"), self.get_buffer("bias")
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=self.eps)


def _fix_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, FixedNorm(child))
        else:
            _fix_norms(child)


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


class Grid(NamedTuple):
    """The cells of all levels, laid flat, finest level first, each level row by row.

    Args:
        points: (N, 2) x and y, pixels of the network's input.
        strides: (N,) of their levels.
        nearest: (N,) from a cell to the farthest side of an object's box, the least of its level.
        farthest: (N,) likewise, the least of the next level.
        counts: number of cells of each level.
    """

    points: Tensor
    strides: Tensor
    nearest: Tensor
    farthest: Tensor
    counts: tuple[int, ...]


def grid_of(
    size: tuple[int, int],
    strides: Sequence[int],
    reach: float = 8.0,
    device: torch.device | str = "cpu",
) -> Grid:
    """Return the cells of a network's levels.

    Cell (row j, column i) of stride s is the pixel (i s + s // 2, j s + s // 2), as in PolarMask.

    Args:
        size: (H, W) of the network's input.
        strides: of the levels, finest first.
        reach: strides of its level from a cell to the farthest side of an object's box at which
            the object passes to the next, coarser level.
        device: where to put them.
    """
    points, own, nearest, farthest = [], [], [], []
    for number, stride in enumerate(strides):
        rows, columns = size_at(size, stride)
        x = torch.arange(columns, device=device, dtype=torch.float32) * stride + stride // 2
        y = torch.arange(rows, device=device, dtype=torch.float32) * stride + stride // 2
        lines = torch.meshgrid(y, x, indexing="ij")
        points.append(torch.stack((lines[1], lines[0]), dim=-1).reshape(-1, 2))
        ones = torch.ones(rows * columns, device=device)
        own.append(stride * ones)
        nearest.append(reach * stride / 2 * ones if number else 0 * ones)
        last = number == len(strides) - 1
        farthest.append(torch.inf * ones if last else reach * stride * ones)
    counts = tuple(len(part) for part in points)
    return Grid(torch.cat(points), torch.cat(own), torch.cat(nearest), torch.cat(farthest), counts)


def size_at(size: Sequence[int], stride: int) -> tuple[int, int]:
    """Return the (H, W) of features at a stride that is a power of two, of an (H, W) image."""
    return -(-size[0] // stride), -(-size[1] // stride)


def kernel_side(level: Level, template: int) -> int:
    """Return the side of a square template's features."""
    return size_at((template, template), STRIDES[level])[0]
