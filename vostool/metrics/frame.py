"""J and F of every object on one frame."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from vostool.metrics.bitpacked import Window, object_scores, scratch
from vostool.metrics.boundary import boundary_radius
from vostool.types import Labels


def frame_scores(
    prediction: Labels, truth: Labels, object_ids: Iterable[int], radius: int | None = None
) -> Iterator[tuple[int, float, float]]:
    """Yield `(id, J, F)` of each object on one frame.

    Args:
        prediction: (H, W) uint8.
        truth: (H, W) uint8; void is background.
        object_ids: ids to score; one that is in neither map scores 1.
        radius: largest distance of matching contour pixels; by the size of the maps if None. It
            must be given for cut-outs.
    """
    if radius is None:
        radius = boundary_radius(*truth.shape)
    ids = list(object_ids)
    if len(ids) == 1:
        windows = {ids[0]: Window(0, truth.shape[0], 0, truth.shape[1])}
    else:
        windows = object_windows(prediction, truth)
    for object_id in ids:
        j = f = 1.0
        if object_id in windows:
            j, f = object_scores(prediction, truth, object_id, windows[object_id], radius)
        yield object_id, j, f


def object_windows(prediction: Labels, truth: Labels) -> dict[int, Window]:
    """Return the smallest window around each object of two label maps, all in one pass.

    Args:
        prediction: (H, W) uint8.
        truth: (H, W) uint8.
    """
    height, width = truth.shape
    stride = width + 1  # a column of background on the left: no run of pixels goes on in a new row
    flat = scratch("both maps", 2 * height * stride + 1)
    both = flat[:-1].reshape(2, height, stride)
    both[:, :, 0], both[0, :, 1:], both[1, :, 1:] = 0, prediction, truth
    flat[-1] = 0
    before = _changes(flat)
    y = before // stride
    x = before - y * stride
    y -= height * (y >= height)  # the maps are below each other
    starting, ending = flat[before + 1], flat[before]
    top, left = np.full(256, height), np.full(256, width)
    bottom, right = np.zeros(256, np.intp), np.zeros(256, np.intp)
    np.minimum.at(top, starting, y)
    np.minimum.at(left, starting, x)
    np.maximum.at(bottom, starting, y + 1)
    np.maximum.at(right, ending, x)
    return {
        i: Window(int(top[i]), int(bottom[i]), int(left[i]), int(right[i]))
        for i in np.flatnonzero(right).tolist()
        if i
    }


def _changes(flat: Labels) -> NDArray[np.intp]:
    """Return the indices of the pixels that differ from the next, looking at eight at once."""
    count = len(flat) - 1
    changes = scratch("changes", count + 8 - count % 8)
    changes[count:] = 0
    np.not_equal(flat[:-1], flat[1:], out=changes[:count].view(np.bool_))
    words = changes.view(np.uint64)
    places = np.flatnonzero(words != 0)
    within = np.flatnonzero(words[places].view(np.bool_))
    found: NDArray[np.intp] = places[within >> 3] * 8 + (within & 7)
    return found


def common_window(prediction: Labels, truth: Labels) -> tuple[Labels, Labels]:
    """Cut two label maps to where either has objects, and one pixel around.

    No score changes: what is cut off is background in both, and the pixel around keeps the
    comparison of the outermost contour with it.

    Args:
        prediction: (H, W) uint8.
        truth: (H, W) uint8.
    """
    rows = np.flatnonzero(prediction.max(axis=1) | truth.max(axis=1))
    if not len(rows):
        return prediction[:1, :1], truth[:1, :1]
    vertical = slice(max(int(rows[0]) - 1, 0), int(rows[-1]) + 2)
    prediction, truth = prediction[vertical], truth[vertical]
    columns = np.flatnonzero(prediction.max(axis=0) | truth.max(axis=0))
    horizontal = slice(max(int(columns[0]) - 1, 0), int(columns[-1]) + 2)
    return prediction[:, horizontal], truth[:, horizontal]
