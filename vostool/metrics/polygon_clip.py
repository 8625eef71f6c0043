"""Overlap of polygons computed exactly: the area of what is left after clipping.

Sutherland and Hodgman, "Reentrant Polygon Clipping", Communications of the ACM 17(1), 1974: a
polygon is cut by the sides of a convex one, one after the other. All pairs are cut at once.
"""

import numpy as np
from numpy.typing import NDArray

from vostool.types import Floats

_PAIRS = 1 << 12  # that are cut at a time: what fits the cache of a core


def exact_overlaps(
    first: Floats, second: Floats, size: tuple[float, float] | None = None
) -> Floats:
    """Return intersection over union of pairs of simple polygons.

    Args:
        first: (N, n, 2) corners x, y.
        second: (N, m, 2) corners x, y.
        size: (width, height); only what lies in [0, width] x [0, height] counts. None for all.

    Returns:
        (N,) in [0, 1]; 0 where the union has no area, or corners are NaN.
    """
    overlaps = np.zeros(len(first))
    known = ~(np.isnan(first).any(axis=(1, 2)) | np.isnan(second).any(axis=(1, 2)))
    indices = np.flatnonzero(known)
    for start in range(0, len(indices), _PAIRS):
        part = indices[start : start + _PAIRS]
        overlaps[part] = _known_overlaps(first[part], second[part], size)
    return overlaps


def _known_overlaps(first: Floats, second: Floats, size: tuple[float, float] | None) -> Floats:
    first, second = _counterclockwise(first), _counterclockwise(second)
    inside = first if size is None else _framed(first, size)
    other = second if size is None else _framed(second, size)
    areas = np.abs(polygon_areas(inside)) + np.abs(polygon_areas(other))
    shared = np.minimum(_shared(inside, second), areas / 2)
    union = areas - shared
    overlaps: Floats = np.zeros_like(union)
    np.divide(shared, union, out=overlaps, where=union > 0)
    return overlaps


def polygon_areas(points: Floats) -> Floats:
    """Return signed areas of (N, n, 2) polygons, positive where x turns to y (Gauss)."""
    x, y = (points - points[:, :1]).transpose(2, 0, 1)  # near the origin no digits are lost
    doubled: Floats = (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)
    return doubled / 2


def _shared(inside: Floats, second: Floats) -> Floats:
    """Return the areas that two polygons share; the second turns counterclockwise."""
    areas = np.zeros(len(inside))
    convex = _convex(second)
    if convex.any():
        areas[convex] = np.abs(polygon_areas(_cut_by(inside[convex], second[convex])))
    rest = ~convex
    # Any simple polygon is the sum of the triangles of a fan, some of which count negative.
    for corner in range(1, second.shape[1] - 1) if rest.any() else ():
        fan = second[rest][:, [0, corner, corner + 1]]
        sign = np.sign(polygon_areas(fan))
        pieces = _cut_by(inside[rest], _counterclockwise(fan))
        areas[rest] += sign * np.abs(polygon_areas(pieces))
    return np.maximum(areas, 0)


def _counterclockwise(points: Floats) -> Floats:
    """Return the polygons with their corners in the order of positive area."""
    return np.where((polygon_areas(points) < 0)[:, None, None], points[:, ::-1], points)


def _convex(points: Floats) -> NDArray[np.bool_]:
    """Tell which polygons of at most four corners never turn clockwise."""
    if points.shape[1] > 4:  # a star of five corners does not either, and winds twice
        return np.zeros(len(points), np.bool_)
    edges = np.roll(points, -1, axis=1) - points
    after = np.roll(edges, -1, axis=1)
    turns = edges[..., 0] * after[..., 1] - edges[..., 1] * after[..., 0]
    return np.asarray((turns >= 0).all(axis=1))


def _framed(points: Floats, size: tuple[float, float]) -> Floats:
    """Cut polygons by the frame of an image; most lie inside and stay as they are."""
    width, height = size
    outside = ((points < 0) | (points > size)).any(axis=(1, 2))
    if not outside.any():
        return points
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    pieces = _cut_by(points[outside], np.broadcast_to(frame, (int(outside.sum()), 4, 2)))
    corners = max(points.shape[1], pieces.shape[1])
    framed = _padded(points, corners)
    framed[outside] = _padded(pieces, corners)
    return framed


def _padded(points: Floats, corners: int) -> Floats:
    """Return the polygons with so many corners, the last repeated; always a copy."""
    last = np.minimum(np.arange(corners), points.shape[1] - 1)
    return points[:, last]


def _cut_by(points: Floats, convex: Floats) -> Floats:
    """Cut polygons by convex ones that turn counterclockwise.

    Returns:
        (N, k, 2); a polygon of fewer corners repeats one, and none is left of it if all are equal.
    """
    for side in range(convex.shape[1]):
        begin, end = convex[:, side], convex[:, (side + 1) % convex.shape[1]]
        points = _cut(points, begin, end - begin)
    return points


def _cut(points: Floats, begin: Floats, along: Floats) -> Floats:
    """Keep what lies to the left of a line, which runs from (N, 2) `begin` along (N, 2)."""
    x, y = (points - begin[:, None]).transpose(2, 0, 1)
    distance = along[:, :1] * y - along[:, 1:] * x
    following = np.roll(distance, -1, axis=1)
    inside = distance >= 0
    crosses = inside != (following >= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(crosses, distance / (distance - following), 0.0)
    crossings = points + part[..., None] * (np.roll(points, -1, axis=1) - points)
    return _closed_up(
        np.stack([points, crossings], axis=2).reshape(len(points), -1, 2),
        np.stack([inside, crosses], axis=2).reshape(len(points), -1),
    )


def _closed_up(points: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Leave out corners that are not kept, in order; short polygons repeat their last corner."""
    count = kept.sum(axis=1)
    order = np.argsort(~kept, axis=1, kind="stable")[:, : max(1, int(count.max(initial=0)))]
    place = np.minimum(np.arange(order.shape[1]), np.maximum(count - 1, 0)[:, None])
    return np.take_along_axis(points, np.take_along_axis(order, place, axis=1)[..., None], axis=1)
