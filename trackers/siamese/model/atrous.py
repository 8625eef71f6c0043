"""The ResNet-50 of SiamRPN++, SiamMask and SiamCAR: unpadded down to stride 8, then dilated.

A 127 x 127 template becomes 15 x 15 features and a 255 x 255 search crop 31 x 31. The centre of
feature i lies on pixel 8 i + 7. Unlike torchvision's, shortcuts that change the resolution or the
dilation are convolutions of 3 x 3 (Li et al., SiamRPN++, CVPR 2019, and the published weights).
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from vostool_trackers.siamese.model.backbone import MEAN, STD, imagenet

Last = Literal["layer3", "layer4"]
CHANNELS = {"stem": 64, "layer1": 256, "layer2": 512, "layer3": 1024, "layer4": 2048}
_EXPANSION = 4


class Stages(NamedTuple):
    """Features of an image of n x n pixels; sides are those of 255.

    Args:
        stem: (B, 64, 125, 125), before the pooling.
        layer1: (B, 256, 63, 63).
        layer2: (B, 512, 31, 31).
        layer3: (B, 1024, 31, 31).
        layer4: (B, 2048, 31, 31), None if the network ends before.
    """

    stem: Tensor
    layer1: Tensor
    layer2: Tensor
    layer3: Tensor
    layer4: Tensor | None = None


class AtrousResNet(nn.Module):
    """ResNet-50 whose `layer3` and `layer4` stay at stride 8; BGR of 0 to 255 comes in as it is.

    Args:
        last: stage after which it ends.
        pretrained: start from torchvision's ImageNet weights, see `adopt`.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(self, last: Last = "layer3", *, pretrained: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, 3)
        self.layer2 = _stage(256, 128, 4, stride=2)
        self.layer3 = _stage(512, 256, 6, dilation=2)
        self.layer4 = _stage(1024, 512, 3, dilation=4) if last == "layer4" else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if pretrained:
            adopt(self, imagenet("resnet50"))

    def forward(self, image: Tensor) -> Stages:
        """Return the features of (B, 3, H, W) BGR of 0 to 255."""
        stem = self.relu(self.bn1(self.conv1(image)))
        first = self.layer1(self.maxpool(stem))
        second = self.layer2(first)
        third = self.layer3(second)
        return Stages(stem, first, second, third, self.layer4(third) if self.layer4 else None)


def adopt(network: AtrousResNet, source: ResNet) -> None:
    """Take over the weights of a ResNet-50 of torchvision, which wants normalised RGB.

    The colors are reordered and scaled in the first convolution, and the mean goes into the norm
    after it, which is exact as that convolution has no padding. Shortcuts of 1 x 1 become the
    middle of those of 3 x 3: it sees the same pixel.
    """
    own = network.state_dict()
    given = source.state_dict()
    with torch.no_grad():
        for name in own:
            tensor = given[name]
            if tensor.shape != own[name].shape:  # a shortcut
                own[name].zero_()
                own[name][:, :, 1, 1] = tensor[:, :, 0, 0]
            else:
                own[name].copy_(tensor)
        scaled = given["conv1.weight"] / torch.tensor(STD)[:, None, None]
        own["conv1.weight"].copy_(scaled.flip(1))
        own["bn1.running_mean"] += torch.einsum("ochw,c->o", scaled, torch.tensor(MEAN))


def _stage(
    channels: int, planes: int, blocks: int, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return bottlenecks; the first one has half the dilation, and no padding where it strides."""
    first = max(1, dilation // 2)
    out = planes * _EXPANSION
    side, padding = (1, 0) if stride == dilation == 1 else (3, 0 if stride > 1 else first)
    shortcut = nn.Sequential(
        nn.Conv2d(channels, out, side, stride, padding, dilation=first, bias=False),
        nn.BatchNorm2d(out),
    )
    layers = [Bottleneck(channels, planes, stride, shortcut, dilation=first)]
    if stride > 1:
        layers[0].conv2.padding = (0, 0)
    layers += [Bottleneck(out, planes, dilation=dilation) for _ in range(1, blocks)]
    return nn.Sequential(*layers)
