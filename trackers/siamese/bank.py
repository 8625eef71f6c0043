"""The objects to learn from: a square crop around every object on every frame, in memory.

A crop shows `REACH` times the context square of its object, at the scale of the template crop, so
that any template or search crop can be cut out of it on the device. It is kept as uint8, on the
device too, and on disk so that the next start is quick.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.frames import read_frame
from vostool.masks import box_of, ids_in
from vostool.sequence import Frame, Sequence

from .crops import TEMPLATE, context_side, crop_grid

REACH = 3.5
SIDE = 447  # pixels of a crop: about REACH * TEMPLATE
VERSION = 2
_SMALLEST = 12  # pixels of an object that can be learned from


@dataclass
class Bank:
    """Crops of objects.

    Args:
        images: (N, 3, SIDE, SIDE) uint8 RGB.
        masks: (N, SIDE, SIDE) bool: the object.
        sizes: (N, 2) float32 width and height of the object's box, pixels of the crop.
        track: (N,) which object of which sequence; crops of a track follow each other in time.
    """

    images: Tensor
    masks: Tensor
    sizes: Tensor
    track: Tensor

    def __len__(self) -> int:
        return len(self.track)

    def tracks(self) -> tuple[Tensor, Tensor]:
        """Return the first crop and the number of crops of each track."""
        counts = torch.bincount(self.track)
        return counts.cumsum(0) - counts, counts

    def to(self, device: torch.device) -> "Bank":
        return Bank(
            *(getattr(self, name).to(device) for name in ("images", "masks", "sizes", "track"))
        )


def build_bank(
    datasets: Iterable[Dataset], cache: Path, on_frame: Callable[[str], None] = lambda name: None
) -> Bank:
    """Cut all objects out of datasets, or read them back if that has been done before.

    Args:
        datasets: their sequences must have frames and masks.
        cache: folder for the crops.
        on_frame: told of the name of each sequence's frames as they are cut.

    Raises:
        DatasetError: there is no object to learn from.
    """
    parts = []
    for dataset in datasets:
        for sequence in dataset.sequences:
            folder = cache / _key(dataset, sequence)
            if not (folder / "sizes.npy").is_file():
                _save(folder, _cut_sequence(dataset, sequence, on_frame))
            names = ("images", "masks", "sizes", "ids")
            parts.append([np.load(folder / f"{name}.npy") for name in names])
    parts = [part for part in parts if len(part[3])]
    if not parts:
        raise DatasetError("There is no object to learn from. Name other data with --data.")
    tracks, offset = [], 0
    for *_, ids in parts:
        _, order = np.unique(ids, return_inverse=True)
        tracks.append(order + offset)
        offset += int(order.max()) + 1
    images, masks, sizes = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Bank(*(torch.from_numpy(a) for a in (images, masks, sizes, np.concatenate(tracks))))


def _cut_sequence(
    dataset: Dataset, sequence: Sequence, on_frame: Callable[[str], None]
) -> tuple[np.ndarray, ...]:
    """Return images, masks, sizes and ids of a sequence's objects, object by object."""
    found: list[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]] = []
    for index, path in sorted(sequence.annotations.items()):
        labels = dataset.labels(path)
        frame: Frame | None = None
        for object_id in ids_in(labels).tolist():
            mask = labels == object_id
            if mask.sum() < _SMALLEST:
                continue
            frame = read_frame(sequence.frames[index]) if frame is None else frame
            found.append((object_id, index, *_cut_object(frame, mask)))
        on_frame(sequence.name)
    found.sort(key=lambda each: each[:2])
    if not found:
        return (
            np.empty((0, 3, SIDE, SIDE), np.uint8),
            np.empty((0, SIDE, SIDE), bool),
            np.empty((0, 2), np.float32),
            np.empty(0, np.int64),
        )
    ids = np.array([each[0] for each in found])
    return (*(np.stack([each[i] for each in found]) for i in (2, 3, 4)), ids)


def _cut_object(frame: Frame, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    box = box_of(mask)
    assert box is not None
    size = torch.tensor([[box.w, box.h]])
    centre = torch.tensor([[box.x + (box.w - 1) / 2, box.y + (box.h - 1) / 2]])
    context = context_side(size)
    side = context * (SIDE / TEMPLATE)
    image = torch.from_numpy(np.array(frame)).permute(2, 0, 1).float()
    finer = 2 if float(side) > SIDE else 1  # mean of four samples where the crop is a reduction
    grid = crop_grid(centre, side, finer * SIDE, frame.shape[:2])
    mean = image.mean(dim=(1, 2), keepdim=True)
    sampled = torch.nn.functional.grid_sample((image - mean)[None], grid, align_corners=False)
    crop = torch.nn.functional.avg_pool2d(sampled, finer)[0] + mean
    shape = torch.nn.functional.grid_sample(
        torch.from_numpy(mask)[None, None].float(), grid, align_corners=False
    )
    shape = torch.nn.functional.avg_pool2d(shape, finer)[0, 0] > 0.5
    return (
        crop.round().clamp(0, 255).to(torch.uint8).numpy(),
        shape.numpy(),
        (size[0] * (TEMPLATE / context)).numpy(),
    )


def _key(dataset: Dataset, sequence: Sequence) -> str:
    about = [VERSION, REACH, SIDE, dataset.merged, dataset.fingerprint(sequence)]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:20]


def _save(folder: Path, arrays: tuple[np.ndarray, ...]) -> None:
    """Write the arrays of a sequence; `sizes.npy` comes last and says that all are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(
        ("images", "masks", "ids", "sizes"), (*arrays[:2], arrays[3], arrays[2]), strict=True
    ):
        partial = folder / f".{name}.{os.getpid()}.npy"
        np.save(partial, array)
        os.replace(partial, folder / f"{name}.npy")
