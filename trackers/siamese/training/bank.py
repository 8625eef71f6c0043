"""The objects to learn from: a square crop around every object on every frame, in memory.

A crop shows `REACH` times the context square of its object, at the scale of the template crop, so
that any template or search crop can be cut out of it on the device. It is kept as uint8, on the
device too, and on disk so that the next start is quick.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vostool.datasets.dataset import Dataset
from vostool.environment import sha256_of
from vostool.errors import DatasetError
from vostool.io.label_maps import box_of, ids_in
from vostool.types import Frame, Sequence
from vostool_trackers.siamese.inference import crops
from vostool_trackers.siamese.inference.crops import TEMPLATE, context_side, crop_grid
from vostool_trackers.siamese.training.draws import Draws

REACH = 3.5
SIDE = 447  # pixels of a crop: about REACH * TEMPLATE
_SMALLEST = 12  # pixels of an object that can be learned from
_SMALLEST_STILL = 400  # of one in a single image: there are many, and small ones are blurred
_FILES = ("images", "masks", "ids", "frames")
_CODE = tuple(sha256_of(Path(str(file))) for file in (__file__, crops.__file__))


@dataclass
class Bank:
    """Crops of objects.

    Args:
        images: (N, 3, SIDE, SIDE) uint8 RGB.
        masks: (N, SIDE, SIDE) bool: the object.
        track: (N,) int64, ascending: which object of which sequence.
        frame: (N,) int64: on which frame of its sequence, ascending in each track.
        sources: (S + 1,) int64: where each dataset's crops begin, and N.
        weights: (S,) float32: shares of the datasets in what is drawn; None draws all crops alike.
    """

    images: Tensor
    masks: Tensor
    track: Tensor
    frame: Tensor
    sources: Tensor | None = None
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.track)

    @cached_property
    def tracks(self) -> tuple[Tensor, Tensor]:
        """The first crop and the number of crops of each track."""
        counts = torch.bincount(self.track)
        return counts.cumsum(0) - counts, counts

    @cached_property
    def moments(self) -> Tensor:
        """(N,) int64, ascending: one track's differ as its frames do, others by far more."""
        return (self.track << 32) + self.frame

    def to(self, device: torch.device) -> "Bank":
        """Return the bank with all tensors on a device."""
        there = {f.name: getattr(self, f.name) for f in fields(self)}
        return Bank(**{name: t.to(device) for name, t in there.items() if t is not None})

    def drawn(self, draws: Draws) -> Tensor:
        """Return (B,) crops, in the shares of their datasets."""
        if self.sources is None or self.weights is None:
            return draws.below(len(self)).to(self.track.device)
        shares = (self.weights / self.weights.sum()).cumsum(0)[:-1]
        source = torch.searchsorted(shares, draws.uniform(), right=True)
        begin, end = self.sources[source], self.sources[source + 1]
        return begin + draws.below(end - begin)


def build_bank(datasets: Iterable[Dataset], cache: Path, weights: tuple[float, ...] = ()) -> Bank:
    """Cut all objects out of datasets, or read them back if that has been done before.

    Args:
        datasets: their sequences must have frames and masks.
        cache: folder for the crops.
        weights: shares of the datasets in what is drawn; all crops alike if empty.

    Raises:
        DatasetError: there is no object to learn from, or crops in the cache are damaged.
    """
    parts, ends = [], [0]
    for dataset in datasets:
        for sequence in dataset.sequences:
            folder = cache / _key(dataset, sequence)
            if not (folder / f"{_FILES[-1]}.npy").is_file():
                _save(folder, _cut_sequence(dataset, sequence))
            parts.append(_load(folder))
        ends.append(sum(len(ids) for *_, ids, _ in parts))
        if weights and ends[-1] == ends[-2]:
            raise DatasetError(f"There is no object to learn from in {dataset.name}.")
    total = sum(len(ids) for *_, ids, _ in parts)
    if not total:
        raise DatasetError("There is no object to learn from. Name other data with --data.")
    bank = Bank(
        torch.empty(total, 3, SIDE, SIDE, dtype=torch.uint8),
        torch.empty(total, SIDE, SIDE, dtype=torch.bool),
        torch.empty(total, dtype=torch.int64),
        torch.empty(total, dtype=torch.int64),
        torch.tensor(ends) if weights else None,
        torch.tensor(weights) if weights else None,
    )
    row = tracks = 0
    for images, masks, ids, frames in parts:
        known, track = np.unique(ids, return_inverse=True)
        rows = slice(row, row + len(ids))
        bank.images.numpy()[rows], bank.masks.numpy()[rows] = images, masks
        bank.track.numpy()[rows], bank.frame.numpy()[rows] = track + tracks, frames
        row, tracks = rows.stop, tracks + len(known)
    return bank


def _cut_sequence(dataset: Dataset, sequence: Sequence) -> tuple[NDArray[np.generic], ...]:
    """Return what `_FILES` name of a sequence's objects, object by object."""
    found: list[tuple[int, int, np.ndarray, np.ndarray]] = []
    least = _SMALLEST if len(sequence) > 1 else _SMALLEST_STILL
    for index, frame, labels in dataset.annotated(sequence):
        for object_id in ids_in(labels).tolist():
            mask = labels == object_id
            if mask.sum() >= least:
                found.append((object_id, index, *_cut_object(frame, mask)))
    found.sort(key=lambda each: each[:2])
    return (
        np.array([image for *_, image, _ in found], np.uint8).reshape(-1, 3, SIDE, SIDE),
        np.array([mask for *_, mask in found], bool).reshape(-1, SIDE, SIDE),
        np.array([object_id for object_id, *_ in found], np.int64),
        np.array([index for _, index, *_ in found], np.int64),
    )


def _cut_object(frame: Frame, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    box = box_of(mask)
    assert box is not None
    size = torch.tensor([[box.w, box.h]])
    centre = torch.tensor([[box.x + (box.w - 1) / 2, box.y + (box.h - 1) / 2]])
    side = context_side(size) * (SIDE / TEMPLATE)
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
    return crop.round().clamp(0, 255).to(torch.uint8).numpy(), shape.numpy()


def _key(dataset: Dataset, sequence: Sequence) -> str:
    """Return a name that changes with whatever the crops depend on."""
    about = [*_CODE, dataset.merged, dataset.fingerprint(sequence)]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:20]


def _save(folder: Path, arrays: tuple[NDArray[np.generic], ...]) -> None:
    """Write the arrays of a sequence; the last one says that all are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(_FILES, arrays, strict=True):
        partial = folder / f".{name}.{os.getpid()}.npy"
        np.save(partial, array)
        os.replace(partial, folder / f"{name}.npy")


def _load(folder: Path) -> tuple[NDArray[np.generic], ...]:
    """Read the arrays of a sequence; crops stay on the disk until they are copied."""
    try:
        ids, frames = (np.load(folder / f"{name}.npy") for name in _FILES[2:])
        shapes = ((len(ids), 3, SIDE, SIDE), (len(ids), SIDE, SIDE))
        if not len(ids):
            return np.empty(shapes[0], np.uint8), np.empty(shapes[1], bool), ids, frames
        images, masks = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in _FILES[:2])
        if (images.shape, masks.shape, frames.shape) != (*shapes, ids.shape):
            raise ValueError("their sizes differ")
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(
            f"The crops in {folder} are damaged ({error}). Remove that folder and run the same "
            "command again; they are then cut anew."
        ) from error
    return images, masks, ids, frames
