"""Regions of interest: boxes made larger, and what a map says inside them.

Boxes are (x1, y1, x2, y2) in pixels of the search crop, of which the first one's centre is 0 and
which so reaches from -0.5 to 254.5.
"""

import torch
from torch import Tensor
from torchvision.ops import roi_align

from vostool_trackers.siamese.inference.crops import SEARCH

_LOW, _HIGH = -0.5, SEARCH - 0.5  # borders of the crop


def rois_of(centres: Tensor, sizes: Tensor, enlarge: float) -> Tensor:
    """Return boxes with more around them, cut off at the borders of the crop.

    Args:
        centres: (..., 2) x and y, pixels of the crop.
        sizes: (..., 2) width and height.
        enlarge: fraction of its width, or height, by which a box grows on every side.

    Returns:
        (..., 4), at least a pixel wide and high: also those of boxes outside of the crop, and of
        boxes that are no numbers, for which the whole crop is taken.
    """
    half = sizes * (0.5 + enlarge)
    low = (centres - half).nan_to_num(_LOW).clamp(_LOW, _HIGH - 1)
    high = (centres + half).nan_to_num(_HIGH).clamp(_LOW, _HIGH)
    return torch.cat((low, torch.maximum(high, low + 1)), dim=-1)


def pooled(
    maps: Tensor, batch: Tensor, rois: Tensor, side: int, grid: tuple[int, int], samples: int = 1
) -> Tensor:
    """Interpolate maps in regions (He et al., "Mask R-CNN", ICCV 2017, section 3, RoIAlign).

    Args:
        maps: (B, C, H, W).
        batch: (M,) int64, which map.
        rois: (M, 4).
        side: bins of a side; the value of a bin is that of its middle.
        grid: stride and offset: value i of a map is on pixel stride i + offset of the crop.
        samples: of a side of a bin, evenly spread, whose mean is taken; one is enough where bins
            are not larger than the stride.

    Returns:
        (M, C, side, side), of the type of the maps.
    """
    stride, offset = grid
    # RoIAlign's value i reaches from stride i to stride (i + 1): its middle is half a stride on.
    moved = rois + (stride / 2 - offset)
    numbered = torch.cat((batch[:, None].to(moved), moved), dim=1)
    values: Tensor = roi_align(
        maps.float(), numbered, side, 1 / stride, sampling_ratio=samples, aligned=True
    )
    return values.to(maps.dtype)
