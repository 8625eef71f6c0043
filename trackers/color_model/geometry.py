"""Boxes, crops and the way back."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vostool.types import Box, Mask

Map = NDArray[np.float32]  # (h, w) or (h, w, channels)


class Region(NamedTuple):
    """Part of a frame in whole pixels; `right` and `bottom` are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px."""
        return self.right - self.left, self.bottom - self.top

    @property
    def window(self) -> tuple[slice, slice]:
        """Index of the region in an (H, W) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def box_of(mask: Mask) -> Box | None:
    """Return the tight box of a mask, or None if it is empty."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x, y = float(cols[0]), float(rows[0])
    return Box(x, y, float(cols[-1]) - x + 1, float(rows[-1]) - y + 1)


def centre(box: Box) -> tuple[float, float]:
    """Return the centre of a box as x, y."""
    return box.x + box.w / 2, box.y + box.h / 2


def region_around(box: Box, margin: float, size: tuple[int, int]) -> Region:
    """Return the box and a margin, cut to a frame of `size` (H, W); never empty.

    Args:
        box: its centre lies in the frame or on its edge.
        margin: in px.
    """
    rows, cols = size
    left = min(max(0, int(box.x - margin)), cols - 1)
    top = min(max(0, int(box.y - margin)), rows - 1)
    right = max(left + 1, min(cols, int(np.ceil(box.x + box.w + margin))))
    bottom = max(top + 1, min(rows, int(np.ceil(box.y + box.h + margin))))
    return Region(left, top, right, bottom)


def working_size(region: Region, side: int) -> tuple[int, int]:
    """Return width and height of a region shrunk to `side` px, never enlarged."""
    w, h = region.size
    scale = min(1.0, side / max(w, h))
    return max(2, round(w * scale)), max(2, round(h * scale))


def cut(
    image: NDArray[np.uint8] | Map, x: float, y: float, w: float, h: float, size: tuple[int, int]
) -> NDArray[np.generic]:
    """Cut the box x, y, w, h out of an image, its border repeated, and bring it to `size`.

    Args:
        image: (H, W) or (H, W, channels), uint8 or float32.
        size: width and height of the result in px.
    """
    cols, rows = max(1, round(w)), max(1, round(h))
    inside = 0 <= x <= image.shape[1] - cols and 0 <= y <= image.shape[0] - rows
    if inside and x == int(x) and y == int(y):  # the same without the work
        patch: NDArray[Any] = image[int(y) : int(y) + rows, int(x) : int(x) + cols]
    else:
        patch = cv2.warpAffine(
            image,
            np.array([[1, 0, x], [0, 1, y]], np.float64),
            (cols, rows),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA))


def to_lab(rgb: NDArray[np.generic]) -> Map:
    """Return (h, w, 3) float32 CIE L*a*b* in [0, 1); a* and b* stretched, as they vary less."""
    lab = cv2.cvtColor(rgb.astype(np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 0] /= 256.0
    lab[..., 1:] = (lab[..., 1:] - 128.0) / 160.0 + 0.5
    return np.clip(lab, 0.0, 0.999)
