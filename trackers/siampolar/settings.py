"""Settings of SiamPolarMask: one configuration for its three variants."""

from dataclasses import dataclass, fields
from typing import Literal

from vostool.errors import ConfigError
from vostool_trackers.siamese.model.pyramid import Level
from vostool_trackers.siamese.polar import CenternessTarget
from vostool_trackers.siampolar.network import Shape
from vostool_trackers.siampolar.voting import MOST_VOTES
from vostool_trackers.siampolar.whole_frame.shape import FrameShape


@dataclass(frozen=True)
class Config(Shape):
    """Settings of SiamPolarMask, beside those of its network's shape.

    Args:
        variant: `car` searches a crop around the object (the SiamCAR-based form), `sym` and `asym`
            the whole frame.
        pretrained: training starts from ImageNet weights: torchvision's, or of `lite0` the extra's.
        penalty: of `car`, how strongly changes of size and shape are held against a cell.
        window: of `car`, share of the cosine window in the ranking, in [0, 1].
        smoothing: of `car`, how fast size follows what is seen, in [0, 1].
        centerness: cells are also ranked by how central they are.
        memory_rate: how fast a guided network's colors follow what is seen, in [0, 1].
        looks: how often a guided network looks at the first frame to find the contour in the box.
        votes: of `car`, how many cells around the best one say together where the contour is.
        lost_below: an object whose score (0 to 1) is lower is not drawn, and waits where it is.
        template_backbone, width, height, correlate, neck, finest, extra, levels, reach,
            centerness_target: of `sym` and `asym`, see `whole_frame.shape.FrameShape`.

    Raises:
        ConfigError: settings of `sym` or `asym` contradict each other.
    """

    variant: Literal["car", "sym", "asym"] = "car"
    pretrained: bool = False
    penalty: float = 0.5
    window: float = 0.3
    smoothing: float = 0.5
    centerness: bool = True
    memory_rate: float = 0.2
    looks: int = 1
    votes: int = 8
    lost_below: float = 0.05

    template_backbone: Literal["resnet18", "resnet34", "resnet50", "resnet101"] = "resnet50"
    width: int = 1280
    height: int = 768
    correlate: tuple[Level, ...] = ("C5",)
    neck: Literal["fpn", "semi", "single"] = "fpn"
    finest: Literal["C2", "C3"] = "C3"
    extra: Literal["conv", "pool"] = "conv"
    levels: int = 5
    reach: float = 8.0
    centerness_target: CenternessTarget = "extremes"

    def __post_init__(self) -> None:
        if not 1 <= self.votes <= MOST_VOTES or self.looks < 1:
            raise ConfigError(f"votes must be 1 to {MOST_VOTES}, and looks at least 1.")
        if self.variant == "car":
            return
        try:
            FrameShape.of(self)
        except ValueError as error:
            raise ConfigError(f"These settings do not fit together: {error}.") from error

    @property
    def shape(self) -> Shape:
        """What decides the tensors of `car`."""
        return Shape(*(getattr(self, field.name) for field in fields(Shape)))

    @property
    def frame_shape(self) -> FrameShape:
        """What decides the tensors of `sym` and `asym`."""
        return FrameShape.of(self)
