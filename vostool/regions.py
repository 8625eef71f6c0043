"""Boxes and polygons: reading and writing them as text, and what a mask becomes as one.

A line of a file is a region: one number is a code, four are a box `x,y,w,h`, six or more are a
polygon `x1,y1,x2,y2,...`. Coordinates are pixels; a box ends before x + w.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vostool.errors import DataError, DatasetError
from vostool.sequence import Box, Mask, Polygon, Regions

Floats = NDArray[np.float64]


def parse_regions(
    text: str, path: Path, error: type[DataError], *, absent: bool = False
) -> Regions:
    """Read one region a line.

    Args:
        text: contents of the file; numbers stand between commas, or between blanks if there is no
            comma, as in some folders of OTB.
        path: where it is from, for messages.
        error: what is raised.
        absent: a region with a NaN means that the object is not there; otherwise that is an error.

    Raises:
        DataError: a line is no region; of the given kind.
    """
    lines = text.rstrip().splitlines()
    if lines and "," not in lines[0]:
        lines = [",".join(line.split()) for line in lines]
    counts = np.array([line.count(",") + 1 for line in lines], np.intp)
    numbers = _numbers(lines, int(counts.sum()), path, error)
    _check_counts(lines, counts, path, error)
    values = np.full((len(lines), int(counts.max(initial=1))), np.nan)
    values[np.arange(values.shape[1]) < counts[:, None]] = numbers
    missing = np.isnan(values).sum(axis=1) > values.shape[1] - counts
    if missing.any() and not absent:
        line = int(np.flatnonzero(missing)[0])
        hint = "Write 0 for a frame without one in results of VOT, and 0,0,0,0 in those of OTB."
        if error is DatasetError:
            hint = "Unpack the dataset again."
        raise error(f"{path}, line {line + 1}: the region is NaN ({_shown(lines[line])}). {hint}")
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        line = int(np.flatnonzero(infinite)[0])
        raise error(f"{path}, line {line + 1}: {_shown(lines[line])} is no region of finite size.")
    return Regions(values, np.where(missing, 0, counts))


def _numbers(lines: list[str], count: int, path: Path, error: type[DataError]) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old numpy's way to say: no number
        try:
            numbers = np.fromstring(",".join(lines), np.float64, sep=",")
        except ValueError:
            numbers = np.zeros(0)
    if len(numbers) == count and count:
        return numbers
    for number, line in enumerate(lines):
        try:
            [float(field) for field in line.split(",")]
        except ValueError:
            raise error(
                f"{path}, line {number + 1}: {_shown(line)} are not numbers with commas between."
            ) from None
    # Python reads what numpy does not, such as 1_000.
    return np.array([float(field) for line in lines for field in line.split(",")])


def _check_counts(
    lines: list[str], counts: NDArray[np.intp], path: Path, error: type[DataError]
) -> None:
    odd = (counts % 2 == 1) & (counts != 1)
    wrong = np.flatnonzero(odd | (counts == 2))
    if len(wrong):
        line = int(wrong[0])
        raise error(
            f"{path}, line {line + 1} has {counts[line]} numbers ({_shown(lines[line])}). A region "
            "is a code, a box of 4 numbers, or a polygon of 6, 8 or more, two for each corner."
        )


def _shown(line: str) -> str:
    return repr(line if len(line) <= 40 else line[:37] + "...")


def format_region(values: Floats) -> str:
    """Return numbers as a line of a result file, with four digits as the toolkits write them."""
    return ",".join(f"{value:.4f}" for value in values.tolist())


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
