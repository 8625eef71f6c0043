"""Region similarity J: the Jaccard index of two masks (Perazzi et al., CVPR 2016, section 4)."""

import numpy as np

from vostool.types import Mask


def region_similarity(prediction: Mask, truth: Mask) -> float:
    """Return |prediction and truth| / |prediction or truth|, and 1 if both are empty.

    Args:
        prediction: (H, W) bool.
        truth: (H, W) bool.
    """
    union = int(np.count_nonzero(prediction | truth))
    if union == 0:
        return 1.0
    return int(np.count_nonzero(prediction & truth)) / union
