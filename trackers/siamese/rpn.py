"""The region proposal network of SiamRPN: for every anchor, is it the object, and how far off."""

from typing import NamedTuple

from torch import Tensor, nn

from .anchors import ANCHORS
from .depth_corr import DepthCorr


class Proposals(NamedTuple):
    """What is said about every anchor.

    Args:
        logits: (B, 2, 5, h, w) of background and object.
        deltas: (B, 4, 5, h, w), see `anchors.decode`.
    """

    logits: Tensor
    deltas: Tensor

    @property
    def score(self) -> Tensor:
        """(B, 5, h, w) probability that an anchor is the object's."""
        return (self.logits[:, 1] - self.logits[:, 0]).sigmoid()


class Rpn(nn.Module):
    """Two correlations, one for the score and one for the box.

    Args:
        channels: of features and correlation.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cls = DepthCorr(channels, channels, 2 * ANCHORS)
        self.loc = DepthCorr(channels, channels, 4 * ANCHORS)

    def kernels(self, template: Tensor) -> list[Tensor]:
        """Return the kernels of (B, C, h, w) features of templates."""
        return [self.cls.kernel(template), self.loc.kernel(template)]

    def forward(self, kernels: list[Tensor], search: Tensor) -> Proposals:
        """Return what (B, C, H, W) features of search crops say."""
        score = self.cls(kernels[0], search).float()
        deltas = self.loc(kernels[1], search).float()
        return Proposals(score.unflatten(1, (2, ANCHORS)), deltas.unflatten(1, (4, ANCHORS)))
