"""Contour accuracy F: how much of two contours lies within a small distance of each other.

Defined in Perazzi et al., CVPR 2016, section 4, after Martin et al., PAMI 2004. The bipartite match
of contour pixels is approximated, as in the official evaluators, by asking for each contour pixel
whether the other contour passes through the disk around it.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vostool.types import Mask

TOLERANCE = 0.008  # of the image diagonal


@lru_cache(maxsize=64)
def boundary_radius(height: int, width: int) -> int:
    """Return the matching distance in pixels: ceil(0.008 * diagonal), 8 for 854x480."""
    return math.ceil(TOLERANCE * float(np.linalg.norm((height, width))))


def boundary_map(mask: Mask) -> Mask:
    """Mark the pixels that differ from their right, lower or lower right neighbour.

    The last row and column have no neighbour beyond and are compared along the border only.

    Args:
        mask: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    edge = np.zeros_like(mask)
    right = mask[:, :-1] ^ mask[:, 1:]
    down = mask[:-1] ^ mask[1:]
    edge[:, :-1] |= right
    edge[:-1] |= down
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def contour_accuracy(prediction: Mask, truth: Mask, radius: int) -> float:
    """Return F, the harmonic mean of contour precision and recall.

    Without any contour in both masks F is 1; without a contour in one of them it is 0.

    Args:
        prediction: (H, W) bool.
        truth: (H, W) bool.
        radius: largest distance of matching contour pixels, see `boundary_radius`.
    """
    ours, theirs = boundary_map(prediction), boundary_map(truth)
    our_points, their_points = np.nonzero(ours), np.nonzero(theirs)
    n_ours, n_theirs = len(our_points[0]), len(their_points[0])
    if n_ours == 0 and n_theirs == 0:
        return 1.0
    if n_ours == 0 or n_theirs == 0:
        return 0.0
    precision = _matches(our_points, theirs, radius) / n_ours
    recall = _matches(their_points, ours, radius) / n_theirs
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _matches(points: tuple[NDArray[np.intp], ...], contour: Mask, radius: int) -> int:
    """Count the points with a contour pixel within `radius`, without dilating any image.

    A disk is a stack of row segments, and a running sum along each row of the contour tells with
    two look-ups whether a segment holds any of its pixels.
    """
    y, x = points
    height, width = contour.shape
    # One column of zeros on the left, `radius` rows and columns around: no bounds to check.
    running = np.zeros((height + 2 * radius, width + 2 * radius + 1), np.int32)
    np.cumsum(
        contour, axis=1, out=running[radius : radius + height, radius + 1 : radius + 1 + width]
    )
    running[:, radius + 1 + width :] = running[:, radius + width, None]
    flat, stride = running.ravel(), running.shape[1]
    centre = (y + radius) * stride + x + radius
    for dy, half in _disk_rows(radius):
        start = centre + (dy * stride - half)
        unmatched = flat[start] == flat[start + (2 * half + 1)]
        centre = centre[unmatched]
        if not len(centre):
            break
    return len(y) - len(centre)


def _disk_rows(radius: int) -> Iterator[tuple[int, int]]:
    """Yield (row offset, half width) of the disk dx^2 + dy^2 <= radius^2, nearest rows first."""
    for dy in sorted(range(-radius, radius + 1), key=abs):
        yield dy, math.isqrt(radius * radius - dy * dy)
