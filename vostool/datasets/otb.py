"""OTB, and anything of its layout: a folder of images and a list of boxes per sequence.

    <root>/<sequence>/groundtruth_rect.txt       x,y,w,h per frame; commas, tabs or blanks between
    <root>/<sequence>/img/0001.jpg

A sequence with several objects has `groundtruth_rect.1.txt`, `groundtruth_rect.2.txt`; they are
called `<sequence>-1` and `<sequence>-2`.
"""

import re
from pathlib import Path

import numpy as np

from vostool.datasets.layout import files_in, folders_in, if_wanted
from vostool.datasets.vot import blank_sequence, image_size, read_text
from vostool.errors import DatasetError
from vostool.io.frames import FRAME_SUFFIXES
from vostool.io.regions import parse_regions
from vostool.io.storage import each_at_once, is_remote
from vostool.types import Regions, RegionSequence

TRUTH = "groundtruth_rect"
# Sequences of OTB whose boxes begin later than their images (Wu et al., TPAMI 37(9), 2015). Those
# of Football1, Freeman3, Freeman4 and Diving end earlier; BlurCar1, 3 and 4 have no image 1.
_FIRST = {"David": 300}
# The object of Tiger1 is annotated from the first frame and tracked from the sixth by the toolkit.
RESULTS_BEGIN = {"Tiger1": 6}


def read_otb(root: Path, *, need_frames: bool) -> tuple[RegionSequence, ...]:
    """Read every sequence of a folder, by name.

    Args:
        root: folder of the sequences.
        need_frames: all images must be there; otherwise one of each sequence, for its size.

    Raises:
        DatasetError: what is missing, or wrong with a file.
    """

    def read(name: str) -> list[RegionSequence]:
        return [_sequence(root / name, truth, need_frames) for truth in _truths(root / name)]

    def absent(name: str) -> list[RegionSequence]:
        return [blank_sequence(name)]

    found = each_at_once(if_wanted(read, absent), folders_in(root), is_remote(root))
    sequences = [sequence for of_folder in found for sequence in of_folder]
    if not sequences:
        raise DatasetError(
            f"{root} has no folder with a {TRUTH}.txt. --root is the folder of the sequences, each "
            f"with {TRUTH}.txt and img/."
        )
    return tuple(sequences)


def _truths(folder: Path) -> list[Path]:
    """Return the lists of boxes of a folder: one, or one for each object.

    Human4 comes with an empty list of its first object. A list that is empty is an object without
    boxes, as long as another has some.
    """
    paths = [p for p in files_in(folder, {".txt"}) if re.fullmatch(rf"{TRUTH}(\.?\d+)?", p.stem)]
    if len(paths) < 2:
        return paths
    return [path for path in paths if read_text(path).strip()] or paths


def _name(folder: Path, path: Path) -> str:
    number = path.stem.removeprefix(TRUTH).lstrip(".")
    return f"{folder.name}-{number}" if number else folder.name


def _sequence(folder: Path, path: Path, need_frames: bool) -> RegionSequence:
    name = _name(folder, path)
    truth = _truth(path)
    images = files_in(folder / "img", FRAME_SUFFIXES) or files_in(folder, FRAME_SUFFIXES)
    first = _FIRST.get(folder.name, 1)
    if len(images) > len(truth):  # some sequences have images without boxes behind, too
        images = [image for image in images if _number(image) >= first][: len(truth)]
    if need_frames and len(images) != len(truth):
        raise DatasetError(
            f"Sequence '{name}' has {len(images)} frames in {folder} and {len(truth)} boxes. "
            "Unpack the dataset again."
        )
    frames = tuple(images)
    if not need_frames:
        frames = tuple(Path(f"{index + 1:04d}.jpg") for index in range(len(truth)))
    return RegionSequence(name, frames, truth, {}, image_size(name, images, folder))


def _truth(path: Path) -> Regions:
    truth = parse_regions(read_text(path), path, DatasetError, absent=True)
    if not len(truth):
        raise DatasetError(f"{path} is empty. Unpack the dataset again.")
    other = np.flatnonzero(~np.isin(truth.counts, (0, 4)))
    if len(other):
        raise DatasetError(
            f"{path}, line {other[0] + 1} has {truth.counts[other[0]]} numbers; a box is x,y,w,h."
        )
    there = (truth.counts == 4) & (truth.values[:, 2:4] > 0).all(axis=1)
    if not there[0]:
        raise DatasetError(f"{path}: the first box has no size, so that no tracker can start.")
    return Regions(truth.values, np.where(there, 4, 0))


def _number(path: Path) -> int:
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else 0
