"""What a tracker's answer becomes as a region of a result file."""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np

from vostool.geometry import box_around, fitted_box, rotated_box
from vostool.tracking.loop import checked_regions
from vostool.types import Box, Floats, Labels, Mask, Region

# auto      the tracker's polygon, else its box, else `rotated`
# box       the tracker's box, else that around its polygon or pixels
# rotated   the smallest rotated box around the largest part of the pixels
# fitted    the rotated box that overlaps best with the pixels
Shape = Literal["auto", "box", "rotated", "fitted"]
SHAPES: tuple[Shape, ...] = get_args(Shape)


def reported(
    shape: Shape, labels: Labels, regions: Mapping[int, Region], object_id: int, where: str
) -> Floats | None:
    """Return the numbers of a region: 4 of a box or 8 and more of a polygon.

    Args:
        shape: what is wanted.
        labels: the label map that the tracker returned.
        regions: what it says beside, see `Tracker.regions`.
        object_id: of the object.
        where: for messages, e.g. `on frame 00003 of sequence 'bear'`.

    Returns:
        Rounded to what a file holds; None if the object is nowhere.

    Raises:
        ContractError: the tracker's region is none.
    """
    known = checked_regions(regions, labels.shape, {object_id}, where)
    region = known.get(object_id, Region())
    mask = region.mask if region.mask is not None else labels == object_id
    numbers = _numbers(shape, region, mask)
    return None if numbers is None else np.round(numbers, 4)


def _numbers(shape: Shape, region: Region, mask: Mask) -> Floats | None:
    if shape == "auto" and region.polygon is not None:
        return region.polygon.reshape(-1).astype(np.float64)
    if shape in ("auto", "box") and region.box is not None:
        return np.array(region.box, np.float64)
    if shape == "box":
        around = _box(region, mask)
        return None if around is None else np.array(around, np.float64)
    polygon = fitted_box(mask) if shape == "fitted" else rotated_box(mask)
    if polygon is None and region.polygon is not None:  # it draws no pixels
        polygon = region.polygon
    if polygon is None:
        return None if region.box is None else np.array(region.box, np.float64)
    return polygon.reshape(-1).astype(np.float64)


def _box(region: Region, mask: Mask) -> Box | None:
    if region.polygon is not None:
        return box_around(region.polygon)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    x, y = float(columns[0]), float(rows[0])
    return Box(x, y, float(columns[-1] + 1) - x, float(rows[-1] + 1) - y)
