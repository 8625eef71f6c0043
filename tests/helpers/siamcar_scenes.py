"""Two frames that everybody can draw, and the weights that the goldens were made with."""

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.helpers.seeded import seeded_tensor, seeded_weights

BOX = (98.0, 70.0, 75.0, 50.0)  # x, y, w, h of the object on the first frame
# Ends of the published names -> factors that keep logits and boxes in a range where they say
# something.
GAINS = {"backbone.bn1.weight": 0.01, "car_head.bbox_pred.weight": 0.3}
LENGTH = 32.0  # pixels of the crop: typical distance to a side of the box
EDGES = (70.5, 60.5, 171.5, 140.5)  # left, top, right, bottom of the box of `seeded_maps`
# One value in so many is kept of each map.
STEPS = {
    "layer2": 8111,
    "layer3": 16411,
    "layer4": 32771,
    "kernel": 631,
    "joined": 2503,
    "cls": 23,
    "loc": 47,
    "cen": 11,
}


def painted(shift: float) -> NDArray[np.uint8]:
    """Return a (200, 300, 3) uint8 RGB frame: a diamond of rings over slanted waves."""
    y, x = np.mgrid[:200, :300].astype(np.float64)
    ground = np.stack([np.sin((x + c * y) / 19 + c) for c in (1, 2, 3)], -1)
    across, down = np.abs(x - 135 - shift) / 37, np.abs(y - 95 - shift / 2) / 25
    rings = np.stack([np.cos(9 * (across + down) + c) for c in range(3)], -1)
    image = np.where((across + down <= 1)[..., None], rings, 0.6 * ground)
    return np.round(127.5 + 120 * image).astype(np.uint8)


def filled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return weights under the published names."""
    weights = seeded_weights(shapes, GAINS)
    weights["car_head.bbox_pred.bias"] += float(torch.tensor(LENGTH).log())
    return weights


def seeded_maps() -> tuple[Tensor, Tensor, Tensor]:
    """Return logits (1, 2, 25, 25), lengths (1, 4, 25, 25) and centerness (1, 1, 25, 25)."""
    cls, loc, cen = (25 * seeded_tensor(f"map {n}", (1, n, 25, 25)) for n in (2, 4, 1))
    return cls, LENGTH * loc.exp(), cen


def reference_crop(
    frame: NDArray[np.uint8], centre: tuple[float, float], side: float, out: int, fill: list[int]
) -> Tensor:
    """Return a (1, 3, out, out) crop by OpenCV: a padded window of whole pixels, resized."""
    n = round(side)
    left, top = (int(np.floor(c - (n + 1) / 2 + 0.5)) for c in centre)
    padded = cv2.copyMakeBorder(frame, n, n, n, n, cv2.BORDER_CONSTANT, value=fill)
    window = padded[top + n : top + 2 * n, left + n : left + 2 * n]
    image = cv2.resize(window, (out, out))
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
