"""J and F of one object on one frame, computed on masks packed into Python integers.

A cut-out of a mask becomes one integer, a bit per pixel, its rows one after the other with a gap of
zeros between them. Neighbours are then shifts, sets are `&` and `|`, areas are `bit_count`, and
each of these takes microseconds for a whole object. The results equal `region.region_similarity`
and `boundary.contour_accuracy`, which state the definitions plainly, to the last bit.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from vostool.sequence import Mask


class Cut(NamedTuple):
    """Where a cut-out lies in its image, and how it is packed.

    Args:
        height: rows of the cut-out.
        width: columns of the cut-out.
        stride: bits from one row to the next, a multiple of 8 with room for a dilation.
        at_left: it starts at the left border of the image.
        at_right: it ends at the right border.
        at_bottom: it ends at the lower border.
    """

    height: int
    width: int
    stride: int
    at_left: bool
    at_right: bool
    at_bottom: bool


def pair_scores(prediction: Mask, truth: Mask, radius: int) -> tuple[float, float]:
    """Return J and F of an object.

    Args:
        prediction: (H, W) bool.
        truth: (H, W) bool.
        radius: largest distance of matching contour pixels, see `boundary.boundary_radius`.
    """
    either = prediction | truth
    rows = np.flatnonzero(either.any(axis=1))
    if not len(rows):
        return 1.0, 1.0
    columns = np.flatnonzero(either[rows[0] : rows[-1] + 1].any(axis=0))
    # One pixel around the object: contour pixels lie on it or just left of or above it.
    top, bottom = max(int(rows[0]) - 1, 0), min(int(rows[-1]) + 2, truth.shape[0])
    left, right = max(int(columns[0]) - 1, 0), min(int(columns[-1]) + 2, truth.shape[1])
    box = (slice(top, bottom), slice(left, right))
    width = right - left
    cut = Cut(
        height=bottom - top,
        width=width,
        stride=(width + radius + 8) // 8 * 8,
        at_left=left == 0,
        at_right=right == truth.shape[1],
        at_bottom=bottom == truth.shape[0],
    )
    ours, theirs = _packed(prediction[box], cut), _packed(truth[box], cut)
    region = (ours & theirs).bit_count() / (ours | theirs).bit_count()
    return region, _contour_accuracy(_contour(ours, cut), _contour(theirs, cut), radius, cut.stride)


def _packed(mask: Mask, cut: Cut) -> int:
    """Return a mask as an integer; the pixel (y, x) is the bit y * stride + x."""
    rows = np.zeros((cut.height, cut.stride // 8), np.uint8)
    bits = np.packbits(mask, axis=1, bitorder="little")
    rows[:, : bits.shape[1]] = bits
    return int.from_bytes(rows.tobytes(), "little")


def _contour(mask: int, cut: Cut) -> int:
    """Return the pixels that differ from their right, lower or lower right neighbour.

    Beyond the right and lower border of the image the border repeats itself.
    """
    stride = cut.stride
    if cut.at_right:
        mask |= (mask & (_first_column(cut.height, stride) << (cut.width - 1))) << 1
    if cut.at_bottom:
        mask |= mask >> (cut.height - 1) * stride << cut.height * stride
    contour = (mask ^ mask >> 1) | (mask ^ mask >> stride) | (mask ^ mask >> stride + 1)
    if cut.at_left or cut.at_right or cut.at_bottom:
        contour &= _inside(cut.height, cut.width, stride)
    return contour


def _contour_accuracy(ours: int, theirs: int, radius: int, stride: int) -> float:
    n_ours, n_theirs = ours.bit_count(), theirs.bit_count()
    if n_ours == 0 and n_theirs == 0:
        return 1.0
    if n_ours == 0 or n_theirs == 0:
        return 0.0
    precision = (ours & _dilated(theirs, radius, stride)).bit_count() / n_ours
    recall = (theirs & _dilated(ours, radius, stride)).bit_count() / n_theirs
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _dilated(pixels: int, radius: int, stride: int) -> int:
    """Return all pixels within `radius` of the given ones.

    The disk is a stack of row segments. Segments grow by doubling, and the stack is built from its
    outermost rows inwards, upwards and downwards at once. Rows above the first are shifted out;
    what runs over the gap between rows or below the last row lies outside the mask and meets no
    pixel of the other contour.
    """
    segments: dict[int, int] = {}
    run, length = pixels, 1
    half_widths = _half_widths(radius)
    for half in sorted(set(half_widths)):
        while length < 2 * half + 1:
            step = min(length, 2 * half + 1 - length)
            run |= run << step
            length += step
        segments[half] = run >> half
    down = up = segments[half_widths[radius]]
    for dy in range(radius - 1, -1, -1):
        segment = segments[half_widths[dy]]
        down = down << stride | segment
        up = up >> stride | segment
    return down | up


@lru_cache(maxsize=64)
def _half_widths(radius: int) -> tuple[int, ...]:
    """Return the half widths of the rows 0 to radius of the disk dx^2 + dy^2 <= radius^2."""
    return tuple(math.isqrt(radius * radius - dy * dy) for dy in range(radius + 1))


@lru_cache(maxsize=1024)
def _first_column(height: int, stride: int) -> int:
    return ((1 << stride * height) - 1) // ((1 << stride) - 1)


@lru_cache(maxsize=1024)
def _inside(height: int, width: int, stride: int) -> int:
    return _first_column(height, stride) * ((1 << width) - 1)
