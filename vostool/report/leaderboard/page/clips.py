"""Small pictures of a sequence, its ground truth and the masks of runs, for the page's viewer."""

import base64
import io
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vostool.datasets.dataset import Dataset
from vostool.errors import VostoolError
from vostool.io.frames import read_frame
from vostool.report.pictures.overlay import resized, resized_labels
from vostool.runs.folder import RunFolder
from vostool.types import Sequence

WIDTHS = (320, 280, 240, 200, 160)  # pixels; the largest that fits the budget is taken
_QUALITY = 45  # of WebP: a background for masks
_MASK_BYTES = 200  # of a mask, about, as it is packed


@dataclass(frozen=True, slots=True)
class Clip:
    """One sequence as the viewer shows it.

    Args:
        key: `results folder/sequence`, by which the page finds it.
        size: width and height of all its pictures.
        names: of the frames.
        images: frame name -> WebP file.
        truth: packed ground truth, see `pack_labels`; frames without a label map are all 0.
        masks: run -> packed label maps.
    """

    key: str
    size: tuple[int, int]
    names: tuple[str, ...]
    images: dict[str, bytes]
    truth: str
    masks: dict[str, str] = field(default_factory=dict)


def make_clip(
    dataset: Dataset,
    sequence: Sequence,
    runs: Iterable[RunFolder],
    width: int,
    advance: Callable[[int, str], None] = lambda _, __: None,
) -> Clip:
    """Scale a sequence down, with the masks of every run that has them all.

    Args:
        dataset: that it is of, as the protocol sees it.
        sequence: one of its sequences.
        runs: their masks are read as the dataset reads label maps.
        width: of the pictures, in pixels.
        advance: called with 1 and the sequence's name for every frame.

    Raises:
        DatasetError: a frame cannot be read.
        MaskError: a label map of the ground truth cannot be read.
    """
    names = [sequence.frame_name(index) for index in range(len(sequence))]
    images, size = {}, (width, width)
    for name, path in zip(names, sequence.frames, strict=True):
        images[name], size = small_picture(path, width)
        advance(1, sequence.name)
    shape = size[::-1]
    truth = np.zeros((len(names), *shape), np.uint8)
    for index, path in sequence.annotations.items():
        truth[index] = resized_labels(dataset.labels(path), shape)
    masks = {}
    for run in runs:
        folder = run.masks / sequence.name
        try:
            paths = [folder / f"{name}.png" for name in names]
            stack = [resized_labels(dataset.labels(path), shape) for path in paths]
        except VostoolError:
            continue  # not all there: the page says for which runs there are masks
        masks[run.name] = pack_labels(np.stack(stack))
    key = f"{dataset.key}/{sequence.name}"
    return Clip(key, size, tuple(names), images, pack_labels(truth), masks)


def small_picture(path: Path, width: int) -> tuple[bytes, tuple[int, int]]:
    """Return a frame as a WebP file of that width, and its size."""
    picture = resized(read_frame(path), width)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue(), (width, picture.shape[0])


def pack_labels(stack: NDArray[np.uint8]) -> str:
    """Return label maps as text: run lengths, deflated, in base64.

    Args:
        stack: (T, H, W) uint8.

    Returns:
        Base64 of a zlib stream. It holds the number of runs as four bytes, the lowest first; the
        value of each run, a byte; and their lengths, seven bits a byte, the lowest first, of which
        all but a length's last have the eighth bit set.
    """
    values = stack.ravel()
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(np.r_[starts, values.size])
    packed = bytearray(len(starts).to_bytes(4, "little") + values[starts].tobytes())
    for length in lengths.tolist():
        while length > 127:
            packed.append(length & 127 | 128)
            length >>= 7
        packed.append(length)
    return base64.b64encode(zlib.compress(bytes(packed), 9)).decode()


def width_for(budget: int, clips: Iterable[tuple[Sequence, int]], *, embedded: bool) -> int:
    """Return the largest of `WIDTHS` whose clips should fit a number of bytes, else the smallest.

    Args:
        budget: bytes that the page has left.
        clips: each sequence and how many runs have masks of it.
        embedded: the frames count too, not only the masks.
    """
    listed = list(clips)
    for width in WIDTHS:
        total = 0.0
        for sequence, runs in listed:
            each = _MASK_BYTES * (1 + runs) * width / WIDTHS[0]
            if embedded:
                each += len(small_picture(sequence.frames[len(sequence) // 2], width)[0])
            total += each * len(sequence) * 4 / 3
        if total <= budget:
            return width
    return WIDTHS[-1]
