"""A picture of training samples of whole frames: template, frame, target and prediction."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vostool.training.task import Batch
from vostool_trackers.siamese.inference.crops import TEMPLATE
from vostool_trackers.siamese.model.pyramid import Grid
from vostool_trackers.siamese.polar import contour
from vostool_trackers.siamese.training.picture import as_image, draw_contour
from vostool_trackers.siamese.training.polar_targets import FrameTargets
from vostool_trackers.siampolar.whole_frame.head import FrameMaps

_MOST = 8
_WIDEST = 640  # pixels of a frame in the picture
_TARGET, _PREDICTED, _MIDDLE = (0, 255, 0), (255, 0, 0), (255, 255, 0)


def draw_frames(
    batch: Batch, targets: FrameTargets, maps: FrameMaps, grid: Grid
) -> NDArray[np.uint8]:
    """Draw up to 8 samples below each other.

    On the frame the target's rays from its best cell are green, the prediction's from the cell with
    the best score red, and the cells of the middle yellow. The template is on the left.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    count = min(_MOST, len(batch["template"]))
    return np.vstack([_sample(batch, targets, maps, grid, index) for index in range(count)])


def _sample(
    batch: Batch, targets: FrameTargets, maps: FrameMaps, grid: Grid, index: int
) -> NDArray[np.uint8]:
    points = grid.points.cpu()
    frame = as_image(batch["search"][index])
    if bool(targets.used[index, 0]):
        best = targets.cells[index, 0].cpu()
        draw_contour(frame, contour(points[best], targets.rays[index, 0].cpu()), _TARGET)
        for cell in targets.cells[index][targets.used[index]].tolist():
            cv2.circle(frame, [round(float(v)) for v in points[cell]], 2, _MIDDLE, -1)
    score = maps.score[index].float().sigmoid().cpu()
    top = int(score.argmax())
    if float(score[top]) > 0.1:
        draw_contour(frame, contour(points[top], maps.rays[index, top].float().cpu()), _PREDICTED)
    scale = min(1.0, _WIDEST / frame.shape[1])
    size = round(scale * frame.shape[1]), max(TEMPLATE, round(scale * frame.shape[0]))
    shown = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    side = np.zeros((size[1], TEMPLATE, 3), np.uint8)
    side[:TEMPLATE] = as_image(batch["template"][index])
    return np.hstack([side, shown]).astype(np.uint8)
