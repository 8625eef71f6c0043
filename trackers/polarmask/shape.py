"""What decides the tensors of PolarMask."""

from dataclasses import dataclass, fields
from typing import Literal, Self

from vostool_trackers.siamese.model.pyramid import STRIDES, PyramidDepth

Style = Literal["caffe", "pytorch"]
FINEST = STRIDES["C3"]
_INPUTS = 3  # features of the backbone that the neck takes: C3 to C5


@dataclass(frozen=True)
class Shape:
    """Settings that decide the network; the defaults are those of `small.toml`.

    Args:
        backbone: which ResNet.
        style: of the backbone and of the image that it gets. `caffe`: bottlenecks halve the
            resolution in their first convolution, BGR minus a mean; `pytorch`: in the second one,
            normalised RGB.
        classes: of instances.
        levels: of the neck, from stride 8 on.
        channels: of neck and head.
        depth: convolutions of each tower of the head.
        rays: number of rays, a multiple of four.
    """

    backbone: PyramidDepth = "resnet18"
    style: Style = "pytorch"
    classes: int = 1
    levels: int = 5
    channels: int = 64
    depth: int = 2
    rays: int = 36

    @classmethod
    def of(cls, config: object) -> Self:
        """Return the shape that a configuration with the same names describes.

        Raises:
            ValueError: its settings contradict each other.
        """
        return cls(**{field.name: getattr(config, field.name) for field in fields(cls)})

    def __post_init__(self) -> None:
        if self.style == "caffe" and self.backbone not in ("resnet50", "resnet101"):
            raise ValueError(f"style 'caffe' is for resnet50 and resnet101, not {self.backbone}")
        if self.levels < _INPUTS or self.classes < 1 or self.depth < 1:
            raise ValueError("levels must be at least 3, classes and depth at least 1")
        if self.channels < 8 or self.channels % 8:
            raise ValueError(f"channels is {self.channels}, not a multiple of 8")
        if self.rays < 4 or self.rays % 4:
            raise ValueError(f"rays is {self.rays}, not a multiple of 4")

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the levels, finest first."""
        return tuple(FINEST << number for number in range(self.levels))
