"""A picture of training frames: their targets, and what the network finds."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vostool_trackers.polarmask.head import Maps
from vostool_trackers.polarmask.targets import Targets
from vostool_trackers.siamese.model.pyramid import Grid
from vostool_trackers.siamese.polar import contour
from vostool_trackers.siamese.training.picture import as_image, draw_contour
from vostool_trackers.siamese.training.polar_targets import POINTS

_MOST = 8
_WIDEST = 640  # pixels of a frame in the picture
_SURE = 0.1  # score from which on a cell is shown
_SHOWN = 5  # cells per frame
_TARGET, _PREDICTED, _MIDDLE = (0, 255, 0), (255, 0, 0), (255, 255, 0)


def draw_instances(image: Tensor, targets: Targets, maps: Maps, grid: Grid) -> NDArray[np.uint8]:
    """Draw up to 8 frames below each other.

    The targets' rays from the best cell of each instance are green, its middle cells yellow, and
    the rays of the cells with the best scores, but for those beside better ones, red.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    count = min(_MOST, len(image))
    return np.vstack([_frame(image[i], targets, maps, grid, i) for i in range(count)])


def _frame(
    image: Tensor, targets: Targets, maps: Maps, grid: Grid, index: int
) -> NDArray[np.uint8]:
    points = grid.points.cpu()
    frame = as_image(image)
    cells, used = targets.cells[index].cpu(), targets.used[index].cpu()
    for place in _best_of_each(targets.centerness[index].cpu() * used):
        ends = contour(points[cells[place]], targets.rays[index, place].cpu())
        draw_contour(frame, ends, _TARGET)
    for cell in cells[used].tolist():
        cv2.circle(frame, [round(float(v)) for v in points[cell]], 2, _MIDDLE, -1)
    for cell in _peaks(maps.score[index, :, 0].sigmoid().cpu(), points, grid.strides.cpu()):
        rays = maps.rays[index, cell].exp().cpu()
        draw_contour(frame, contour(points[cell], rays), _PREDICTED)
    scale = min(1.0, _WIDEST / frame.shape[1])
    size = round(scale * frame.shape[1]), round(scale * frame.shape[0])
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _best_of_each(centerness: Tensor) -> list[int]:
    """Return the places of the most central cell of each instance, if it has any."""
    most, place = centerness.reshape(-1, POINTS).max(dim=1)
    return [POINTS * m + int(place[m]) for m in range(len(most)) if float(most[m]) > 0]


def _peaks(score: Tensor, points: Tensor, strides: Tensor) -> list[int]:
    """Return cells by their score, none within two strides of a better one."""
    found: list[int] = []
    left = torch.where(score > _SURE, score, 0.0)
    while len(found) < _SHOWN and float(left.max()) > 0:
        best = int(left.argmax())
        found.append(best)
        near = (points - points[best]).abs().amax(dim=1) <= 2 * strides[best]
        left = torch.where(near, 0.0, left)
    return found
