"""J, F and their statistics written from the definitions, slowly: what fast code is held against.

Perazzi et al., CVPR 2016, section 4, with the contour of the official evaluators: a pixel is on it
if it differs from its right, lower or lower right neighbour, the border repeating itself outwards.
"""

from fractions import Fraction

import numpy as np


def region(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Return J, pixel by pixel."""
    both = either = 0
    for ours, theirs in zip(prediction.flat, truth.flat, strict=True):
        both += bool(ours) and bool(theirs)
        either += bool(ours) or bool(theirs)
    return both / either if either else 1.0


def contour(mask: np.ndarray) -> np.ndarray:
    """Return the contour map, pixel by pixel."""
    height, width = mask.shape
    edge = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            down, right = min(y + 1, height - 1), min(x + 1, width - 1)
            neighbours = mask[y, right], mask[down, x], mask[down, right]
            edge[y, x] = any(value != mask[y, x] for value in neighbours)
    return edge


def harmonic(n_ours: int, n_theirs: int, our_matches: int, their_matches: int) -> float:
    """Return F from the sizes of both contours and how much of each is matched."""
    if n_ours == 0 and n_theirs == 0:
        return 1.0
    if n_ours == 0 or n_theirs == 0 or our_matches + their_matches == 0:
        return 0.0
    precision, recall = our_matches / n_ours, their_matches / n_theirs
    return 2 * precision * recall / (precision + recall)


def contour_accuracy(prediction: np.ndarray, truth: np.ndarray, radius: int) -> float:
    """Return F by looking at every pair of contour pixels, in whole numbers."""
    ours, theirs = np.argwhere(contour(prediction)), np.argwhere(contour(truth))
    squared = ((ours[:, None] - theirs[None]) ** 2).sum(axis=2)
    near = squared <= radius**2
    return harmonic(len(ours), len(theirs), int(near.any(1).sum()), int(near.any(0).sum()))


def scores(
    prediction: np.ndarray, truth: np.ndarray, ids: list[int], radius: int
) -> list[tuple[int, float, float]]:
    """Return `(id, J, F)` of each object of two label maps."""
    pairs = [(i, prediction == i, truth == i) for i in ids]
    return [(i, region(p, t), contour_accuracy(p, t, radius)) for i, p, t in pairs]


def statistics(values: list[float]) -> tuple[float, float, float]:
    """Return mean, recall and decay in fractions, rounded at the end only.

    The quarters begin and end at 1 + (T - 1) k / 4, halves rounded up, both ends included.
    """
    exact = [Fraction(value) for value in values]
    edges = [(4 + (len(values) - 1) * quarter + 2) // 4 - 1 for quarter in range(5)]
    first, last = exact[edges[0] : edges[1] + 1], exact[edges[3] : edges[4] + 1]
    recall = Fraction(sum(value > Fraction(1, 2) for value in exact), len(exact))
    decay = sum(first) / len(first) - sum(last) / len(last)
    return float(sum(exact) / len(exact)), float(recall), float(decay)
