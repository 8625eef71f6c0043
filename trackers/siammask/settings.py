"""Settings of SiamMask."""

from dataclasses import dataclass, fields

from vostool_trackers.siamese.inference.ranking import BoxRules
from vostool_trackers.siammask.network import Shape


@dataclass(frozen=True)
class Config(Shape, BoxRules):
    """Settings of SiamMask, beside those of its network's shape and of how boxes are followed.

    Args:
        threshold: probability above which a pixel is the object's.
        pretrained: training starts from ImageNet weights: torchvision's, or of `lite0` the extra's.
    """

    threshold: float = 0.35
    pretrained: bool = False

    @property
    def shape(self) -> Shape:
        """What decides the tensors."""
        return Shape(*(getattr(self, field.name) for field in fields(Shape)))
