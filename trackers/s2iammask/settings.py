"""Settings of S2iamMask."""

from dataclasses import dataclass, fields

from vostool_trackers.s2iammask.network import Shape
from vostool_trackers.siamese.inference.crops import RESPONSE
from vostool_trackers.siamese.inference.ranking import BoxRules
from vostool_trackers.siamese.model.rpn import ANCHORS


@dataclass(frozen=True)
class Config(Shape, BoxRules):
    """Settings of S2iamMask, beside those of its network's shape and of how boxes are followed.

    The defaults of those below are the numbers of the original's `tools/test.py`.

    Args:
        candidates: best boxes whose masks vote on the pixels.
        votes: masks that must be exceeded in number for a pixel to be the object's.
        threshold: probability above which a mask votes for a pixel.
        overlap: share of the overlap with the last output in the ranking of boxes, in [0, 1].
        enlarge: fraction of its size by which a box grows on every side before its mask is taken.
        area: pixels of the frame above which the mask, and not the box, tells place and size.
        pretrained: training starts from ImageNet weights: torchvision's, or of `lite0` the extra's.
    """

    candidates: int = 10
    votes: int = 5
    threshold: float = 0.2
    overlap: float = 0.7
    enlarge: float = 0.4
    area: float = 1600.0
    pretrained: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        boxes = ANCHORS * RESPONSE**2
        if not 1 <= self.candidates <= boxes:
            raise ValueError(f"candidates is {self.candidates}; it must be 1 to {boxes}")
        if not 0 <= self.votes < self.candidates:
            raise ValueError(f"votes is {self.votes}; it must be 0 to candidates - 1")
        if not 0 <= self.overlap <= 1:
            raise ValueError(f"overlap is {self.overlap}, not from 0 to 1")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}, not from 0 to below 1")
        if self.enlarge < 0 or self.area < 0:
            raise ValueError("enlarge and area must not be below 0")

    @property
    def shape(self) -> Shape:
        """What decides the tensors."""
        return Shape(*(getattr(self, field.name) for field in fields(Shape)))
