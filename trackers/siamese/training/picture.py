"""Pictures of training samples: crops as images, maps as images, samples in two columns."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vostool_trackers.siamese.inference.crops import SEARCH

Image = NDArray[np.uint8]
_MOST = 16
_SIDE = SEARCH // 3  # of the small images


def as_image(crop: Tensor) -> Image:
    """Return a (3, H, W) crop of 0 to 255 as (H, W, 3) uint8."""
    pixels = crop.float().clamp(0, 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())


def as_grey(values: Tensor) -> Image:
    """Return an (H, W) map of 0 to 1 as a grey (H, W, 3) uint8 image."""
    pixels = (255 * values.float().clamp(0, 1)).round().to(torch.uint8).cpu().numpy()
    return np.repeat(pixels[..., None], 3, axis=2)


def beside(search: Image, small: Sequence[Image]) -> Image:
    """Put up to three images, made small, in a column to the left of a search crop."""
    column = np.zeros((SEARCH, _SIDE, 3), np.uint8)
    for place, image in enumerate(small):
        method = cv2.INTER_AREA if image.shape[0] > _SIDE else cv2.INTER_NEAREST
        shown = cv2.resize(image, (_SIDE, _SIDE), interpolation=method)
        column[place * _SIDE : (place + 1) * _SIDE] = shown
    return np.hstack((column, search))


def in_columns(count: int, sample: Callable[[int], Image]) -> Image:
    """Return up to 16 samples in two columns.

    Args:
        count: of samples.
        sample: returns the image of one; all are of one size.
    """
    rows = [sample(index) for index in range(min(count, _MOST))]
    if len(rows) % 2:
        rows.append(np.zeros_like(rows[0]))
    return np.vstack([np.hstack(rows[i : i + 2]) for i in range(0, len(rows), 2)])


def draw_contour(image: NDArray[np.uint8], ends: Tensor, color: tuple[int, int, int]) -> None:
    """Draw a closed line through (R, 2) points."""
    cv2.polylines(image, [ends.round().to(torch.int32).numpy()], True, color, 1, cv2.LINE_AA)


def draw_outline(image: Image, mask: Tensor, color: tuple[int, int, int]) -> None:
    """Draw the outline of an (H, W) bool mask."""
    pixels = mask.cpu().numpy().astype(np.uint8)
    lines, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, lines, -1, color, 1)


def mask_and_target(logits: Tensor, signs: Tensor) -> Image:
    """Return a prediction in the red channel, made as large as its target in the green one.

    Args:
        logits: (h, w).
        signs: (H, W) 1 on the object.
    """
    image = np.zeros((*signs.shape, 3), np.uint8)
    image[..., 1] = as_grey(signs.clamp(min=0))[..., 0]
    red = as_grey(logits.sigmoid())[..., 0]
    image[..., 0] = cv2.resize(red, signs.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return image
