"""Whole frames and all their instances to learn from, in memory at the size that a network sees."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.io.label_maps import box_of, ids_in
from vostool.types import Labels
from vostool_trackers.siamese.training.whole_frames import at_size, check_memory

_LEAST_AREA = 15  # pixels that an instance must have more of
_LEAST_SIDE = 10  # pixels that one of its sides must have


@dataclass
class InstanceBank:
    """Frames with at least one instance.

    Args:
        images: (F, 3, H, W) uint8 RGB.
        labels: (F, H, W) uint8.
        ids: (F, M) uint8: which labels are instances, filled up with 0.
    """

    images: Tensor
    labels: Tensor
    ids: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> "InstanceBank":
        return InstanceBank(*(t.to(device) for t in (self.images, self.labels, self.ids)))


def build_instance_bank(datasets: Iterable[Dataset], size: tuple[int, int]) -> InstanceBank:
    """Read all annotated frames of datasets.

    Args:
        datasets: their sequences must have frames and masks.
        size: (H, W) that the network sees.

    Raises:
        DatasetError: there is no instance to learn from, or more than the memory holds.
    """
    sequences = [(dataset, sequence) for dataset in datasets for sequence in dataset.sequences]
    frames = sum(len(sequence.annotations) for _, sequence in sequences)
    check_memory(frames, size)
    images = torch.empty(frames, 3, *size, dtype=torch.uint8)
    labels = torch.empty(frames, *size, dtype=torch.uint8)
    found: list[list[int]] = []
    for dataset, sequence in sequences:
        for _, pixels, annotated in dataset.annotated(sequence):
            truth, ids = instances_of(annotated)
            if not ids:
                continue
            frame = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
            images[len(found)], labels[len(found)] = at_size(frame, torch.from_numpy(truth), size)
            found.append(ids)
    if not found:
        raise DatasetError("There is no instance to learn from. Name other data with --data.")
    numbers = torch.zeros(len(found), max(map(len, found)), dtype=torch.uint8)
    for row, ids in zip(numbers, found, strict=True):
        row[: len(ids)] = torch.tensor(ids, dtype=torch.uint8)
    return InstanceBank(images[: len(found)], labels[: len(found)], numbers)


def instances_of(labels: Labels) -> tuple[Labels, list[int]]:
    """Return the label map with the largest part of each instance alone, and their ids.

    Instances that are too small are left out, as in the published training: those of at most 15
    pixels, and those with both sides below 10 pixels. A part is large by what its contour encloses.
    """
    kept = np.zeros_like(labels)
    ids = []
    for number in ids_in(labels).tolist():
        mask = labels == number
        box = box_of(mask)
        if box is None or mask.sum() <= _LEAST_AREA or max(box.w, box.h) < _LEAST_SIDE:
            continue
        _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        kept[parts == _largest(mask, parts)] = number
        ids.append(number)
    return kept, ids


def _largest(mask: np.ndarray, parts: np.ndarray) -> int:
    """Return the number of the part whose outer contour encloses most."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    x, y = max(contours, key=cv2.contourArea)[0, 0]
    return int(parts[y, x])
