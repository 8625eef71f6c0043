"""The refinement of `sharp`: from the correlation at a cell up to 127 x 127, with finer features.

Pinheiro et al., "Learning to Refine Object Segments", ECCV 2016; layers as in the published
weights of SiamMask.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vostool_trackers.siamese.inference.crops import OFFSET, TEMPLATE
from vostool_trackers.siamese.model.backbone import STRIDE
from vostool_trackers.siamese.model.trunk import Grid
from vostool_trackers.siammask.windows import windows

_SIDES = {8: 15, 4: 31, 2: 61}  # stride -> features of a side that a window shows
_WIDTHS = (32, 16, 4)  # channels, from coarse to fine
_LATER = (16, 4, 1)  # of what comes behind each


class Refine(nn.Module):
    """Three steps up, each adding the features of one grid around the cell, if there is one.

    Args:
        channels: of the correlation.
        grids: of the features, from fine to coarse, at strides 8, 4 and perhaps 2.
    """

    def __init__(self, channels: int, grids: Sequence[Grid]) -> None:
        super().__init__()
        self._grids = tuple(grids)
        strides = {grid.stride: grid for grid in grids}
        self.deconv = nn.ConvTranspose2d(channels, _WIDTHS[0], 15, 15)
        for level, (stride, width) in enumerate(zip(_SIDES, _WIDTHS, strict=True)):
            number = len(_WIDTHS) - 1 - level
            grid = strides.get(stride)
            beside = _twice(grid.channels, grid.channels // 4, width) if grid else None
            setattr(self, f"v{number}", beside)
            setattr(self, f"h{number}", _twice(width, width, width))
            setattr(self, f"post{level}", nn.Conv2d(width, _LATER[level], 3, padding=1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)

    def forward(
        self, fine: Sequence[Tensor], vectors: Tensor, batch: Tensor, cells: Tensor
    ) -> Tensor:
        """Return (M, 127, 127) logits.

        Args:
            fine: features of B crops, on the grids.
            vectors: (M, C, 1, 1) of the correlation.
            batch: (M,) int64, which crop.
            cells: (M, 2) int64 row and column.
        """
        x: Tensor = self.deconv(vectors)
        around = {
            grid.stride: windows(features, batch, starts(cells, grid), _SIDES[grid.stride])
            for features, grid in zip(fine, self._grids, strict=True)
        }
        sides = (*list(_SIDES.values())[1:], TEMPLATE)
        for level, (stride, side) in enumerate(zip(_SIDES, sides, strict=True)):
            number = len(_WIDTHS) - 1 - level
            x = getattr(self, f"h{number}")(x)
            if stride in around:
                x = x + getattr(self, f"v{number}")(around[stride])
            x = getattr(self, f"post{level}")(F.interpolate(x, size=(side, side)))
        return x[:, 0]


def starts(cells: Tensor, grid: Grid) -> Tensor:
    """Return where windows begin whose middles lie on the cells' centres, or next to them.

    Args:
        cells: (M, 2) int64 row and column.
        grid: of the features.

    Returns:
        (M, 2) int64 row and column of the first feature, maybe outside.
    """
    middle = (STRIDE * cells + OFFSET - grid.offset) / grid.stride
    return torch.floor(middle - (_SIDES[grid.stride] - 1) / 2 + 0.5).long()


def _twice(channels: int, between: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, between, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(between, out, 3, padding=1),
        nn.ReLU(inplace=True),
    )
