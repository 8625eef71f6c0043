"""Is this folder what is to be scored? Sentences for the ways in which it is not."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import files_in, folders_in, listed
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


def check_frames(sequence: Sequence, folder: Path, counted: Iterable[int]) -> None:
    """Refuse a sequence that lacks masks.

    Args:
        sequence: the ground truth.
        folder: its predictions.
        counted: indices of the frames that count.

    Raises:
        ResultError: which are missing, and what is there instead.
    """
    names = [prediction_path(sequence, folder, index).name for index in counted]
    missing = [name.removesuffix(".png") for name in missing_files(folder, names)]
    if missing:
        raise ResultError(
            f"{folder} lacks {len(missing)} of {len(names)} masks ({listed(missing)}). "
            f"{_instead(folder, set(names))}Masks are named like the frames of "
            "the dataset."
        )


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
