"""Where the object went, where the camera went, and where a lost object may be."""

import math

import cv2
import numpy as np

from vostool.types import Box, Frame
from vostool_trackers.color_model.appearance import GlobalColor
from vostool_trackers.color_model.geometry import Map, centre, cut, to_lab
from vostool_trackers.color_model.settings import Config

Shift = tuple[float, float]  # dx, dy in px


def object_shift(
    last: Frame, frame: Frame, probability: Map, box: Box, velocity: Shift, config: Config
) -> Shift:
    """Match the object's pixels of the last frame in this one.

    Args:
        last, frame: (H, W, 3) uint8.
        probability: (H, W) of the object on the last frame.
        box: of the object on the last frame.
        velocity: expected shift; the search is centred there.
    """
    longest = max(box.w, box.h)
    scale = min(1.0, config.motion_side / longest)
    size = max(2, round(box.w * scale)), max(2, round(box.h * scale))
    radius = math.ceil(config.motion_radius * longest * scale) + 2
    sx, sy = size[0] / box.w, size[1] / box.h
    template = cut(last, *box, size).astype(np.float32)
    weights = cut(probability, *box, size).astype(np.float32)
    x, y = box.x + velocity[0] - radius / sx, box.y + velocity[1] - radius / sy
    w, h = box.w + 2 * radius / sx, box.h + 2 * radius / sy
    search = cut(frame, x, y, w, h, (size[0] + 2 * radius, size[1] + 2 * radius))
    weights = (weights > 0.5).astype(np.float32)
    difference = cv2.matchTemplate(
        search.astype(np.float32), template, cv2.TM_SQDIFF, mask=cv2.merge([weights] * 3)
    )
    difference = np.sqrt(np.maximum(difference, 0) / max(3.0 * float(weights.sum()), 1e-6))
    steps = np.arange(-radius, radius + 1, dtype=np.float32) / (longest * scale)
    difference += config.motion_penalty * np.hypot(steps[:, None], steps[None])
    row, col = np.unravel_index(int(np.argmin(difference)), difference.shape)
    return velocity[0] + (int(col) - radius) / sx, velocity[1] + (int(row) - radius) / sy


def camera_shift(last: Frame, frame: Frame) -> Shift | None:
    """Return the shift of the whole picture by phase correlation, or None if there is no telling.

    One translation for all pixels: enough for a resting or a panning camera.
    """
    rows, cols = frame.shape[:2]
    if min(rows, cols) < 16:
        return None
    factor = max(1.0, min(4.0, min(rows, cols) / 32))
    size = round(cols / factor), round(rows / factor)
    before, now = (
        cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA).astype(
            np.float32
        )
        for f in (last, frame)
    )
    window = cv2.createHanningWindow(size, cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(before, now, window)
    # Shifts near half the picture are wrapped around.
    fits = abs(dx) < size[0] / 3 and abs(dy) < size[1] / 3
    if not fits or not math.isfinite(response) or response <= 0:
        return None
    return dx * cols / size[0], dy * rows / size[1]


def search_by_color(frame: Frame, colors: GlobalColor, box: Box, reach: float) -> Shift:
    """Look over the whole frame for the object's colors, as a blob of the size of its box.

    Args:
        box: where the object was last.
        reach: distance from there that costs a tenth of a perfect score, in px.
    """
    rows, cols = frame.shape[:2]
    scale = min(1.0, 16 / max(box.w, box.h), 200 / max(rows, cols))
    size = max(4, round(cols * scale)), max(4, round(rows * scale))
    small = to_lab(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
    likeness = 1.0 / (1.0 + np.exp(-colors.log_odds(small)))
    w, h = max(1, round(box.w * scale)), max(1, round(box.h * scale))
    inner = cv2.boxFilter(likeness, -1, (w, h), borderType=cv2.BORDER_CONSTANT)
    outer = cv2.boxFilter(likeness, -1, (2 * w + 1, 2 * h + 1), borderType=cv2.BORDER_CONSTANT)
    x, y = centre(box)
    dx = (np.arange(size[0]) + 0.5) * cols / size[0] - x
    dy = (np.arange(size[1]) + 0.5) * rows / size[1] - y
    score = inner - 0.5 * outer - 0.1 * np.hypot(dy[:, None], dx[None]) / reach
    row, col = np.unravel_index(int(np.argmax(score)), score.shape)
    return float(dx[col]), float(dy[row])
