"""The region proposal network of SiamRPN: for every anchor, is it the object, and how far off."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.model.correlation import DepthCorr

# Width and height in pixels of the search crop: 64 x 64 at the ratios 0.33, 0.5, 1, 2 and 3, cut
# off to multiples of 8 as in the published code (Ren et al., "Faster R-CNN", NeurIPS 2015).
SIZES = ((104.0, 32.0), (88.0, 40.0), (64.0, 64.0), (40.0, 80.0), (32.0, 96.0))
ANCHORS = len(SIZES)
_LARGEST = 4.135  # logarithm of the largest change of size, 1000 / 16 as in Faster R-CNN


class Proposals(NamedTuple):
    """What is said about every anchor.

    Args:
        logits: (B, 2, 5, h, w) of background and object.
        deltas: (B, 4, 5, h, w), see `rpn.decode`.
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


def decode(deltas: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Return boxes of anchors that are moved and scaled.

    Args:
        deltas: (B, 4, 5, h, w) shift of the centre over the anchor's size, logarithm of the size.
        cells: (h, w, 2) x and y of the anchors' centres.

    Returns:
        Centres and sizes, each (B, 5, h, w, 2), in the unit and from the origin of the cells.
    """
    sizes = anchor_sizes(deltas.device)[:, None, None]
    moved = deltas.permute(0, 2, 3, 4, 1)
    return cells + moved[..., :2] * sizes, moved[..., 2:].clamp(max=_LARGEST).exp() * sizes


def encode(centres: Tensor, sizes: Tensor, cells: Tensor) -> Tensor:
    """Return the (B, 4, 5, h, w) changes of all anchors that give (B, 2) centres and sizes."""
    anchors = anchor_sizes(cells.device)[:, None, None]
    shift = (centres[:, None, None, None] - cells) / anchors
    scale = (sizes[:, None, None, None] / anchors).log().expand_as(shift)
    return torch.cat((shift, scale), dim=-1).permute(0, 4, 1, 2, 3)


def overlaps(centres: Tensor, sizes: Tensor, cells: Tensor) -> Tensor:
    """Return the (B, 5, h, w) intersection over union of (B, 2) boxes with all anchors."""
    anchors = anchor_sizes(cells.device)[:, None, None]
    own = centres[:, None, None, None], sizes[:, None, None, None]
    return box_overlap(*own, cells, anchors)


def box_overlap(centre: Tensor, size: Tensor, other: Tensor, other_size: Tensor) -> Tensor:
    """Return the intersection over union of boxes, (..., 2) centres and sizes that broadcast."""
    high = torch.minimum(centre + size / 2, other + other_size / 2)
    low = torch.maximum(centre - size / 2, other - other_size / 2)
    common = (high - low).clamp(min=0).prod(dim=-1)
    return common / (size.prod(dim=-1) + other_size.prod(dim=-1) - common).clamp(min=1e-6)


def anchor_sizes(device: torch.device) -> Tensor:
    """Return the (5, 2) width and height of the anchors, pixels of the search crop."""
    return constant(tuple(side for size in SIZES for side in size), device).reshape(ANCHORS, 2)
