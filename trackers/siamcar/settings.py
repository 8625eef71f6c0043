"""Settings of SiamCAR: its network's shape and how its maps are ranked."""

from dataclasses import dataclass, fields
from typing import Literal

from vostool_trackers.siamcar.network import Shape


@dataclass(frozen=True)
class Config(Shape):
    """Settings of SiamCAR, beside those of its network's shape.

    Args:
        pretrained: training starts from torchvision's ImageNet weights.
        penalty: how strongly changes of size and shape are held against a cell, at least 0.
        window: share of the cosine window in the ranking, in [0, 1].
        rate: how fast the size follows what is seen, in [0, 1].
        aligned: the enlarged maps' first and last pixel lie on the first and the last cell. Without
            it they are enlarged as by the published program, which understates movements by 3.5 %.
        lost_below: an object whose score (0 to 1) is lower is not drawn, and waits where it is.
        mask: what is drawn: the `box`, or the pixels in it whose `colour` speaks for the object.
    """

    pretrained: bool = False
    penalty: float = 0.06
    window: float = 0.3
    rate: float = 0.7
    aligned: bool = True
    lost_below: float = 0.05
    mask: Literal["box", "colour"] = "box"

    def __post_init__(self) -> None:
        Shape.__post_init__(self)
        for name in ("window", "rate", "lost_below"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, not from 0 to 1")
        if self.penalty < 0:
            raise ValueError(f"penalty is {self.penalty}, below 0")

    @property
    def shape(self) -> Shape:
        """What decides the tensors of the network."""
        return Shape(*(getattr(self, field.name) for field in fields(Shape)))
