"""A frame that everybody can draw, and the weights that the goldens were made with."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.helpers.seeded import seeded_weights

MAPS = ("features", "levels", "score", "centerness", "box", "rays")
KEPT = 30  # detections, the best
MEAN = (102.9801, 115.9465, 122.7717)  # BGR
_SHIFTS = {  # so that some cells are sure of a class, and rays are of a sensible length
    "bbox_head.polar_cls.bias": -5.5,
    "bbox_head.polar_centerness.bias": -0.5,
    "bbox_head.polar_reg.bias": math.log(30),
    "bbox_head.polar_mask.bias": math.log(30),
}


def weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return tensors under the published names; they differ from each other, and are sensible."""
    gains = {"polar_cls.weight": 1.6, "polar_mask.weight": 0.3, "polar_reg.weight": 0.5}
    found = seeded_weights(shapes, gains)
    for name, shift in _SHIFTS.items():
        found[name] += shift
    for name in found:
        if name.endswith(".scale"):
            found[name] += 1.0
    return found


def drawn() -> NDArray[np.uint8]:
    """Return a (150, 213, 3) uint8 RGB frame: waves, and an ellipse of other waves."""
    y, x = np.mgrid[:150, :213].astype(np.float64)
    ground = [np.sin(x / 17 + c) * np.cos(y / 23 - c) for c in range(3)]
    shape = [np.sin(x / 5 + 2 * c) for c in range(3)]
    inside = ((x - 120) / 40) ** 2 + ((y - 70) / 30) ** 2 <= 1
    image = np.where(inside[..., None], np.stack(shape, -1), np.stack(ground, -1))
    return np.round(127.5 + 120 * image).astype(np.uint8)


def given(frame: NDArray[np.uint8]) -> Tensor:
    """Return (1, 3, H, W) as the original makes it: BGR less a mean, padded to multiples of 32."""
    image = frame[..., ::-1].astype(np.float32) - np.float32(MEAN)
    high, wide = (side + -side % 32 for side in frame.shape[:2])
    padded = np.zeros((high, wide, 3), np.float32)
    padded[: frame.shape[0], : frame.shape[1]] = image
    return torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)))[None]


def some_of(values: Tensor) -> Tensor:
    """Return 150 to 300 of the values of a map, or all if there are fewer."""
    return values.flatten()[:: (values.numel() // 150) | 1]


def shapes_of(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of tensors but for the counters of norms."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    }
