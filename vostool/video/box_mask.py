"""A mask from a box, for trackers that begin with a mask where a user has drawn a box."""

import numpy as np

from vostool.types import Box, Frame, Mask

_SIDE = 240  # pixels of the crop that is segmented, longest side
_MARGIN = 0.5  # of the box around it: the background to learn from
_LEAST = 0.1  # share of the box below which nothing was found


def mask_in(frame: Frame, box: Box) -> Mask:
    """Segment what is in a box by its colors (GrabCut, Rother et al., SIGGRAPH 2004).

    The box itself stands in where there is no background to learn from or next to nothing is
    found.

    Args:
        frame: (H, W, 3) uint8 RGB.
        box: at least partly in the frame.

    Returns:
        (H, W) bool, not empty, nothing outside of the box.
    """
    import cv2

    height, width = frame.shape[:2]
    left, top = max(0, round(box.x)), max(0, round(box.y))
    left, top = min(left, width - 1), min(top, height - 1)
    right = min(width, max(left + 1, round(box.x + box.w)))
    bottom = min(height, max(top + 1, round(box.y + box.h)))
    mask = np.zeros((height, width), bool)
    dx, dy = round(_MARGIN * (right - left)) + 4, round(_MARGIN * (bottom - top)) + 4
    around = np.s_[max(0, top - dy) : bottom + dy, max(0, left - dx) : right + dx]
    hint = np.full((height, width), cv2.GC_BGD, np.uint8)
    hint[top:bottom, left:right] = cv2.GC_PR_FGD
    crop, state = frame[around], np.ascontiguousarray(hint[around])
    scale = min(1.0, _SIDE / max(state.shape))
    size = max(1, round(state.shape[1] * scale)), max(1, round(state.shape[0] * scale))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    labels = np.asarray(cv2.resize(state, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    try:
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(small, labels, (0, 0, 1, 1), *models, 5, cv2.GC_INIT_WITH_MASK)
        found = (labels == cv2.GC_PR_FGD).astype(np.float32)
        mask[around] = cv2.resize(found, state.shape[::-1]) > 0.5
    except cv2.error:  # no background, or fewer pixels than color clusters
        pass
    inside = np.zeros_like(mask)
    inside[top:bottom, left:right] = True
    mask &= inside
    return mask if mask.sum() >= _LEAST * inside.sum() else inside
