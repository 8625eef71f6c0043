"""Turn the box of a prompt into a first mask with GrabCut."""

import cv2
import numpy as np

from vostool.types import Box, Frame, Mask
from vostool_trackers.color_model.geometry import cut, region_around, working_size

_ITERATIONS = 5
_SIDE = 200  # px, longest side of the crop
_MARGIN = 0.4  # of the box's longest side: the background GrabCut learns from


def mask_from_box(frame: Frame, box: Box, seed: int) -> Mask:
    """Segment the object in a box (Rother et al., "GrabCut", SIGGRAPH 2004).

    Everything outside the box is background. An ellipse stands in where GrabCut has nothing to
    learn from (the box fills the frame) or finds next to nothing.

    Args:
        frame: (H, W, 3) uint8 RGB.
        box: of the object, in the frame.
        seed: for OpenCV's k-means.

    Returns:
        (H, W) bool, empty outside the box.
    """
    rows, cols = frame.shape[:2]
    inside = region_around(box, 0.0, (rows, cols))
    outside = region_around(box, _MARGIN * max(box.w, box.h) + 4, (rows, cols))
    size = working_size(outside, _SIDE)
    image = cut(frame, outside.left, outside.top, *outside.size, size).astype(np.uint8)
    hint = np.zeros((rows, cols), np.uint8)
    hint[inside.window] = 1
    trimap = cv2.resize(hint[outside.window], size, interpolation=cv2.INTER_NEAREST)
    trimap = np.where(trimap > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    mask = np.zeros((rows, cols), bool)
    try:
        cv2.setRNGSeed(seed & 0x7FFFFFFF)
        cv2.grabCut(image, trimap, (0, 0, 1, 1), *models, _ITERATIONS, cv2.GC_INIT_WITH_MASK)
        found = (trimap == cv2.GC_PR_FGD).astype(np.float32)
        mask[outside.window] = cv2.resize(found, outside.size) > 0.5
    except cv2.error:  # no background, or fewer pixels than color clusters
        pass
    area = inside.size[0] * inside.size[1]
    if mask.sum() < 0.1 * area:
        return _ellipse(box, (rows, cols))
    return mask


def _ellipse(box: Box, size: tuple[int, int]) -> Mask:
    x = (np.arange(size[1]) + 0.5 - box.x - box.w / 2) / max(box.w / 2, 0.5)
    y = (np.arange(size[0]) + 0.5 - box.y - box.h / 2) / max(box.h / 2, 0.5)
    return np.asarray(x[None] ** 2 + y[:, None] ** 2 <= 1.0)
