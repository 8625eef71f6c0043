"""What decides the tensors of a whole-frame network."""

from dataclasses import dataclass, fields
from typing import Literal, Self, get_args

import torch

from vostool_trackers.siamese.inference.crops import TEMPLATE
from vostool_trackers.siamese.model.pyramid import (
    LEVELS,
    STRIDES,
    Grid,
    Level,
    PyramidDepth,
    channels_of,
    grid_of,
    kernel_side,
)
from vostool_trackers.siamese.polar import CenternessTarget


@dataclass(frozen=True)
class FrameShape:
    """Settings of the whole-frame networks; the defaults are those of `sym_r50.toml`.

    Args:
        variant: `sym`, one backbone for both and the match map joined to C5 (SiamPolarMask), or
            `asym`, two backbones and the match map as attention (SiamPolar).
        backbone: which ResNet sees the frame, and for `sym` the template too.
        template_backbone: which ResNet sees the template of `asym`.
        width: of the frame as the network sees it, pixels, a multiple of 32.
        height: likewise.
        correlate: which features are correlated with the template's; `sym` correlates C5 alone.
        neck: `fpn`, `semi` (an FPN without its 3 x 3 convolutions) or `single` (C5 alone).
        finest: the finest features that `fpn` and `semi` take.
        extra: how levels coarser than C5 are made: by convolutions, or by pooling.
        levels: number of levels of the neck.
        reach: strides of its level from the cell to the farthest side of an object's box at which
            the object passes to the next, coarser level.
        rays: number of rays.
        channels: of neck and head.
        depth: convolutions of each tower of the head.
        centerness_target: see `polar_targets.centerness_of`.
    """

    variant: Literal["sym", "asym"] = "sym"
    backbone: PyramidDepth = "resnet50"
    template_backbone: PyramidDepth = "resnet50"
    width: int = 1280
    height: int = 768
    correlate: tuple[Level, ...] = ("C5",)
    neck: Literal["fpn", "semi", "single"] = "fpn"
    finest: Literal["C2", "C3"] = "C3"
    extra: Literal["conv", "pool"] = "conv"
    levels: int = 5
    reach: float = 8.0
    rays: int = 36
    channels: int = 256
    depth: int = 4
    centerness_target: CenternessTarget = "extremes"

    @classmethod
    def of(cls, config: object) -> Self:
        """Return the shape that a configuration with the same names describes.

        Raises:
            ValueError: its settings contradict each other.
        """
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})

    def __post_init__(self) -> None:
        for depth in (self.backbone, self.template_backbone):
            if depth not in get_args(PyramidDepth):
                raise ValueError(f"{depth} has no pyramid; take one of {get_args(PyramidDepth)}")
        # A match map of one position would be the same whatever it says.
        coarsest = (kernel_side("C5", TEMPLATE) + 1) * STRIDES["C5"]
        for name, value in (("width", self.width), ("height", self.height)):
            if value % 32 or value < coarsest:
                raise ValueError(f"{name} is {value}, not a multiple of 32 from {coarsest} on")
        taken = self.neck_levels
        if self.neck == "single" and self.levels != 1:
            raise ValueError(f"levels is {self.levels}, but neck 'single' has one level")
        if self.levels < len(taken):
            raise ValueError(f"levels is {self.levels}, less than the neck's {len(taken)}")
        unused = [level for level in self.correlate if level not in taken]
        if unused or not self.correlate:
            raise ValueError(
                f"correlate is {list(self.correlate)}; the neck takes {', '.join(taken)}, so what "
                "else is correlated would change nothing, and something must be"
            )
        if self.variant == "sym" and self.correlate != ("C5",):
            raise ValueError("correlate is for variant 'asym'; 'sym' correlates C5")
        if self.variant == "asym" and channels_of(self.backbone) != channels_of(
            self.template_backbone
        ):
            raise ValueError(
                f"{self.backbone} and {self.template_backbone} have features of different size, so "
                "they cannot be correlated"
            )
        if self.channels < 8 or self.channels % 8:
            raise ValueError(f"channels is {self.channels}, not a multiple of 8")
        if self.rays < 3 or self.depth < 1 or self.reach <= 0:
            raise ValueError("rays must be at least 3, depth at least 1, and reach above 0")

    @property
    def size(self) -> tuple[int, int]:
        """The (H, W) of the network's input."""
        return self.height, self.width

    @property
    def neck_levels(self) -> tuple[Level, ...]:
        """What the neck takes, finest first."""
        return ("C5",) if self.neck == "single" else LEVELS[LEVELS.index(self.finest) :]

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the neck's levels, finest first."""
        finest = STRIDES[self.neck_levels[0]]
        return tuple(finest << number for number in range(self.levels))

    def grid(self, device: torch.device | str = "cpu") -> Grid:
        """Return the cells of all levels."""
        return grid_of(self.size, self.strides, self.reach, device)
