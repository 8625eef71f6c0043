"""Two models of what object and background look like, both plain counts.

`GlobalColor` has one color histogram for each. `LocalColor` counts colors at every place around
the object, a grid over (x, y, color) as in Maerki et al., "Bilateral Space Video Segmentation"
(CVPR 2016), section 3, with dense cells and the object's centre as origin.
"""

import numpy as np
from numpy.typing import NDArray

from vostool_trackers.color_model.geometry import Map

Index = NDArray[np.int64]  # (h, w) flat position of every pixel's cell


class GlobalColor:
    """Color histograms of the object and of what surrounds it; the first frame stays in both."""

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._first: Map = np.zeros(0, np.float32)
        self._now: Map = self._first

    def learn(self, lab: Map, mask: Map, rate: float) -> None:
        """Blend in the colors of one crop.

        Args:
            lab: (h, w, 3) colors in [0, 1).
            mask: (h, w) share of the object in each pixel.
            rate: weight of this crop against all before.
        """
        histograms = _count(_color_index(lab, self._bins), mask, (self._bins,) * 3)
        histograms /= np.maximum(histograms.sum((1, 2, 3), keepdims=True), 1e-6)
        if not self._now.size:
            self._first = self._now = histograms
        else:
            self._now = self._now + np.float32(rate) * (histograms - self._now)

    def log_odds(self, lab: Map) -> Map:
        """Return the log odds of object against background for every pixel's color."""
        index = _color_index(lab, self._bins)
        # The background changes while the object moves on; the object's colors hardly do.
        fg = _smooth(0.5 * self._now[0] + 0.5 * self._first[0]).ravel()[index]
        bg = _smooth(0.8 * self._now[1] + 0.2 * self._first[1]).ravel()[index]
        floor = np.float32(1.0 / self._bins**3)  # one even share: unseen colors say nothing
        return np.log((fg + floor) / (bg + floor))


class LocalColor:
    """Color counts at each place on and around the object."""

    def __init__(self, cells: int, bins: int) -> None:
        self._shape = (cells, cells, bins, bins, bins)
        self._first: Map = np.zeros(0, np.float32)
        self._now: Map = self._first

    def learn(self, lab: Map, places: Map, mask: Map, rate: float) -> None:
        """Blend in one crop; arguments as for `GlobalColor.learn` and `log_odds`."""
        counts = _count(self._index(lab, places), mask, self._shape)
        if not self._now.size:
            self._first = self._now = counts
        else:
            self._now = self._now + np.float32(rate) * (counts - self._now)

    def log_odds(self, lab: Map, places: Map, anchor: float) -> Map:
        """Return the log odds of object against background for every pixel's place and color.

        Args:
            lab: (h, w, 3) colors in [0, 1).
            places: (h, w, 2) x, y relative to the object, [0, 1) inside the grid.
            anchor: weight of the first frame's counts.
        """
        index = self._index(lab, places)
        counts = self._now + np.float32(anchor) * self._first
        fg, bg = (_smooth(half).ravel()[index] for half in counts)
        floor = np.float32(0.05)  # pixels; cells with less than this have no say
        return np.log((fg + floor) / (bg + floor))

    def _index(self, lab: Map, places: Map) -> Index:
        cells, bins = self._shape[0], self._shape[-1]
        at = np.clip((places * cells).astype(np.int64), 0, cells - 1)
        return (at[..., 1] * cells + at[..., 0]) * bins**3 + _color_index(lab, bins)


def _color_index(lab: Map, bins: int) -> Index:
    q = (lab * bins).astype(np.int64)
    return (q[..., 0] * bins + q[..., 1]) * bins + q[..., 2]


def _count(index: Index, mask: Map, shape: tuple[int, ...]) -> Map:
    """Return (2, *shape) counts of object and background."""
    size = int(np.prod(shape))
    flat = index.ravel()
    halves = [np.bincount(flat, share.ravel(), size) for share in (mask, 1.0 - mask)]
    return np.stack(halves).astype(np.float32).reshape(2, *shape)


def _smooth(counts: Map) -> Map:
    """Blur along every axis with [1 2 1] / 4, so that neighbouring cells speak for each other.

    Args:
        counts: (..., bins, bins, bins) colors last. Most frames use a small part of the color
            space, and only that part is worked on.
    """
    light, a, b = _occupied(counts)
    part = counts[..., light, a, b]
    for axis in range(part.ndim):
        before = (slice(None),) * axis + (slice(None, -1),)
        after = (slice(None),) * axis + (slice(1, None),)
        quarter = np.float32(0.25) * part
        part = np.float32(0.5) * part
        part[after] += quarter[before]
        part[before] += quarter[after]
    smooth = np.zeros_like(counts)
    smooth[..., light, a, b] = part
    return smooth


def _occupied(counts: Map) -> list[slice]:
    """Return the ranges of the three color axes that hold counts, one cell wider each way."""
    colors = np.asarray(counts.reshape(-1, *counts.shape[-3:]).any(0))
    ranges = []
    for others in ((1, 2), (0, 2), (0, 1)):
        hits = np.flatnonzero(colors.any(others))
        first, last = (int(hits[0]), int(hits[-1])) if len(hits) else (0, 0)
        ranges.append(slice(max(0, first - 1), last + 2))
    return ranges
