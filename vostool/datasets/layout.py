"""The folder layout all mask datasets share: one folder of frames and one of masks per sequence."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from vostool.errors import DatasetError, UsageError
from vostool.io.frames import FRAME_SUFFIXES
from vostool.io.listing import entries
from vostool.io.storage import each_at_once, is_remote, read_text, resolved
from vostool.types import Sequence


def files_in(folder: Path, suffixes: set[str]) -> list[Path]:
    """Return the files of a folder with one of the suffixes, hidden ones left out.

    They are in the order people expect: by name, and numbers in names by value, 2 before 10.

    Raises:
        DatasetError: a name is no text.
    """
    files = (entry.path for entry in entries(folder))
    found = [p for p in files if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    refuse_undecodable(found)
    return sorted(found, key=_by_number)


def folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, hidden ones left out, by name.

    Raises:
        DatasetError: a name is no text.
    """
    found = [e.path for e in entries(folder) if e.is_dir and e.path.name[0] != "."]
    refuse_undecodable(found)
    return sorted(path.name for path in found)


def split_folder(root: Path, split: str, splits: Iterable[str], mark: str) -> Path:
    """Return the folder of a split: the root's folder of that name, or the root itself.

    Args:
        root: folder of the splits, or of the split.
        split: its name.
        splits: all names.
        mark: what the folder of a split holds.

    Raises:
        DatasetError: neither holds it.
        UsageError: the root is the folder of another split.
    """
    if (root / split / mark).exists():
        return root / split
    if (root / mark).exists():
        name = resolved(root).name
        if name in splits and name != split:
            raise UsageError(f"{root} is the split '{name}': use --split {name}.")
        return root
    there = [name for name in splits if (root / name / mark).exists()]
    hint = f"There is {', '.join(there)}: name one with --split." if there else "Unpack it again."
    raise DatasetError(f"{root} holds neither {mark} nor {split}/{mark}. {hint}")


def refuse_undecodable(paths: Iterable[Path]) -> None:
    """Raise DatasetError if a path is not valid in the encoding of file names.

    Tables and run folders are UTF-8 and could not name it.
    """
    for path in paths:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            shown = os.fsencode(path).decode(errors="backslashreplace")
            raise DatasetError(f"The name {shown} is not valid UTF-8. Rename it.") from None


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Return a sorting key for which `frame2` comes before `frame10`."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in parts]


def read_sequences(
    names: Iterable[str], root: Path, read: Callable[[str], Sequence]
) -> tuple[Sequence, ...]:
    """Read sequences in order; those of a store are listed several at once.

    Args:
        names: of the sequences.
        root: of the dataset.
        read: reads one by its name, see `read_sequence`.
    """
    return tuple(each_at_once(read, list(names), is_remote(root)))


def read_sequence(
    name: str,
    frames_dir: Path,
    masks_dir: Path,
    *,
    dense: bool,
    need_frames: bool,
    attributes: tuple[str, ...] | None = None,
    start: str = "",
) -> Sequence:
    """Pair the frames of one sequence with its masks.

    Args:
        name: name of the sequence.
        frames_dir: folder of its frames.
        masks_dir: folder of its PNG masks, named like the frames.
        dense: every frame must have a mask; otherwise the first one must.
        need_frames: to track; without, to score, the images are not looked at, and the masks
            stand for them.
        attributes: attribute codes, None if not known.
        start: name of the first frame that is wanted; those before it are left out.

    Raises:
        DatasetError: a frame or mask is missing or has no partner.
    """
    masks = {path.stem: path for path in files_in(masks_dir, {".png"}) if path.stem >= start}
    if not masks:
        raise DatasetError(f"Sequence '{name}' has no masks: {masks_dir} has no PNG files.")
    frames = list(masks.values())
    if need_frames:
        frames = [path for path in files_in(frames_dir, FRAME_SUFFIXES) if path.stem >= start]
    if not frames:
        raise DatasetError(f"Sequence '{name}' has no frames: {frames_dir} has no images.")
    stems = [path.stem for path in frames]
    _check_pairs(name, stems, masks, masks_dir, dense=dense)
    annotations = {i: masks[stem] for i, stem in enumerate(stems) if stem in masks}
    return Sequence(name, tuple(frames), annotations, attributes)


def _check_pairs(
    name: str, stems: list[str], masks: dict[str, Path], masks_dir: Path, *, dense: bool
) -> None:
    if len(set(stems)) != len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise DatasetError(f"Sequence '{name}' has two images named '{twice}'. Remove one.")
    extra = sorted(set(masks) - set(stems))
    if extra:
        raise DatasetError(
            f"Sequence '{name}': {listed(extra)} in {masks_dir} {_has(extra)} no frame. Remove "
            "the extra masks or restore the missing frames."
        )
    if dense:
        missing = [stem for stem in stems if stem not in masks]
        if missing:
            raise DatasetError(
                f"Sequence '{name}': {len(missing)} of {len(stems)} masks missing from {masks_dir} "
                f"({listed(missing)}). Unpack the dataset again."
            )
    elif stems[0] not in masks:
        raise DatasetError(
            f"Sequence '{name}' has no mask for its first frame, {masks_dir / stems[0]}.png, "
            "which tells the trackers what to follow."
        )


def read_names(path: Path) -> list[str]:
    """Read a list of names, or of the path pairs of DAVIS 2016 (`/JPEGImages/480p/bear/...`).

    Raises:
        DatasetError: it is empty or no text.
    """
    names = []
    try:
        text = read_text(path, "utf-8-sig")  # Windows editors put a mark in front
    except UnicodeDecodeError:
        raise DatasetError(f"The split file {path} is not UTF-8 text. Save it as such.") from None
    for line in text.splitlines():
        fields = line.split()
        if fields:
            parts = fields[0].strip("/").split("/")
            names.append(parts[-2] if len(parts) > 1 else parts[0])
    if not names:
        raise DatasetError(f"The split file {path} is empty. Unpack the dataset again.")
    return list(dict.fromkeys(names))


def listed(stems: list[str], most: int = 3) -> str:
    """Return the first few names as text, e.g. `00001.png, 00002.png, 00003.png, ...`."""
    shown = ", ".join(f"{stem}.png" for stem in stems[:most])
    return shown + (", ..." if len(stems) > most else "")


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
