"""Is this folder what is to be scored? Sentences for the ways in which it is not."""

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import files_in, folders_in, frames_beside, listed
from vostool.errors import ResultError
from vostool.io.listing import folders, is_folder, missing_files, missing_folders
from vostool.io.storage import same
from vostool.types import Sequence

if TYPE_CHECKING:
    import pandas as pd

_PHOTOS = {".jpg", ".jpeg", ".bmp", ".webp"}
_GO_ON = "If that is meant, add --allow-trivial (allow_trivial=True in Python)."


def prediction_path(sequence: Sequence, folder: Path, index: int) -> Path:
    """Return the file of the prediction for one frame."""
    return folder / f"{sequence.frame_name(index)}.png"


def check_folder(dataset: Dataset, masks: Path) -> None:
    """Refuse a folder that lacks sequences: scores are never made of less than was asked for.

    Raises:
        ResultError: what it lacks, and which folder was probably meant.
    """
    if not is_folder(masks):
        raise ResultError(f"The folder of masks {masks} does not exist.")
    names = [sequence.name for sequence in dataset.sequences]
    missing = missing_folders(masks, names)
    if not missing:
        return
    if len(missing) == len(names):
        raise ResultError(
            f"{masks} has no folder for any of the {len(names)} sequences of {dataset.name} "
            f"({dataset.split}), such as {_some(missing)}. {_elsewhere(masks, names)}"
        )
    raise ResultError(
        f"{masks} lacks {len(missing)} of {len(names)} sequences: {_some(missing, 20)}. Complete "
        "it, or name the sequences to score with --sequences."
    )


def _elsewhere(masks: Path, names: list[str]) -> str:
    """Say where the sequences may be, if not in the folder that was named."""
    there = folders_in(masks)
    for name in there:
        if len(missing_folders(masks / name, names)) < len(names):
            return f"{masks / name} has: name that folder."
    if masks.name in names and files_in(masks, {".png"}):
        return (
            f"It is the folder of one sequence: name {masks.parent}, with --sequences {masks.name}."
        )
    shown = _some(there, 3) or "no folders"
    return f"It has {shown}. Name the folder that holds <sequence>/<frame>.png."


def check_frames(sequence: Sequence, folder: Path, counted: Iterable[int]) -> tuple[str, ...]:
    """Refuse a sequence that lacks masks, or whose masks are named after other frames.

    Returns:
        A note if masks are of no frame, though every frame has one.

    Args:
        sequence: the ground truth.
        folder: its predictions.
        counted: indices of the frames that count.

    Raises:
        ResultError: which are missing, and what is there instead.
    """
    names = [prediction_path(sequence, folder, index).name for index in counted]
    missing = [name.removesuffix(".png") for name in missing_files(folder, names)]
    there = [path.stem for path in files_in(folder, {".png"})]
    if missing:
        raise ResultError(
            f"{folder} lacks {len(missing)} of {len(names)} masks ({listed(missing)}). "
            f"{_instead(folder, set(names))}Masks are named like the frames of "
            f"the dataset.{_in_order(sequence, there)}"
        )
    shifted = misnamed(sequence, there)
    if shifted:
        raise ResultError(f"{folder} {shifted}")
    extra = _beyond(there, _known(sequence, there))
    if not extra:
        return ()
    return (f"Sequence '{sequence.name}': {len(extra)} masks are of no frame ({listed(extra)}).",)


def misnamed(sequence: Sequence, there: list[str]) -> str:
    """Say that masks are named after other frames, though all that count have one; else empty.

    That frames at one end have no mask is usual, for the first is given; so are masks of frames
    that the ground truth does not have. Both at once is what a wrong first number looks like.

    Args:
        sequence: the ground truth.
        there: names of the masks that are there, without suffix, in order.
    """
    known = _known(sequence, there)
    extra = _beyond(there, known)
    missing = [name for name in known if name not in set(there)]
    if not extra or (known[0] not in missing and known[-1] not in missing):
        return ""
    return (
        f"has {len(extra)} masks of no frame ({listed(extra)}) and lacks those of {len(missing)} "
        f"frames ({listed(missing)}), so they may be named after the wrong frames."
        f"{_in_order(sequence, there)} Rename them, or remove the masks of no frame if the others "
        "are right."
    )


def _known(sequence: Sequence, there: list[str]) -> list[str]:
    """Return the names of all frames, or, where they are not here, of those annotated."""
    known = [sequence.frame_name(index) for index in range(len(sequence))]
    if set(there) <= set(known):
        return known
    frames = frames_beside(sequence)
    return frames if len(frames) >= len(known) else known


def _beyond(there: list[str], known: list[str]) -> list[str]:
    """Return the names that are before the first frame that is known, or after the last.

    Frames that are known may be some of all only, every fifth say; names between them, and less
    than such a step after them, may be right.
    """
    extra = [name for name in there if name not in set(known)]
    numbers = sorted({int(n) for n in map(_number, known) if n})
    if len(numbers) < len(known) or not all(map(_number, extra)):
        return extra
    step = min((b - a for a, b in itertools.pairwise(numbers)), default=1)
    return [n for n in extra if not numbers[0] <= int(_number(n)) < numbers[-1] + step]


def _number(name: str) -> str:
    """Return the last number in a name, empty if there is none."""
    found: list[str] = re.findall(r"[0-9]+", name)
    return found[-1] if found else ""


def _in_order(sequence: Sequence, there: list[str]) -> str:
    """Say that masks would fit one by one, if they would; a sentence with a blank before it."""
    if not there:
        return ""
    annotated = [sequence.frame_name(index) for index in range(len(sequence))]
    for known in (frames_beside(sequence), annotated):
        if len(there) == len(known) and there != known:
            return (
                f" Taken in order they fit all {len(known)} frames: {there[0]}.png for "
                f"{known[0]}, ..., {there[-1]}.png for {known[-1]}."
            )
    return ""


def _instead(folder: Path, wanted: set[str]) -> str:
    """Say what else a folder of masks holds."""
    photos = files_in(folder, _PHOTOS)
    if photos:
        return f"It has {photos[0].name}: masks are PNG files, which keep ids exactly. "
    others = [path for path in files_in(folder, {".png"}) if path.name not in wanted]
    if others:
        return f"It has {_some([path.name for path in others], 3)}. "
    inside = folders(folder)
    return f"It has the folder {inside[0].name}. " if inside else ""


def check_not_truth(dataset: Dataset, masks: Path) -> None:
    """Refuse the ground truth in place of predictions.

    Raises:
        ResultError: the folder of a sequence is that of its ground truth.
    """
    for sequence in dataset.sequences:
        truth = next(iter(sequence.annotations.values())).parent
        if same(masks / sequence.name, truth):
            raise ResultError(
                f"{masks} holds the ground truth itself ({truth}). Name the folder of the masks "
                f"that a tracker made. {_GO_ON}"
            )


def check_not_trivial(dataset: Dataset, masks: Path, frames: "pd.DataFrame", meets: bool) -> None:
    """Refuse scores that mistakes look like.

    Args:
        dataset: the ground truth.
        masks: the predictions.
        frames: the per-frame table; a single row says nothing and is let through.
        meets: somewhere an object of the predictions lies on one of the ground truth. Without
            that J may still be 1 on frames where neither has any.

    Raises:
        ResultError: every J is exactly 0 or exactly 1, or nothing is met.
    """
    if len(frames) < 2:
        return
    truth = next(iter(dataset.sequences[0].annotations.values())).parent.parent
    if not meets or bool((frames["J"] == 0).all()):
        raise ResultError(
            f"No predicted mask overlaps its object ({masks} against {truth}). They may be empty, "
            f"renumbered, or of another dataset. {_GO_ON}"
        )
    if bool((frames["J"] == 1).all()):
        raise ResultError(
            f"The masks in {masks} equal the ground truth in {truth} on every frame: they may be "
            f"copies of it. {_GO_ON}"
        )


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
