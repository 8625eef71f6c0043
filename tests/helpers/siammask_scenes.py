"""Two frames that everybody can draw, and the weights that the goldens were made with."""

import numpy as np
from numpy.typing import NDArray

BOX = (150.0, 90.0, 80.0, 60.0)  # x, y, w, h of the object on the first frame
# Ends of the published names -> factors that keep logits and boxes in a sensible range.
GAINS = {
    "features.features.bn1.weight": 0.01,
    "rpn_model.loc.head.3.weight": 0.003,
    "rpn_model.cls.head.3.weight": 0.02,
    "mask_model.mask.head.3.weight": 0.05,
}


def drawn(shift: float) -> NDArray[np.uint8]:
    """Return a (240, 360, 3) uint8 RGB frame: an ellipse of waves over other waves."""
    y, x = np.mgrid[:240, :360].astype(np.float64)
    ground = [np.sin(x / 17 + c) * np.cos(y / 23 - c) for c in range(3)]
    shape = [np.sin((x - shift) / 5 + 2 * c) for c in range(3)]
    inside = ((x - 190 - shift) / 40) ** 2 + ((y - 120) / 30) ** 2 <= 1
    image = np.where(inside[..., None], np.stack(shape, -1), np.stack(ground, -1))
    return np.round(127.5 + 120 * image).astype(np.uint8)
