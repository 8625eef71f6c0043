"""Mean, recall and decay of a measure over the frames of one object (CVPR 2016, section 4)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RECALL_THRESHOLD = 0.5


class Statistics(NamedTuple):
    """Mean, recall and decay of J or F over time."""

    mean: float
    recall: float
    decay: float


def statistics(values: NDArray[np.float64]) -> Statistics:
    """Return mean, recall and decay of per-frame values.

    Recall is the share of frames strictly above 0.5. Decay is the mean of the first quarter of the
    frames minus the mean of the last; as in the official evaluator neighbouring quarters share a
    frame, but the quarters stay right beyond 256 frames, where its 8-bit indices overflow.

    Args:
        values: (T,) in [0, 1], T >= 1, in temporal order.
    """
    edges = np.round(np.linspace(1, len(values), 5) + 1e-10).astype(np.int64) - 1
    first = values[edges[0] : edges[1] + 1]
    last = values[edges[3] : edges[4] + 1]
    return Statistics(
        mean=float(values.mean()),
        recall=float((values > RECALL_THRESHOLD).mean()),
        decay=float(first.mean() - last.mean()),
    )
