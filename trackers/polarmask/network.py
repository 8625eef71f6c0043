"""PolarMask's network: a ResNet, a feature pyramid and a head for all of its levels."""

from torch import Tensor, nn
from torch.nn.functional import pad

from vostool.tracking.tensor_files import Format
from vostool_trackers.polarmask.head import Maps, PolarHead
from vostool_trackers.polarmask.shape import Shape, Style
from vostool_trackers.siamese.model.backbone import constant, normalised
from vostool_trackers.siamese.model.pyramid import LEVELS, Grid, Level, Neck, Pyramid, grid_of

BGR_MEAN = (102.9801, 115.9465, 122.7717)  # of the ResNets of Caffe
_TAKEN: tuple[Level, ...] = LEVELS[1:]


class PolarMask(nn.Module):
    """Say of every cell of five levels which instance it is in the middle of.

    Args:
        shape: what decides the tensors.
        pretrained: the backbone starts from torchvision's ImageNet weights, see `Pyramid`.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
    """

    def __init__(self, shape: Shape, *, pretrained: bool = False) -> None:
        super().__init__()
        self.shape = shape
        early = shape.style == "caffe"
        self.backbone = Pyramid(shape.backbone, pretrained=pretrained, early=early)
        channels = dict(zip(LEVELS, self.backbone.channels, strict=True))
        self.neck = Neck(
            [channels[name] for name in _TAKEN],
            shape.channels,
            shape.levels,
            smooth=True,
            learned=True,
        )
        self.head = PolarHead(shape.classes, shape.channels, shape.depth, shape.rays, shape.levels)

    def grid(self, image: Tensor) -> Grid:
        """Return the cells for a prepared image."""
        height, width = image.shape[-2:]
        return grid_of((height, width), self.shape.strides, device=image.device)

    def forward(self, image: Tensor) -> Maps:
        """Return the maps of a prepared image."""
        features = self.backbone(image)
        maps: Maps = self.head(self.neck([features[name] for name in _TAKEN]))
        return maps


def prepared(image: Tensor, style: Style, divisor: int = 32) -> Tensor:
    """Return what a network takes: normalised, then padded with zeros right and below.

    Args:
        image: (B, 3, H, W) RGB of 0 to 255.
        style: of the network's backbone.
        divisor: of the sides of the result.
    """
    if style == "caffe":
        image = image.flip(1) - constant(BGR_MEAN, image.device)[:, None, None]
    else:
        image = normalised(image)
    return pad(image, (0, -image.shape[-1] % divisor, 0, -image.shape[-2] % divisor))


def published(shape: Shape) -> Format:
    """Return how the published checkpoints of a shape name their tensors."""
    ours: dict[str, str | None] = {
        "backbone.conv1.": "backbone.stem.0.",
        "backbone.bn1.": "backbone.stem.1.",
    }
    ours |= {f"backbone.layer{n + 1}.": f"backbone.stages.{n}." for n in range(len(LEVELS))}
    for n in range(shape.levels):
        place = f"outputs.{n}." if n < len(_TAKEN) else f"further.{n - len(_TAKEN)}."
        ours[f"neck.fpn_convs.{n}.conv."] = f"neck.{place}"
        ours[f"bbox_head.scales_bbox.{n}.scale"] = f"head.box_scales.{n}"
        ours[f"bbox_head.scales_mask.{n}.scale"] = f"head.ray_scales.{n}"
    for n in range(len(_TAKEN)):
        ours[f"neck.lateral_convs.{n}.conv."] = f"neck.laterals.{n}."
    for theirs, name in (("cls", "class"), ("reg", "box"), ("mask", "ray")):
        for n in range(shape.depth):
            tower = f"bbox_head.{theirs}_convs.{n}."
            ours[f"{tower}conv."] = f"head.{name}_tower.{3 * n}."
            ours[f"{tower}gn."] = f"head.{name}_tower.{3 * n + 1}."
    parts = (("cls", "classes"), ("centerness", "centerness"), ("reg", "box"), ("mask", "rays"))
    ours |= {f"bbox_head.polar_{theirs}.": f"head.{name}." for theirs, name in parts}
    return Format("PolarMask", ours)
