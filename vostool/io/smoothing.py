"""Is this a label map, or a mask whose edges were smoothed? Told by where its values lie.

Objects have an inside: pixels all of whose neighbors have the same id. Interpolation, anti-aliasing
and lossy compression make values that lie along contours only, between those of both sides. Counts
of values tell nothing: a frame may show 200 cells, and a smoothed mask may have five greys.
"""

import numpy as np
from numpy.typing import NDArray

from vostool.types import Labels

_BACKGROUND, _VOID = 0, 255
_FEWEST = 3  # values along contours, or two of them around 255; a rim of one is no smoothing


def contour_values(labels: Labels) -> NDArray[np.intp]:
    """Return the values, but for 0 and 255, that lie along contours only.

    Args:
        labels: (H, W) uint8.

    Returns:
        In ascending order, those without an inside most of whose pixels lie between a lower and a
        higher value, or touch two other values that are not 0.
    """
    padded = np.pad(labels, 1, mode="edge")
    left, right, up, down = _neighbors(padded, ((1, 0), (1, 2), (0, 1), (2, 1)))
    counts = np.bincount(labels.reshape(-1), minlength=256)
    inside = (labels == left) & (labels == right) & (labels == up) & (labels == down)
    thin = (counts > 0) & (np.bincount(labels[inside], minlength=256) == 0)
    thin[[_BACKGROUND, _VOID]] = False
    if not thin.any():
        return np.flatnonzero(thin)
    rows, columns = np.nonzero(thin[labels])
    values = labels[rows, columns]
    between = np.zeros(len(values), np.bool_)
    for first, second in ((left, right), (up, down)):
        one, other = first[rows, columns], second[rows, columns]
        between |= (np.minimum(one, other) < values) & (values < np.maximum(one, other))
    around = np.stack(
        [padded[rows + y, columns + x] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    )
    other_ids = (around != _BACKGROUND) & (around != values)
    highest = np.where(other_ids, around, 0).max(axis=0)
    lowest = np.where(other_ids, around, 255).min(axis=0)
    edge = np.bincount(values[between | (lowest < highest)], minlength=256)
    return np.flatnonzero(thin & (2 * edge >= counts))


def is_smoothed(labels: Labels) -> bool:
    """Return True if a map holds several values along contours, more than it has objects.

    Args:
        labels: (H, W) uint8.
    """
    found = contour_values(labels)
    there = np.bincount(labels.reshape(-1), minlength=256) > 0
    if len(found) < _FEWEST - int(there[_VOID]):
        return False
    there[[_BACKGROUND, _VOID]] = False
    return 2 * len(found) >= int(there.sum())


def is_rimmed(labels: Labels) -> bool:
    """Return True if a map is a binary mask of 255 whose edge has other values, and no object.

    Args:
        labels: (H, W) uint8.
    """
    there = np.bincount(labels.reshape(-1), minlength=256) > 0
    whole = bool(there[_VOID])
    there[[_BACKGROUND, _VOID]] = False
    return whole and 0 < int(there.sum()) == len(contour_values(labels))


def _neighbors(padded: Labels, places: tuple[tuple[int, int], ...]) -> list[Labels]:
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    return [padded[y : y + height, x : x + width] for y, x in places]
