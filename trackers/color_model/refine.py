"""From log odds to a mask: smoothness along edges of color, and no stray pieces."""

import cv2
import numpy as np

from vostool_trackers.color_model.geometry import Map

# Half of the eight neighbours, down and right, with the inverse of their distance.
_NEIGHBOURS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.7071), (1, -1, 0.7071))


def mean_field(log_odds: Map, lab: Map, weight: float, steps: int) -> Map:
    """Return the object's probability under an Ising model with contrast-sensitive couplings.

    The energy is GrabCut's (Rother et al., SIGGRAPH 2004, section 2.1) with `log_odds` as its data
    term. Mean-field inference stands in for its graph cut: it takes data terms of any kind, needs
    no random numbers and gives probabilities.

    Args:
        log_odds: (h, w) of the object.
        lab: (h, w, 3) colors.
        weight: coupling of neighbours of equal color.
        steps: damped iterations.
    """
    differences = []
    for dy, dx, _ in _NEIGHBOURS:
        here, there = _pair(lab, dy, dx)
        differences.append(((here - there) ** 2).sum(2))
    total = sum(float(d.sum()) for d in differences)
    beta = sum(d.size for d in differences) / (2.0 * total + 1e-9)
    couplings = [
        np.float32(2.0 * weight * near) * np.exp(np.float32(-beta) * d)
        for (_, _, near), d in zip(_NEIGHBOURS, differences, strict=True)
    ]
    spin = np.tanh(0.5 * log_odds)
    for _ in range(steps):
        field = log_odds.copy()
        for (dy, dx, _), coupling in zip(_NEIGHBOURS, couplings, strict=True):
            here, there = _pair(spin, dy, dx)
            field_here, field_there = _pair(field, dy, dx)
            field_here += coupling * there
            field_there += coupling * here
        spin = 0.5 * spin + 0.5 * np.tanh(0.5 * field)
    return np.asarray(0.5 + 0.5 * spin, np.float32)


def drop_strays(probability: Map, prior: Map) -> Map:
    """Zero the pieces that are small beside the largest or hardly overlap the prior."""
    pieces, labels, stats, _ = cv2.connectedComponentsWithStats(
        (probability > 0.5).astype(np.uint8), connectivity=8
    )
    if pieces <= 2:  # background and one piece
        return probability
    areas = stats[:, cv2.CC_STAT_AREA]
    shared = np.bincount(labels.ravel(), (prior > 0.5).ravel(), pieces)
    keep = (areas >= 0.1 * areas[1:].max()) & (shared > 0.2 * areas)
    keep[0] = True
    return np.where(keep[labels], probability, np.float32(0.0))


def signed_distance(inside: Map) -> Map:
    """Return the distance to the outline of `inside > 0.5` in px, positive inside."""
    mask = (inside > 0.5).astype(np.uint8)
    within, beyond = (cv2.distanceTransform(m, cv2.DIST_L2, 3) for m in (mask, 1 - mask))
    # OpenCV's distance to an outline that does not exist is the largest float.
    return np.asarray(np.clip(within, 0.0, 1e6) - np.clip(beyond, 0.0, 1e6), np.float32)


def _pair(a: Map, dy: int, dx: int) -> tuple[Map, Map]:
    """Return views of all pixels that have the neighbour (dy, dx), and of those neighbours."""
    rows, cols = a.shape[:2]
    if dx >= 0:
        return a[: rows - dy, : cols - dx], a[dy:, dx:]
    return a[: rows - dy, -dx:], a[dy:, : cols + dx]
