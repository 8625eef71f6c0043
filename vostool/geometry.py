"""Boxes and polygons, and the shapes that fit a mask."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vostool.types import Box, Floats, Mask, Polygon


def polygon_of(values: Floats) -> Polygon:
    """Return the (N, 2) corners of a box or polygon of a file."""
    if len(values) != 4:
        return values.reshape(-1, 2)
    x, y, w, h = values.tolist()
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])


def box_around(polygon: Polygon) -> Box:
    """Return the smallest axis-aligned box that holds a polygon."""
    (left, top), (right, bottom) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
    return Box(left, top, right - left, bottom - top)


def same_area_box(polygon: Polygon) -> Box:
    """Return the axis-aligned box about the centre of a polygon that has its area.

    Its sides have the ratio of those of the box around the polygon. SiamMask and pysot start from
    this box (one pixel larger on each axis) where the dataset has rotated boxes.
    """
    x, y = (polygon - polygon[0]).T
    area = abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2
    around = box_around(polygon)
    part = np.sqrt(area / (around.w * around.h)) if around.w * around.h > 0 else 0.0
    w, h = float(part * around.w), float(part * around.h)
    cx, cy = polygon.mean(axis=0).tolist()
    return Box(cx - w / 2, cy - h / 2, w, h)


def filled(polygon: Polygon, size: tuple[int, int]) -> Mask:
    """Return the (H, W) mask of the pixels whose middle lies inside a polygon."""
    mask = np.zeros(size, np.bool_)
    rows, columns = (np.arange(side) + 0.5 for side in size)  # the middles of pixels
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crossed = np.flatnonzero((ay <= rows) != (by <= rows))
        at = ax + (rows[crossed] - ay) / (by - ay) * (bx - ax) if len(crossed) else np.zeros(0)
        mask[crossed] ^= columns > at[:, None]
    return mask


def largest_contour(mask: Mask) -> NDArray[np.int32] | None:
    """Return the (N, 2) pixels around the largest part of a mask, None if it is empty."""
    import cv2

    found: Any = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[
        -2
    ]
    if not found:
        return None
    return np.asarray(max(found, key=cv2.contourArea), np.int32).reshape(-1, 2)


def rotated_box(mask: Mask) -> Polygon | None:
    """Return the corners of the smallest rotated box around the largest part of a mask.

    They lie on pixel centres, as in SiamMask (Wang et al., CVPR 2019). None if the mask is empty.
    """
    import cv2

    contour = largest_contour(mask)
    if contour is None:
        return None
    return np.asarray(cv2.boxPoints(cv2.minAreaRect(contour)), np.float64)


def fitted_box(mask: Mask) -> Polygon | None:
    """Return the corners of the rotated box that overlaps best with a mask.

    The smallest box around a mask is too large as soon as something thin sticks out. Here its
    centre, sides and angle are optimised for intersection over union with the mask, by the method
    of Nelder and Mead from that box and from a smaller one; VOT made its ground truth from masks
    in such a way (Vojir and Matas, "Pixel-Wise Object Segmentations for the VOT 2016 Dataset",
    2017). None if the mask is empty.
    """
    import cv2
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    contour = largest_contour(mask)
    if contour is None:
        return None
    (cx, cy), (w, h), angle = cv2.minAreaRect(contour)
    ys, xs = np.nonzero(mask)
    scale = max(w, h, 1.0)
    turn = np.radians(angle)

    def loss(p: Floats) -> float:
        cos, sin = np.cos(turn + p[4]), np.sin(turn + p[4])
        dx, dy = xs - (cx + p[0] * scale), ys - (cy + p[1] * scale)
        across, along = abs(p[2]) * scale, abs(p[3]) * scale
        inside = (np.abs(dx * cos + dy * sin) <= across / 2) & (
            np.abs(dy * cos - dx * sin) <= along / 2
        )
        shared = float(np.count_nonzero(inside))
        return -shared / max(len(xs) + float(across * along) - shared, 1e-9)

    # Pixels have an area of their own: the box around their centres is a pixel larger.
    whole = np.array([0, 0, (w + 1) / scale, (h + 1) / scale, 0])
    best = min(
        (_minimised(minimize, loss, whole * (1, 1, part, part, 1)) for part in (1.0, 0.85)),
        key=loss,
    )
    centre = (cx + best[0] * scale, cy + best[1] * scale)
    sides = (abs(best[2]) * scale, abs(best[3]) * scale)
    box: Any = (centre, sides, float(np.degrees(turn + best[4])))
    return np.asarray(cv2.boxPoints(box), np.float64)


def _minimised(minimize: Any, loss: Any, start: Floats) -> Floats:
    steps = np.diag([0.05, 0.05, -0.1, -0.1, 0.1])
    simplex = np.vstack([start, start + steps])
    options = {"initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-5, "maxiter": 300}
    found = minimize(loss, start, method="Nelder-Mead", options=options)
    return np.asarray(found.x, np.float64)
