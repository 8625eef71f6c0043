"""Putting drawn objects on a picture and into its label map, with the shadows they cast."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vostool.datasets.synthetic.textures import Field, Image
from vostool.types import Labels, Mask


@dataclass(frozen=True, slots=True)
class Patch:
    """A drawn object: its part of the frame, which may reach over the frame's edges.

    Args:
        left, top: frame coordinates of the patch's first pixel.
        color: (h, w, 3) float32, already multiplied by `alpha`.
        alpha: (h, w) float32 coverage, smeared by motion.
        mask: (h, w) bool, the sharp shape at mid-exposure.
    """

    left: int
    top: int
    color: Image
    alpha: Field
    mask: Mask


def blend(image: Image, labels: Labels | None, patch: Patch, label: int) -> None:
    """Put the patch on top of the image and, where its mask is, its label into the label map."""
    cut = _overlap(patch, image.shape[:2])
    if cut is None:
        return
    there, here = cut
    alpha = patch.alpha[here][..., None]
    image[there] += patch.color[here] - alpha * image[there]
    if labels is not None:
        labels[there][patch.mask[here]] = label


def shade_below(image: Image, foot: tuple[float, float], scale: float, depth: float = 0.5) -> None:
    """Darken the ground under the feet of an object that is seen from the side.

    Args:
        foot: x, y of the point between its feet, pixels.
        scale: its radius, pixels.
        depth: part of the light that is taken away.
    """
    height, width = image.shape[:2]
    x = (np.arange(width, dtype=np.float32) + 0.5 - foot[0]) / (0.62 * scale)
    y = (np.arange(height, dtype=np.float32) + 0.5 - foot[1]) / (0.12 * scale)
    rows, columns = np.flatnonzero(np.abs(y) < 2.5), np.flatnonzero(np.abs(x) < 2.5)
    if rows.size and columns.size:
        there = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        soft = np.exp(-(y[there[0]] ** 2))[:, None] * np.exp(-(x[there[1]] ** 4))[None, :]
        image[there] *= (1 - depth * soft)[..., None].astype(np.float32)


def shade_beside(image: Image, patch: Patch, scale: float, depth: float = 0.4) -> None:
    """Darken the ground beside an object that is seen from above; light is from the upper left."""
    offset = max(1, round(0.16 * scale))
    moved = Patch(
        patch.left + offset // 2, patch.top + offset, patch.color, patch.alpha, patch.mask
    )
    cut = _overlap(moved, image.shape[:2])
    if cut is None:
        return
    soft = cv2.GaussianBlur(patch.alpha, (0, 0), max(0.6, 0.07 * scale))
    image[cut[0]] *= 1 - depth * soft[cut[1]][..., None]


def _overlap(patch: Patch, frame: tuple[int, ...]) -> tuple[Any, Any] | None:
    height, width = patch.alpha.shape
    left, top = max(0, patch.left), max(0, patch.top)
    right, bottom = min(frame[1], patch.left + width), min(frame[0], patch.top + height)
    if right <= left or bottom <= top:
        return None
    there = np.s_[top:bottom, left:right]
    here = np.s_[top - patch.top : bottom - patch.top, left - patch.left : right - patch.left]
    return there, here
