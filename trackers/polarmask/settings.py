"""Settings of PolarMask as a tracker."""

from dataclasses import dataclass

from vostool.errors import ConfigError
from vostool_trackers.polarmask.shape import Shape


@dataclass(frozen=True)
class Config(Shape):
    """Settings of PolarMask, beside those of its network's shape.

    Args:
        width: of the frame as the network sees it, pixels; for `keep_ratio` the most of the longer
            side.
        height: likewise; for `keep_ratio` the most of the shorter side.
        keep_ratio: the frame keeps its aspect; else it is resized to just this size.
        divisor: the resized frame is padded to sides that this divides, right and below.
        pretrained: training starts from torchvision's ImageNet weights.
        before_nms: so many cells of each level are looked at, the best.
        score_above: of a class, in [0, 1], for a cell to be an instance.
        nms: boxes that overlap a better one more than that are left out.
        most: instances of a frame.
        overlap_above: least overlap (0 to 1) of an object with itself on the frame before. With
            less it is lost: not drawn, and looked for where it was.
        drift: while an object is lost it may have moved on each frame by so much of its size.

    Raises:
        ConfigError: settings contradict each other.
    """

    width: int = 448
    height: int = 256
    keep_ratio: bool = False
    divisor: int = 32
    pretrained: bool = False
    before_nms: int = 1000
    score_above: float = 0.05
    nms: float = 0.5
    most: int = 100
    overlap_above: float = 0.1
    drift: float = 0.2

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except ValueError as error:
            raise ConfigError(f"These settings do not fit together: {error}.") from error
        if self.style == "caffe" and self.pretrained:
            raise ConfigError(
                "torchvision's ImageNet weights are of style 'pytorch'. Train with -o "
                "style=pytorch, or with -o pretrained=false -o train.freeze=[]."
            )
        if min(self.width, self.height) < 64 or min(self.before_nms, self.most) < 1:
            raise ConfigError(
                "width and height must be at least 64, before_nms and most at least 1."
            )
        if self.divisor < 1 or self.divisor % 32:
            raise ConfigError(f"divisor is {self.divisor}, not a multiple of 32.")

    @property
    def shape(self) -> Shape:
        """What decides the tensors."""
        return Shape.of(self)

    def seen_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (H, W) to which a frame of (H, W) is resized."""
        if not self.keep_ratio:
            return self.height, self.width
        long, short = max(self.width, self.height), min(self.width, self.height)
        scale = min(long / max(size), short / min(size))
        return int(size[0] * scale + 0.5), int(size[1] * scale + 0.5)
