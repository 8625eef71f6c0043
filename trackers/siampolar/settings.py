"""Settings of SiamPolarMask."""

from dataclasses import dataclass, fields

from .network import Shape


@dataclass(frozen=True)
class Config(Shape):
    """Settings of SiamPolarMask, beside those of its network's shape.

    Args:
        pretrained: training starts from torchvision's ImageNet weights.
        penalty: how strongly changes of size and shape are held against a cell.
        window: share of the cosine window in the ranking, in [0, 1].
        smoothing: how fast size follows what is seen, in [0, 1].
        centerness: cells are also ranked by how central they are.
        memory_rate: how fast a guided network's colours follow what is seen, in [0, 1].
        lost_below: an object whose score (0 to 1) is lower is not drawn, and waits where it is.
    """

    pretrained: bool = False
    penalty: float = 0.1
    window: float = 0.3
    smoothing: float = 0.4
    centerness: bool = True
    memory_rate: float = 0.2
    lost_below: float = 0.05

    @property
    def shape(self) -> Shape:
        """What decides the tensors."""
        return Shape(*(getattr(self, field.name) for field in fields(Shape)))
