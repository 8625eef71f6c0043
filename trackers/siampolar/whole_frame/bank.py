"""Whole frames to learn from, in memory at the size that a network sees, and objects' templates.

A template is cut out of the frame before it is made smaller, as it is in tracking: a network of
255 pixels would otherwise learn from templates that are far less sharp than those it meets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.io.label_maps import box_of, ids_in
from vostool_trackers.siamese.inference.crops import TEMPLATE
from vostool_trackers.siamese.training.whole_frames import as_bytes, at_size, check_memory
from vostool_trackers.siampolar.whole_frame.crops import cut_boxes

SIDE = 159  # pixels of a template with its surroundings
REACH = SIDE / TEMPLATE  # of its sides to the box's
_SMALLEST = 12  # pixels of an object that can be learned from


@dataclass
class FrameBank:
    """Frames, and one entry for each object on each of them.

    Args:
        images: (F, 3, H, W) uint8 RGB.
        labels: (F, H, W) uint8.
        templates: (N, 3, SIDE, SIDE) uint8 RGB: the object's box, `REACH` times enlarged.
        image: (N,) int64: the entry's frame, as a number in `images`.
        object_id: (N,) uint8: its label there.
        sequence: (N,) int64, ascending.
        track: (N,) int64, ascending: which object of which sequence.
        time: (N,) int64: on which frame of its sequence, ascending in each track.
    """

    images: Tensor
    labels: Tensor
    templates: Tensor
    image: Tensor
    object_id: Tensor
    sequence: Tensor
    track: Tensor
    time: Tensor

    def __len__(self) -> int:
        return len(self.track)

    @cached_property
    def tracks(self) -> tuple[Tensor, Tensor]:
        """The first entry and the number of entries of each track."""
        return _runs(self.track)

    @cached_property
    def sequences(self) -> tuple[Tensor, Tensor]:
        """The first entry and the number of entries of each sequence."""
        return _runs(self.sequence)

    @cached_property
    def moments(self) -> Tensor:
        """(N,) int64, ascending: one track's differ as its frames do, others by far more."""
        return (self.track << 32) + self.time

    def to(self, device: torch.device) -> Self:
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))


def build_frame_bank(datasets: Iterable[Dataset], size: tuple[int, int]) -> FrameBank:
    """Read all annotated frames of datasets.

    Args:
        datasets: their sequences must have frames and masks.
        size: (H, W) that the network sees.

    Raises:
        DatasetError: there is no object to learn from, or more than the memory holds.
    """
    sequences = [(dataset, sequence) for dataset in datasets for sequence in dataset.sequences]
    frames = sum(len(sequence.annotations) for _, sequence in sequences)
    check_memory(frames, size)
    images = torch.empty(frames, 3, *size, dtype=torch.uint8)
    labels = torch.empty(frames, *size, dtype=torch.uint8)
    rows: list[tuple[int, int, int, int]] = []  # sequence, object, time, frame
    templates: list[Tensor] = []
    used = 0
    for number, (dataset, sequence) in enumerate(sequences):
        for time, pixels, truth in dataset.annotated(sequence):
            ids = [i for i in ids_in(truth).tolist() if (truth == i).sum() >= _SMALLEST]
            if not ids:
                continue
            frame = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
            boxes = [box_of(truth == i) for i in ids]
            templates.extend(_templates(frame.float(), [tuple(box) for box in boxes if box]))
            images[used], labels[used] = at_size(frame, torch.from_numpy(truth.copy()), size)
            rows.extend((number, i, time, used) for i in ids)
            used += 1
    if not rows:
        raise DatasetError("There is no object to learn from. Name other data with --data.")
    return _assembled(images[:used], labels[:used], templates, rows)


def _templates(frame: Tensor, boxes: Sequence[tuple[float, ...]]) -> Iterable[Tensor]:
    return as_bytes(cut_boxes(frame, torch.tensor(boxes), SIDE, REACH))


def _assembled(
    images: Tensor,
    labels: Tensor,
    templates: list[Tensor],
    rows: list[tuple[int, int, int, int]],
) -> FrameBank:
    """Sort the entries by sequence, object and time."""
    order = sorted(range(len(rows)), key=rows.__getitem__)
    sequence, object_id, time, image = torch.tensor([rows[i] for i in order]).T
    _, track = torch.unique_consecutive(
        torch.stack((sequence, object_id), dim=1), dim=0, return_inverse=True
    )
    return FrameBank(
        images=images,
        labels=labels,
        templates=torch.stack([templates[i] for i in order]),
        image=image,
        object_id=object_id.to(torch.uint8),
        sequence=torch.unique_consecutive(sequence, return_inverse=True)[1],
        track=track,
        time=time,
    )


def _runs(numbers: Tensor) -> tuple[Tensor, Tensor]:
    counts = torch.bincount(numbers)
    return counts.cumsum(0) - counts, counts
