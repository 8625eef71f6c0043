"""Colour models: one histogram for the whole object, one for each place on it."""

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]


def _normalised_lab(rgb: NDArray[np.uint8]) -> Map:
    """Return (h, w, 3) colours in [0, 1): CIE L*a*b*, a* and b* stretched as they vary less."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 0] /= 256.0
    lab[..., 1:] = (lab[..., 1:] - 128.0) / 160.0 + 0.5
    return np.clip(lab, 0.0, 0.999)


class GlobalColor:
    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._fg = self._bg = None

    def index(self, lab: Map) -> NDArray[np.int64]:
        q = (lab * self._bins).astype(np.int64)
        return (q[..., 0] * self._bins + q[..., 1]) * self._bins + q[..., 2]

    def learn(self, index, mask: Map, rate: float) -> None:
        fg = self._histogram(index, mask)
        bg = self._histogram(index, 1 - mask)
        if self._fg is None:
            self._fg, self._bg = fg, bg
            self._fg0, self._bg0 = fg, bg
        else:
            self._fg = (1 - rate) * self._fg + rate * fg
            self._bg = (1 - rate) * self._bg + rate * bg

    def _histogram(self, index, weight):
        n = self._bins
        h = np.bincount(index.ravel(), weight.ravel(), n**3).astype(np.float32).reshape(n, n, n)
        for axis in range(3):
            h = blur(h, axis)
        return h / max(h.sum(), 1e-6)

    def log_odds(self, index) -> Map:
        e = 0.02 / self._bins**3 * 50
        fg = 0.5 * self._fg + 0.5 * self._fg0
        bg = 0.8 * self._bg + 0.2 * self._bg0
        return np.log((fg + e) / (bg + e)).ravel()[index]


def blur(a, axis):
    lower = (slice(None),) * axis + (slice(None, -1),)
    upper = (slice(None),) * axis + (slice(1, None),)
    quarter = 0.25 * a
    out = 0.5 * a
    out[upper] += quarter[lower]
    out[lower] += quarter[upper]
    return out


class LocalColor:
    """Bilateral grid over place and colour (Maerki et al., CVPR 2016)."""

    def __init__(self, cells: int, bins: int) -> None:
        self._cells, self._bins = cells, bins
        self._grid = None
        self._anchor = None

    def index(self, lab, places):
        """places: (h, w, 2) in [0, 1): relative to the object's centre."""
        q = (lab * self._bins).astype(np.int64)
        c = np.clip((places * self._cells).astype(np.int64), 0, self._cells - 1)
        b = self._bins
        return (((c[..., 1] * self._cells + c[..., 0]) * b + q[..., 0]) * b + q[..., 1]) * b + q[
            ..., 2
        ]

    def learn(self, index, mask, rate):
        shape = (2, self._cells, self._cells, self._bins, self._bins, self._bins)
        size = int(np.prod(shape[1:]))
        grid = (
            np.stack([np.bincount(index.ravel(), w.ravel(), size) for w in (mask, 1 - mask)])
            .astype(np.float32)
            .reshape(shape)
        )
        if self._grid is None:
            self._grid = grid
            self._anchor = grid
        else:
            self._grid = (1 - rate) * self._grid + rate * grid

    def log_odds(self, index, anchor):
        g = self._grid + anchor * self._anchor
        for axis in (1, 2, 3, 4, 5):
            g = blur(g, axis)
        e = 0.05
        return np.log((g[0] + e) / (g[1] + e)).ravel()[index]
