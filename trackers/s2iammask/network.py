"""The network of S2iamMask: proposals as SiamMask, and masks of regions of two maps.

The first stage proposes boxes. The second pools the features of the search crop and their
correlation with the template inside a box, and says from both where the object's pixels are.
After the S2iamMask repository ("Fast Online Video Object Tracking via Co-segmentation Clues").
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vostool_trackers.s2iammask.fusion import Fusion
from vostool_trackers.s2iammask.rois import pooled
from vostool_trackers.siamese.inference.crops import OFFSET, RESPONSE
from vostool_trackers.siamese.model.backbone import STRIDE
from vostool_trackers.siamese.model.correlation import Correlated, DepthCorr
from vostool_trackers.siamese.model.rpn import Proposals, Rpn
from vostool_trackers.siamese.model.trunk import Trunk, TrunkDepth

COARSE = 63  # side of the masks of cells that the first stage learns, as SiamMask
PADDING = 3  # of the correlation, so that it covers the crop as the features do
# Where the correlation lies on the crop. The response to an object is on the cell with the object's
# centre: pixel 8 r + 31 without padding, with every backbone, so 8 r + 7 with it. That is the grid
# of the features of `atrous50`, cell for cell; those of torchvision's backbones are 32 x 32 on
# pixels 8 p, and each map is pooled from its own grid.
JOINT_GRID = (STRIDE, OFFSET - PADDING * STRIDE)


@dataclass(frozen=True)
class Shape:
    """What decides the tensors of the network.

    Args:
        stage: `proposals` is the first stage alone, which learns SiamMask's coarse masks and draws
            boxes; `masks` is the whole.
        backbone: see `trunk.Trunk`.
        channels: of features and correlations, a multiple of 16.
        side: of masks.
    """

    stage: Literal["proposals", "masks"] = "masks"
    backbone: TrunkDepth = "atrous50"
    channels: int = 256
    side: Literal[28, 56] = 28

    def __post_init__(self) -> None:
        if self.channels < 16 or self.channels % 16:
            raise ValueError(f"channels is {self.channels}, not a multiple of 16")


@dataclass
class Found:
    """What the network says about search crops.

    Args:
        proposals: boxes.
        deep: (B, C, 31 or 32, ...) features.
        joint: (B, C, 31, 31) correlation of the mask branch, on `JOINT_GRID`.
    """

    proposals: Proposals
    deep: Tensor
    joint: Tensor


class S2iamMask(nn.Module):
    """Siamese network with a region proposal network and a mask of any region."""

    def __init__(self, shape: Shape, *, pretrained: bool = False) -> None:
        super().__init__()
        channels, self.side = shape.channels, shape.side
        self.trunk = Trunk(shape.backbone, channels, pretrained=pretrained)
        self.grid = (STRIDE, self.trunk.grids[-1].offset)  # of the deep features too
        self.rpn = Rpn(channels)
        if shape.stage == "proposals":
            self.mask: Correlated = DepthCorr(channels, channels, COARSE**2)
            self.fusion = None
        else:
            self.mask = Correlated(channels, channels)
            self.fusion = Fusion(channels)

    def kernels(self, template: Tensor) -> list[Tensor]:
        """Return the kernels of score, box and mask of (B, 3, 127, 127) prepared templates."""
        features = self.trunk.template(template)
        return [*self.rpn.kernels(features), self.mask.kernel(features)]

    def search(self, kernels: list[Tensor], search: Tensor) -> Found:
        """Return what (B, 3, 255, 255) prepared search crops show, given the objects' kernels."""
        deep = self.trunk(search).deep
        joint = self.mask.joint(kernels[2], deep, PADDING)
        return Found(self.rpn(kernels[:2], deep), deep, joint)

    def masks(self, found: Found, batch: Tensor, rois: Tensor) -> Tensor:
        """Return the masks of regions.

        Args:
            found: of B search crops.
            batch: (M,) int64, which crop.
            rois: (M, 4), see `rois`.

        Returns:
            (M, side, side) float32 logits, evenly spread over the regions.
        """
        assert self.fusion is not None
        inside = [
            pooled(maps, batch, rois, self.side, grid)
            for maps, grid in ((found.deep, self.grid), (found.joint, JOINT_GRID))
        ]
        both = torch.cat(inside).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.fusion(both).float()
        one, other = logits.chunk(2)
        return one + other

    def coarse(self, found: Found, batch: Tensor, cells: Tensor) -> Tensor:
        """Return the masks of cells of the response map, as SiamMask's `base` has them.

        Args:
            found: of B search crops.
            batch: (M,) int64, which crop.
            cells: (M, 2) int64 row and column.

        Returns:
            (M, 63, 63) float32 logits, over the 127 x 127 pixels of the crop around the cell.
        """
        assert isinstance(self.mask, DepthCorr)
        rows, columns = (cells + PADDING).T
        vectors = found.joint[batch, :, rows, columns][:, :, None, None]
        masks: Tensor = self.mask.head(vectors)
        return masks.reshape(-1, COARSE, COARSE).float()

    def forward(
        self, template: Tensor, search: Tensor, batch: Tensor, rois: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return logits and deltas of pairs of crops, RGB of 0 to 255, and masks of regions."""
        found = self.pairs(template, search)
        masks = self.masks(found, batch, rois) if self.fusion is not None else None
        return found.proposals.logits, found.proposals.deltas, masks

    def pairs(self, template: Tensor, search: Tensor) -> Found:
        """Return what is found in pairs of crops, RGB of 0 to 255."""
        kernels = self.kernels(self.trunk.prepared(template))
        return self.search(kernels, self.trunk.prepared(search))


assert JOINT_GRID == (8, 7)
assert RESPONSE + 2 * PADDING == 31
