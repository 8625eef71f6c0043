"""J, F and their statistics as the papers define them: the readable version, not the fast one.

Nothing scores with this module. It is what to read first, and what tests hold the fast code of
`frame`, `boundary` and `statistics` against, value for value.

Source: Perazzi et al., CVPR 2016, section 4. The contour is that of the official evaluators: a
pixel is on it if it differs from its right, lower or lower right neighbor, with the image's border
repeated outwards.
"""

from fractions import Fraction

import numpy as np
from skimage.morphology import dilation, disk

from vostool.types import Labels, Mask


def region_similarity(prediction: Mask, truth: Mask) -> float:
    """Return J, the intersection over union of two (H, W) masks; 1 if both are empty."""
    union = int((prediction | truth).sum())
    return int((prediction & truth).sum()) / union if union else 1.0


def contour(mask: Mask) -> Mask:
    """Return the (H, W) map of pixels on the contour of a mask."""
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    right, below, diagonal = padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    edge: Mask = (mask != right) | (mask != below) | (mask != diagonal)
    return edge


def contour_accuracy(prediction: Mask, truth: Mask, radius: int) -> float:
    """Return F: a contour pixel counts if the other contour has one within `radius` pixels."""
    ours, theirs = contour(prediction), contour(truth)
    reach = disk(radius)  # type: ignore[no-untyped-call]
    our_matches = int((ours & dilation(theirs, reach)).sum())
    their_matches = int((theirs & dilation(ours, reach)).sum())
    return f_measure(int(ours.sum()), int(theirs.sum()), our_matches, their_matches)


def f_measure(n_ours: int, n_theirs: int, our_matches: int, their_matches: int) -> float:
    """Return the harmonic mean of precision and recall of two contours.

    It is 1 if both are empty and 0 if one is.
    """
    if n_ours == 0 and n_theirs == 0:
        return 1.0
    if n_ours == 0 or n_theirs == 0 or our_matches + their_matches == 0:
        return 0.0
    precision, recall = our_matches / n_ours, their_matches / n_theirs
    return 2 * precision * recall / (precision + recall)


def scores(
    prediction: Labels, truth: Labels, ids: list[int], radius: int
) -> list[tuple[int, float, float]]:
    """Return `(id, J, F)` of each object of two (H, W) label maps."""
    masks = [(i, prediction == i, truth == i) for i in ids]
    return [(i, region_similarity(p, t), contour_accuracy(p, t, radius)) for i, p, t in masks]


def statistics(values: list[float]) -> tuple[float, float, float]:
    """Return mean, recall and decay of J or F over the frames of one object, as fractions.

    Recall is the share of frames above 0.5; decay is the mean of the first quarter minus that of
    the last. Quarters begin and end at frame 1 + (T - 1) k / 4, halves rounded up, both ends
    included. Sums are exact and rounded once.
    """
    exact = [Fraction(value) for value in values]
    edges = [(4 + (len(values) - 1) * quarter + 2) // 4 - 1 for quarter in range(5)]
    first, last = exact[edges[0] : edges[1] + 1], exact[edges[3] : edges[4] + 1]
    recall = Fraction(sum(value > Fraction(1, 2) for value in exact), len(exact))
    decay = sum(first) / len(first) - sum(last) / len(last)
    return float(sum(exact) / len(exact)), float(recall), float(decay)
