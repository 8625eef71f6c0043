"""VOT2016, VOT2018 and VOT2019 as they are unpacked, and anything of that layout.

    <root>/list.txt                              names of the sequences
    <root>/<sequence>/groundtruth.txt            a box x,y,w,h or the corners of a polygon per frame
    <root>/<sequence>/occlusion.tag              0 or 1 per frame; camera_motion, ...; or .label
    <root>/<sequence>/color/00000001.jpg         or without color/

A workspace of vot-toolkit has all this under `sequences/`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vostool.datasets.layout import files_in, folders_in, if_wanted, read_names
from vostool.errors import DatasetError
from vostool.io.frames import FRAME_SUFFIXES, frame_size
from vostool.io.regions import parse_regions
from vostool.io.storage import each_at_once, is_remote
from vostool.io.text import read_outside
from vostool.types import Regions, RegionSequence

TRUTH = "groundtruth.txt"
LIST = "list.txt"


def read_vot(root: Path, *, need_frames: bool) -> tuple[RegionSequence, ...]:
    """Read every sequence of the list, or, without a list, of the folder.

    Args:
        root: folder that holds `list.txt`, or `sequences/list.txt`.
        need_frames: all images must be there; otherwise one of each sequence, for its size.

    Raises:
        DatasetError: what is missing, or wrong with a file.
    """
    if not (root / LIST).is_file() and (root / "sequences").is_dir():
        root = root / "sequences"
    if (root / LIST).is_file():
        names = read_names(root / LIST)
    else:
        names = [name for name in folders_in(root) if (root / name / TRUTH).is_file()]
    if not names:
        raise DatasetError(
            f"{root} has the layout of VOT only if it holds list.txt and a folder with "
            f"{TRUTH} for each sequence; it holds neither."
        )

    def read(name: str) -> RegionSequence:
        return _sequence(name, root / name, need_frames)

    return tuple(each_at_once(if_wanted(read, blank_sequence), names, is_remote(root)))


def blank_sequence(name: str) -> RegionSequence:
    """Return a sequence that nobody asked for and that could not be read."""
    nothing = Regions(np.zeros((0, 4)), np.zeros(0, np.intp))
    return RegionSequence(name, (), nothing, {}, (0, 0))


def _sequence(name: str, folder: Path, need_frames: bool) -> RegionSequence:
    truth = _truth(folder / TRUTH)
    images = files_in(folder / "color", FRAME_SUFFIXES) or files_in(folder, FRAME_SUFFIXES)
    if need_frames:
        check_count(name, images, folder, len(truth))
        frames = tuple(images)
    else:  # scoring needs their number and size alone
        frames = tuple(Path(f"{index + 1:08d}.jpg") for index in range(len(truth)))
    return RegionSequence(
        name, frames, truth, _tags(folder, len(truth)), image_size(name, images, folder)
    )


def _truth(path: Path) -> Regions:
    truth = parse_regions(read_text(path), path, DatasetError, absent=True)
    check_boxes(truth, path)
    if not len(truth):
        raise DatasetError(f"{path} is empty. Unpack the dataset again.")
    away = np.flatnonzero(truth.counts == 0)
    if len(away):
        raise DatasetError(
            f"{path}, line {away[0] + 1}: the region is NaN: the object is away on {len(away)} "
            "frames, and the experiment of VOT has no such frames. With the layout of OTB it may "
            f"be away: open it as otb:PATH, its boxes in {path.parent.name}/groundtruth_rect.txt "
            "and the images in img/; or omit the sequence with --sequences."
        )
    codes = np.flatnonzero(truth.counts == 1)
    if len(codes):
        raise DatasetError(
            f"{path}, line {codes[0] + 1} is a single number: every frame of a ground truth has a "
            "box or a polygon."
        )
    return truth


def check_boxes(truth: Regions, path: Path) -> None:
    """Raise DatasetError if a box of a ground truth has no size."""
    flat = (truth.counts == 4) & ~(truth.values[:, 2:4] > 0).all(axis=1)
    if flat.any():
        line = int(np.flatnonzero(flat)[0])
        w, h = truth.values[line, 2:4].tolist()
        raise DatasetError(f"{path}, line {line + 1}: the box is {w:g} x {h:g} pixels large.")


def read_text(path: Path) -> str:
    """Return the text of a file of a dataset.

    Raises:
        DatasetError: it is absent, or no text.
    """
    try:
        return read_outside(path, DatasetError)
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing. Unpack the dataset again.") from None


def check_count(name: str, images: list[Path], folder: Path, wanted: int) -> None:
    """Raise DatasetError if there are not as many images as lines of the ground truth."""
    if len(images) != wanted:
        raise DatasetError(
            f"Sequence '{name}' has {len(images)} frames in {folder} and {wanted} lines of ground "
            "truth. Unpack the dataset again."
        )


def image_size(name: str, images: list[Path], folder: Path) -> tuple[int, int]:
    """Return (width, height) of the first image.

    Raises:
        DatasetError: there is none, or it is no image.
    """
    if not images:
        raise DatasetError(
            f"Sequence '{name}' has no frame in {folder}, which is needed to know its size: "
            "regions count as far as they lie in the frame. Put its first frame there."
        )
    return frame_size(images[0])


def _tags(folder: Path, length: int) -> dict[str, NDArray[np.bool_]]:
    """Read the tags of a sequence: `.tag`, or `.label` as other versions of the data have it.

    Raises:
        DatasetError: one is of another form, or two of a name say different things.
    """
    tags: dict[str, NDArray[np.bool_]] = {}
    for path in files_in(folder, {".tag", ".label"}):
        tag = _tag(path, length)
        if path.stem in tags and not np.array_equal(tags[path.stem], tag):
            raise DatasetError(
                f"{folder} has {path.stem}.label and {path.stem}.tag, which differ. Remove one."
            )
        tags[path.stem] = tag
    return tags


def _tag(path: Path, length: int) -> NDArray[np.bool_]:
    """Read a tag; vot-toolkit too lets it end early, when no later frame has it."""
    lines = read_text(path).split()
    strange = next((line for line in lines if line not in ("0", "1")), None)
    if strange is not None or len(lines) > length:
        what = f"has {strange!r}" if strange is not None else f"has {len(lines)} lines"
        raise DatasetError(f"{path} {what}: a tag is 0 or 1 for each of the {length} frames.")
    tag = np.zeros(length, np.bool_)
    tag[: len(lines)] = [line == "1" for line in lines]
    return tag
