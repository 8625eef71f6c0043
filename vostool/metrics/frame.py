"""J and F of every object on one frame."""

from collections.abc import Iterable, Iterator

import numpy as np

from vostool.metrics.boundary import boundary_radius
from vostool.metrics.packed import pair_scores
from vostool.sequence import Labels


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
    for object_id in object_ids:
        j, f = pair_scores(prediction == object_id, truth == object_id, radius)
        yield object_id, j, f


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
