"""Success and precision of boxes that are tracked through without restarts.

Wu, Lim and Yang, "Online Object Tracking: A Benchmark", CVPR 2013 (success, precision); Mueller et
al., "TrackingNet", ECCV 2018 (normalised precision).
"""

import numpy as np

from vostool.types import Floats

OVERLAPS = np.arange(0, 1.05, 0.05)  # thresholds of success
DISTANCES = np.arange(0, 51, 1)  # thresholds of precision, pixels
SHARES = DISTANCES / 100  # thresholds of normalised precision, parts of the object's sides


def box_overlaps(first: Floats, second: Floats) -> Floats:
    """Return intersection over union of (N, 4) boxes x, y, w, h."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(first[:, 2:], axis=1) + np.prod(second[:, 2:], axis=1) - shared
    overlaps = np.zeros(len(first))
    np.divide(shared, union, out=overlaps, where=union > 0)
    return np.clip(overlaps, 0, 1)


def success_curve(found: Floats, truth: Floats) -> Floats:
    """Return the share of frames whose overlap is above each of `OVERLAPS`."""
    return np.asarray((box_overlaps(found, truth)[:, None] > OVERLAPS).mean(axis=0))


def precision_curve(found: Floats, truth: Floats) -> Floats:
    """Return the share of frames whose centres are at most each of `DISTANCES` apart."""
    offset = _centres(found) - _centres(truth)
    return np.asarray((np.hypot(*offset.T)[:, None] <= DISTANCES).mean(axis=0))


def normalised_precision_curve(found: Floats, truth: Floats) -> Floats:
    """Return the share of frames whose centres are at most each of `SHARES` apart."""
    offset = (_centres(found) - _centres(truth)) / truth[:, 2:]
    return np.asarray((np.hypot(*offset.T)[:, None] <= SHARES).mean(axis=0))


def _centres(boxes: Floats) -> Floats:
    return boxes[:, :2] + boxes[:, 2:] / 2
