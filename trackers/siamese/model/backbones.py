"""Backbones by name: ResNets, and EfficientNet-Lite0."""

from collections.abc import Sequence
from typing import Literal

from vostool_trackers.siamese.model.backbone import Backbone
from vostool_trackers.siamese.model.lite import Lite

AnyDepth = Literal["lite0", "resnet10", "resnet18", "resnet34", "resnet50", "resnet101"]


def make_backbone(
    depth: AnyDepth,
    stages: Sequence[str],
    *,
    pretrained: bool,
    dilated: bool = True,
    guides: int = 0,
) -> Backbone | Lite:
    """Return a backbone of stride 8; see `Backbone` and `Lite`.

    Args:
        depth: which one.
        stages: whose features are wanted.
        pretrained: start from ImageNet weights.
        dilated: of the ResNets, the last stages keep the resolution of stride 8; `lite0` has its
            usual strides, and its features are enlarged.
        guides: further input channels next to the colors.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """
    if depth == "lite0":
        return Lite(stages, pretrained=pretrained, guides=guides)
    return Backbone(depth, stages, pretrained=pretrained, dilated=dilated, guides=guides)
