"""Proposals with ids of their own, assigned to the objects of the ground truth.

The unsupervised task of DAVIS 2017 (Caelles et al., "The 2019 DAVIS Challenge on VOS", section 3):
over a sequence each object gets one proposal and each proposal at most one object, such that the
mean of J and F is highest, by the Hungarian method.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vostool.metrics.bitpacked import pair_scores
from vostool.types import Labels


def proposal_scores(
    prediction: Labels, truth: Labels, object_ids: Sequence[int], proposals: int, radius: int
) -> NDArray[np.float64]:
    """Return J and F of every proposal with every object on one frame.

    Args:
        prediction: (H, W) uint8 of proposal ids, none above `proposals`.
        truth: (H, W) uint8 of object ids; void is background.
        object_ids: the K objects of the ground truth.
        proposals: the highest id a proposal may have.
        radius: largest distance of matching contour pixels.

    Returns:
        (1 + proposals, K, 2) of J and F. Row 0 is that of a proposal which is nowhere on the frame.
    """
    scores = np.empty((1 + proposals, len(object_ids), 2))
    painted = np.flatnonzero(np.bincount(prediction.reshape(-1))).tolist()
    masks = {proposal: prediction == proposal for proposal in painted if proposal}
    nothing = np.zeros(truth.shape, np.bool_)
    for column, object_id in enumerate(object_ids):
        mask = truth == object_id
        scores[:, column] = pair_scores(nothing, mask, radius)
        for proposal, proposed in masks.items():
            scores[proposal, column] = pair_scores(proposed, mask, radius)
    return scores


def assign(scores: NDArray[np.float64]) -> list[int]:
    """Return the row that each column gets, so that the sum of their scores is highest.

    Args:
        scores: (P, K), P >= K.

    Returns:
        K different rows.
    """
    # Hundreds of milliseconds to import, and this protocol alone needs it.
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    rows, columns = linear_sum_assignment(-scores)
    return [int(row) for _, row in sorted(zip(columns, rows, strict=True))]
