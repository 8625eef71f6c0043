"""Overlap of polygons as the VOT toolkits count it: both are drawn on the pixel grid first.

pysot's toolkit and vot-toolkit draw by rules of their own, which differ by up to 0.08 for small
objects. Each rule is a row here; the drawing is the same for both: a row of pixels is filled
between the truncated crossings of the edges with it, both ends included.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vostool.types import Floats

_CELLS = 1 << 15  # pairs x rows that are computed at a time: what fits the cache of a core
_FAR = 1e15


@dataclass(frozen=True, slots=True)
class RasterRule:
    """How a toolkit draws.

    Args:
        name: of the toolkit.
        half_to_even: corners at half a pixel are rounded to even; otherwise away from zero.
        outward: the window of pixels begins at the floor and ends at the ceiling of the extremes,
            and may include column `width` and row `height`; otherwise it has rounded extremes.
        thin: a row of a single pixel is filled.
        inclusive: a rectangle's last pixel is x + w - 1, its sides rounded; otherwise x + w.
    """

    name: str
    half_to_even: bool
    outward: bool
    thin: bool
    inclusive: bool


# As observed of STVIR/pysot @ d04028f and of vot-toolkit 0.9.0.
PYSOT = RasterRule("pysot", half_to_even=False, outward=True, thin=False, inclusive=False)
TOOLKIT = RasterRule("vot-toolkit", half_to_even=True, outward=False, thin=True, inclusive=True)


@dataclass(frozen=True, slots=True)
class _Window:
    """The pixels that are drawn on, per pair: first column and row, and how many (N,) each."""

    left: Floats
    top: Floats
    width: Floats
    height: Floats
    empty: NDArray[np.bool_]  # the rule gives 0 without drawing
    same: NDArray[np.bool_]  # the rule gives 1 without drawing


def corners(boxes: Floats, rule: RasterRule) -> Floats:
    """Return the corners of axis-aligned boxes.

    Args:
        boxes: (N, 4) x, y, w, h.
        rule: says where a box ends.

    Returns:
        (N, 4, 2) x, y; NaN for a box that has no pixel.
    """
    if rule.inclusive:
        boxes = np.round(boxes.astype(np.float32)).astype(np.float64)
    x, y, w, h = boxes.T
    right, bottom = (x + w - 1, y + h - 1) if rule.inclusive else (x + w, y + h)
    points = np.stack([x, y, right, y, right, bottom, x, bottom], axis=1).reshape(-1, 4, 2)
    if rule.inclusive:
        points[(w < 1) | (h < 1)] = np.nan
    return points


def raster_overlaps(
    first: Floats, second: Floats, size: tuple[float, float], rule: RasterRule
) -> Floats:
    """Return intersection over union of pairs of polygons, drawn on the pixels of an image.

    Args:
        first: (N, n, 2) corners x, y.
        second: (N, m, 2) corners x, y.
        size: (width, height) of the image.
        rule: how it is drawn.

    Returns:
        (N,) in [0, 1]; 0 where nothing is drawn, or corners are NaN.
    """
    overlaps = np.zeros(len(first))
    known = ~(np.isnan(first).any(axis=(1, 2)) | np.isnan(second).any(axis=(1, 2)))
    if known.any():
        overlaps[known] = _known_overlaps(first[known], second[known], size, rule)
    return overlaps


def _known_overlaps(
    first: Floats, second: Floats, size: tuple[float, float], rule: RasterRule
) -> Floats:
    first, second = (_rounded_floats(points, rule) for points in (first, second))
    window = _window(first, second, size, rule)
    offset = np.stack([window.left, window.top], axis=1)[:, None]
    first, second = (_rounded(points - offset, rule) for points in (first, second))
    overlaps = np.where(window.same, 1.0, 0.0)
    drawn = ~(window.empty | window.same)
    simple = drawn & _strictly_convex(first) & _strictly_convex(second)
    for chunk in _chunks(np.flatnonzero(simple), window.height):
        overlaps[chunk] = _convex(
            first[chunk], second[chunk], window.width[chunk], window.height[chunk], rule
        )
    for index in np.flatnonzero(drawn & ~simple):
        shape = int(window.height[index]), int(window.width[index])
        a, b = (_drawn(points[index], shape, rule) for points in (first, second))
        union = np.count_nonzero(a | b)
        overlaps[index] = np.count_nonzero(a & b) / union if union else 0.0
    return overlaps


def _rounded_floats(points: Floats, rule: RasterRule) -> Floats:
    """Return the corners as the toolkits hold them, in single precision."""
    held = points.astype(np.float32)
    return np.round(held).astype(np.float64) if rule.half_to_even else held.astype(np.float64)


def _rounded(points: Floats, rule: RasterRule) -> Floats:
    if rule.half_to_even:
        return points  # they are already
    return np.copysign(np.floor(np.abs(points) + 0.5), points)


def _window(first: Floats, second: Floats, size: tuple[float, float], rule: RasterRule) -> _Window:
    lows = [points.min(axis=1) for points in (first, second)]
    highs = [points.max(axis=1) for points in (first, second)]
    if rule.outward:
        lows = [np.maximum(np.floor(low), 0) for low in lows]
        highs = [np.minimum(np.ceil(high), size) for high in highs]
        low, high = np.minimum(*lows), np.maximum(*highs)
        same = np.zeros(len(first), np.bool_)
        extent = np.trunc(high - low) + 1
        empty = (extent < 1).any(axis=1) | _boxes_apart(lows, highs)
    else:
        low, high = np.minimum(*lows), np.maximum(*highs)
        same = (low >= high).any(axis=1)
        low, high = np.maximum(low, 0), np.minimum(high, np.subtract(size, 1))
        extent = high - low + 1
        empty = (low >= high).any(axis=1)
    return _Window(low[:, 0], low[:, 1], extent[:, 0], extent[:, 1], empty, same)


def _boxes_apart(lows: list[Floats], highs: list[Floats]) -> NDArray[np.bool_]:
    """Tell where pysot answers 0 from the bounding boxes alone."""
    areas = [np.prod(high - low, axis=1) for low, high in zip(lows, highs, strict=True)]
    shared = np.prod(np.minimum(*highs) - np.maximum(*lows), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = areas[0] / areas[1]
        overlap = shared / (areas[0] + areas[1] - shared)
        return np.asarray((ratio < 1e-10) | (1 / ratio < 1e-10) | (overlap <= 0))


def _strictly_convex(points: Floats) -> NDArray[np.bool_]:
    """Tell which polygons are quadrilaterals that turn the same way at every corner."""
    if points.shape[1] != 4:
        return np.zeros(len(points), np.bool_)
    edges = np.roll(points, -1, axis=1) - points
    after = np.roll(edges, -1, axis=1)
    turns = edges[..., 0] * after[..., 1] - edges[..., 1] * after[..., 0]
    return np.asarray((turns > 0).all(axis=1) | (turns < 0).all(axis=1))


def _chunks(pairs: NDArray[np.intp], heights: Floats) -> Iterator[NDArray[np.intp]]:
    """Yield pairs of similar height together, few enough for the cache."""
    pairs = pairs[np.argsort(heights[pairs], kind="stable")]
    start = 0
    while start < len(pairs):
        count = max(1, int(_CELLS // heights[pairs[start]]))
        # The last of them is the highest and decides how many rows there are.
        count = max(
            1, min(count, int(_CELLS // heights[pairs[min(start + count, len(pairs)) - 1]]))
        )
        yield pairs[start : start + count]
        start += count


def _convex(
    first: Floats, second: Floats, width: Floats, height: Floats, rule: RasterRule
) -> Floats:
    rows = np.arange(height.max())
    last = height[:, None] - 1
    spans = [_span(points, rows, last, width[:, None] - 1, rule) for points in (first, second)]
    (left, right), (other_left, other_right) = spans
    area = np.maximum(right - left + 1, 0).sum(axis=1)
    area += np.maximum(other_right - other_left + 1, 0).sum(axis=1)
    np.maximum(left, other_left, out=left)
    np.minimum(right, other_right, out=right)
    right -= left
    right += 1
    shared: Floats = np.maximum(right, 0, out=right).sum(axis=1)
    union = area - shared
    overlaps = np.zeros_like(shared)
    np.divide(shared, union, out=overlaps, where=union > 0)
    return overlaps


def _span(
    points: Floats, rows: Floats, last_row: Floats, last_column: Floats, rule: RasterRule
) -> tuple[Floats, Floats]:
    """Return the first and the last filled pixel of every row, (N, rows) each; last < first: none.

    Of a convex polygon these are the outermost crossings.
    """
    left = np.full((len(points), len(rows)), _FAR)
    right = np.full_like(left, -_FAR)
    x, away, beyond = np.empty_like(left), np.empty_like(left), np.empty(left.shape, np.bool_)
    for edge in range(points.shape[1]):
        (ax, ay), (bx, by) = points[:, edge].T[..., None], points[:, edge - 1].T[..., None]
        rise = by - ay
        level = rise == 0  # its ends are those of its neighbours
        first, last = np.minimum(ay, by), np.minimum(np.maximum(ay, by), last_row)
        np.less(rows, np.where(level, _FAR, first), out=beyond)
        beyond |= rows > last
        np.multiply(beyond, 4 * _FAR, out=away)
        # In this order, for the last bit decides what is truncated.
        np.subtract(rows, ay, out=x)
        x /= np.where(level, 1, rise)
        x *= bx - ax
        x += ax
        np.trunc(x, out=x)
        x += away
        np.minimum(left, x, out=left)
        away *= 2
        x -= away
        np.maximum(right, x, out=right)
    if not rule.thin:
        right[right == left] = -_FAR
    return np.maximum(left, 0, out=left), np.minimum(right, last_column, out=right)


def _drawn(points: Floats, shape: tuple[int, int], rule: RasterRule) -> NDArray[np.bool_]:
    """Draw any polygon; returns a mask of shape (height, width)."""
    height, width = shape
    rows = np.arange(height)[:, None]
    (ax, ay), (bx, by) = points.T, np.roll(points, 1, axis=0).T
    rise = by - ay
    crossed = (rows >= np.minimum(ay, by)) & (rows <= np.maximum(ay, by))
    if not rule.thin:
        crossed &= rise != 0
    steps = np.where(rise == 0, 1, rise)
    nodes = np.trunc(ax + (rows - ay) / steps * np.where(rise == 0, 0, bx - ax))
    nodes = np.sort(np.where(crossed, nodes, _FAR), axis=1).astype(np.int64)
    count = crossed.sum(axis=1)
    edges = np.zeros((height, width + 1), np.int64)
    waiting = np.zeros(height, np.bool_)  # the next node ends a span
    for node in range(nodes.shape[1] - 1):
        begin, end = nodes[:, node], nodes[:, node + 1]
        paired = (node < count - 1) & ~waiting
        twice = paired & (begin == end)
        if rule.thin:
            twice &= node < count - 2
        fills = paired & ~twice
        inside = np.flatnonzero(fills & (begin < width) & (end >= 0))
        np.add.at(edges, (inside, np.maximum(begin[inside], 0)), 1)
        np.add.at(edges, (inside, np.minimum(end[inside], width - 1) + 1), -1)
        waiting = fills
    return np.cumsum(edges[:, :-1], axis=1) > 0
