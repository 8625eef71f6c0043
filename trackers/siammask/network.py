"""The network of SiamMask: boxes of anchors, and a mask for any cell of the response map.

Wang et al., "Fast Online Object Tracking and Segmentation: A Unifying Approach", CVPR 2019. The
form `base` tells a mask of 63 x 63 from the correlation at a cell alone, `sharp` refines it with
the features around it, and `box` has no masks.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from vostool_trackers.siamese.inference.crops import TEMPLATE
from vostool_trackers.siamese.model.correlation import DepthCorr
from vostool_trackers.siamese.model.rpn import Proposals, Rpn
from vostool_trackers.siamese.model.trunk import Levels, Trunk, TrunkDepth
from vostool_trackers.siammask.refine import Refine

COARSE = 63  # side of a mask of `base`, over the same 127 pixels of the crop
Variant = Literal["base", "sharp", "box"]


@dataclass(frozen=True)
class Shape:
    """What decides the tensors of the network; the defaults are those of the published weights.

    Args:
        variant: whose masks.
        backbone: see `trunk.Trunk`.
        channels: of features and correlations.
    """

    variant: Variant = "sharp"
    backbone: TrunkDepth = "atrous50"
    channels: int = 256


@dataclass
class Found:
    """What the network says about search crops.

    Args:
        proposals: boxes.
        levels: features, for the refinement.
        joint: (B, C, 25, 25) correlation of the mask branch, None without masks.
    """

    proposals: Proposals
    levels: Levels
    joint: Tensor | None


class SiamMask(nn.Module):
    """Siamese network with a region proposal network and a mask branch."""

    def __init__(self, shape: Shape, *, pretrained: bool = False) -> None:
        super().__init__()
        self.trunk = Trunk(shape.backbone, shape.channels, pretrained=pretrained)
        self.rpn = Rpn(shape.channels)
        masks = shape.variant != "box"
        self.mask = DepthCorr(shape.channels, shape.channels, COARSE**2) if masks else None
        sharp = shape.variant == "sharp"
        self.refine = Refine(shape.channels, self.trunk.grids) if sharp else None
        self.side = TEMPLATE if sharp else COARSE

    def kernels(self, template: Tensor) -> list[Tensor]:
        """Return the kernels of score, box and mask of (B, 3, 127, 127) prepared templates."""
        features = self.trunk.template(template)
        kernels = self.rpn.kernels(features)
        return kernels if self.mask is None else [*kernels, self.mask.kernel(features)]

    def search(self, kernels: list[Tensor], search: Tensor) -> Found:
        """Return what (B, 3, 255, 255) prepared search crops show, given the objects' kernels."""
        levels = self.trunk(search)
        joint = None if self.mask is None else self.mask.joint(kernels[2], levels.deep)
        return Found(self.rpn(kernels[:2], levels.deep), levels, joint)

    def masks(self, joint: Tensor, levels: Levels, batch: Tensor, cells: Tensor) -> Tensor:
        """Return the masks of chosen cells, and of no others.

        Args:
            joint: (B, C, 25, 25) correlation of the mask branch.
            levels: features of the B search crops.
            batch: (M,) int64, which crop.
            cells: (M, 2) int64 row and column.

        Returns:
            (M, side, side) float32 logits, over the 127 x 127 pixels of the crop around the cell.
        """
        assert self.mask is not None
        vectors = joint[batch, :, cells[:, 0], cells[:, 1]][:, :, None, None]
        if self.refine is not None:
            fine: Tensor = self.refine(levels.fine, vectors, batch, cells)
            return fine.float()
        coarse: Tensor = self.mask.head(vectors)
        return coarse.reshape(-1, COARSE, COARSE).float()

    def forward(
        self, template: Tensor, search: Tensor, batch: Tensor, cells: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return logits and deltas of pairs of crops, RGB of 0 to 255, and masks of some cells."""
        kernels = self.kernels(self.trunk.prepared(template))
        found = self.search(kernels, self.trunk.prepared(search))
        masks = None
        if found.joint is not None:
            masks = self.masks(found.joint, found.levels, batch, cells)
        return found.proposals.logits, found.proposals.deltas, masks
