"""Color as a small vocabulary, and histograms of it over places."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Image = NDArray[np.uint8]
Index = NDArray[np.int32]

LEVELS = (8, 6, 6)  # of L, a and b
NARROWEST = (8, 4, 4)  # least width of a level, so that noise does not split a color
COLORS = LEVELS[0] * LEVELS[1] * LEVELS[2]


class Palette:
    """Quantise Lab colors so that each level holds about as many pixels of the first frame.

    Args:
        lab: (H, W, 3) uint8 frame whose quantiles place the levels.
    """

    def __init__(self, lab: Image) -> None:
        table = np.zeros((256, 3), np.int32)
        for channel, (levels, width) in enumerate(zip(LEVELS, NARROWEST, strict=True)):
            edges = _quantiles(lab[..., channel], levels, width)
            table[:, channel] = np.searchsorted(edges, np.arange(256), side="right")
        self._table = table * np.array((LEVELS[1] * LEVELS[2], LEVELS[2], 1), np.int32)

    def index(self, lab: Image) -> Index:
        """Return the (H, W) int32 color number, 0 to COLORS - 1, of an (H, W, 3) uint8 frame."""
        lightness, a, b = (self._table[lab[..., channel], channel] for channel in range(3))
        return np.asarray(lightness + a + b, np.int32)


def _quantiles(values: Image, levels: int, width: int) -> NDArray[np.float64]:
    edges = np.quantile(values, np.linspace(0, 1, levels + 1)[1:-1])
    middle = len(edges) // 2
    for i in range(middle + 1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + width)
    for i in range(middle - 1, -1, -1):
        edges[i] = min(edges[i], edges[i + 1] - width)
    return edges


def histograms(place: Index, shape: tuple[int, int], color: Index, weights: list[Plane]) -> Plane:
    """Count weighted pixels by place and color.

    Args:
        place: (H, W) number of the place a pixel is in, row by row in a grid of `shape`.
        shape: rows and columns of the grid of places.
        color: (H, W) color number.
        weights: N maps (H, W) float32, one histogram each.

    Returns:
        (N, rows, columns, COLORS) float32 weight sums.
    """
    bins = (place * COLORS + color).ravel()
    size = shape[0] * shape[1] * COLORS
    counts = [np.bincount(bins, weight.ravel(), size) for weight in weights]
    return np.asarray(counts, np.float32).reshape(len(weights), *shape, COLORS)


def smooth(counts: Plane, place: float = 0.5, color: float = 0.35) -> Plane:
    """Let every cell of (N, rows, columns, COLORS) histograms give a share to its neighbours."""
    spread = counts.reshape(*counts.shape[:3], *LEVELS)
    for axis in range(1, 6):
        if spread.shape[axis] > 1:
            spread = _share(spread, axis, place if axis < 3 else color)
    return spread.reshape(counts.shape)


def _share(counts: Plane, axis: int, share: float) -> Plane:
    spread = counts.copy()
    moved, source = np.moveaxis(spread, axis, 0), np.moveaxis(counts, axis, 0)
    moved[1:] += share * source[:-1]
    moved[:-1] += share * source[1:]
    return spread


def log_ratio(counts: Plane, pseudo_count: float, limit: float) -> Plane:
    """Return log((foreground + c) / (background + c)) of (2, ...) counts, within +-limit."""
    ratio = np.log((counts[0] + pseudo_count) / (counts[1] + pseudo_count))
    return np.asarray(np.clip(ratio, -limit, limit), np.float32)


def normalised(counts: Plane, total: float = 1000.0) -> Plane:
    """Scale the foreground and the background of (2, ...) counts to the same total."""
    sums = counts.reshape(2, -1).sum(1) + 1e-6
    return np.asarray(counts * (total / sums).reshape(2, *[1] * (counts.ndim - 1)), np.float32)


def motion_ratio(residual: Plane, mask: Plane, pseudo_count: float, limit: float) -> Plane:
    """Return the log ratio of mask to rest for the flow vector at every pixel.

    Args:
        residual: (H, W, 2) float32 flow relative to the background.
        mask: (H, W) float32 foreground probability.
        pseudo_count, limit: see `log_ratio`.

    Returns:
        (H, W) float32.
    """
    scale = np.sqrt((residual**2).sum(-1)).mean() + 0.5
    levels = np.clip(np.rint(np.arcsinh(residual * (2 / scale)) * 3) + 8, 0, 16).astype(np.int32)
    bins = levels[..., 0] * 17 + levels[..., 1]
    counts = np.empty((2, 17, 17), np.float32)
    for row, weight in enumerate((mask, 1 - mask)):
        histogram = np.bincount(bins.ravel(), weight.ravel(), 289).reshape(17, 17)
        counts[row] = cv2.GaussianBlur(histogram, (3, 3), 0.7, borderType=cv2.BORDER_CONSTANT)
    scores = log_ratio(normalised(counts), pseudo_count, limit).ravel()
    return np.asarray(scores[bins], np.float32)
