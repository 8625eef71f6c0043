"""Overlaps of two lists of regions, whatever shapes they are of."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from vostool.geometry import polygon_of
from vostool.metrics.polygon_clip import exact_overlaps
from vostool.metrics.polygon_raster import RasterRule, corners, raster_overlaps
from vostool.types import Floats, Regions


def region_overlaps(
    first: Regions, second: Regions, size: tuple[float, float], rule: RasterRule | None
) -> Floats:
    """Return intersection over union, frame by frame.

    Args:
        first: (T) regions.
        second: (T) regions.
        size: (width, height) of the frames; only what is inside counts.
        rule: how regions are drawn on pixels; None computes areas exactly.

    Returns:
        (T,) in [0, 1]; NaN where one of both is a code or absent.
    """
    overlaps = np.full(len(first), np.nan)
    kinds = product(np.unique(first.counts).tolist(), np.unique(second.counts).tolist())
    for one, other in kinds:
        if min(one, other) < 4:
            continue
        both = np.flatnonzero((first.counts == one) & (second.counts == other))
        a = _corners(first.values[both, :one], rule)
        b = _corners(second.values[both, :other], rule)
        if rule is None:
            overlaps[both] = exact_overlaps(a, b, size)
        else:
            overlaps[both] = raster_overlaps(a, b, size, rule)
    return overlaps


def reaches_beyond(regions: Regions, size: tuple[float, float]) -> NDArray[np.bool_]:
    """Tell which regions have something right of or below (width, height)."""
    beyond = np.zeros(len(regions), np.bool_)
    for count in np.unique(regions.counts).tolist():
        if count >= 4:
            rows = np.flatnonzero(regions.counts == count)
            points = _corners(regions.values[rows, :count], None)
            beyond[rows] = (points > size).any(axis=(1, 2))
    return beyond


def overlap_of(first: Floats, second: Floats, size: tuple[int, int], rule: RasterRule) -> float:
    """Return the overlap of two regions, each the numbers of a line of a file; see `regions`."""
    a, b = _corners(first[None], rule), _corners(second[None], rule)
    return float(raster_overlaps(a, b, size, rule)[0])


def _corners(values: Floats, rule: RasterRule | None) -> Floats:
    """Return (N, n, 2) corners of boxes or polygons of the same number of corners."""
    if values.shape[1] != 4:
        return values.reshape(len(values), -1, 2)
    if rule is not None:
        return corners(values, rule)
    return np.array([polygon_of(row) for row in values]).reshape(-1, 4, 2)
