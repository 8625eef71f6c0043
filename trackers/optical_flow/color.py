"""Colour as a small vocabulary, and histograms of it over places."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
LEVELS = (8, 6, 6)


def equalised_lut(values, levels, min_width):
    """256-entry table to levels by quantile with a least width."""
    qs = np.quantile(values, np.linspace(0, 1, levels + 1)[1:-1])
    edges = []
    mid = len(qs) // 2
    e = qs.copy()
    for i in range(mid + 1, len(e)):
        e[i] = max(e[i], e[i - 1] + min_width)
    for i in range(mid - 1, -1, -1):
        e[i] = min(e[i], e[i + 1] - min_width)
    return np.searchsorted(e, np.arange(256), side="right").astype(np.uint8)


class Palette:
    def __init__(self, lab, weight=None):
        self.luts = [
            equalised_lut(lab[..., i].ravel(), n, w)
            for i, (n, w) in enumerate(zip(LEVELS, (8, 4, 4)))
        ]
        self.size = int(np.prod(LEVELS))

    def index(self, lab):
        l, a, b = (self.luts[i][lab[..., i]].astype(np.int32) for i in range(3))
        return (l * LEVELS[1] + a) * LEVELS[2] + b


def smooth(x, axis, side=0.5):
    """[side 1 side] along an axis, edges cut."""
    n = x.shape[axis]
    out = x.copy()
    a = [slice(None)] * x.ndim
    b = [slice(None)] * x.ndim
    a[axis], b[axis] = slice(0, n - 1), slice(1, n)
    a, b = tuple(a), tuple(b)
    out[b] += side * x[a]
    out[a] += side * x[b]
    return out


def place_histogram(cell, cells, idx, weight, cs=0.35):
    """(cells y, x, colours) histogram of weighted pixels, smoothed over place and colour."""
    k = int(np.prod(LEVELS))
    n = cells[0] * cells[1] * k
    h = np.bincount((cell * k + idx).ravel(), weight.ravel(), n).astype(np.float32)
    h = h.reshape(*cells, *LEVELS)
    for ax in range(5):
        if h.shape[ax] > 1:
            h = smooth(h, ax, 0.5 if ax < 2 else cs)
    return h.reshape(*cells, k)
