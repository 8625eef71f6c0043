"""Whole frames to learn from, at the size that a network sees."""

import os

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool.errors import DatasetError
from vostool_trackers.siamese.inference.crops import resized


def at_size(frame: Tensor, labels: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Resize a frame and its label map.

    Args:
        frame: (3, H, W) uint8.
        labels: (H, W) uint8.
        size: (h, w) that the network sees.

    Returns:
        (3, h, w) and (h, w) uint8.
    """
    image = as_bytes(resized(frame[None].float(), size)[0])
    return image, F.interpolate(labels[None, None], size, mode="nearest-exact")[0, 0]


def as_bytes(image: Tensor) -> Tensor:
    """Return an image of 0 to 255 as uint8, rounded."""
    return image.round().clamp(0, 255).to(torch.uint8)


def check_memory(frames: int, size: tuple[int, int]) -> None:
    """Refuse frames and label maps that the machine's memory does not hold.

    Raises:
        DatasetError: it does not.
    """
    need = frames * size[0] * size[1] * 4 / 2**30
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    if need > there:
        raise DatasetError(
            f"{frames} frames of {size[1]} x {size[0]} pixels take {need:.0f} GiB, and this "
            f"machine has {there:.0f}. Train on fewer sequences, or with smaller -o width and "
            "-o height."
        )
