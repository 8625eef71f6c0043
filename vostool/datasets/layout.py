"""The folder layout all mask datasets share: one folder of frames and one of masks per sequence."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from vostool.errors import DatasetError, UsageError
from vostool.io.frames import FRAME_SUFFIXES
from vostool.io.listing import entries
from vostool.io.storage import each_at_once, is_remote, resolved
from vostool.io.text import lines_of, read_outside
from vostool.types import Sequence

# /JPEGImages/480p/<sequence>/00000.jpg, and maybe a mask after it
_IMAGE_PATH = re.compile(r"/?(?:[^/]+/)*([^/]+)/[^/]+?\.(?:jpe?g|png|bmp)(?:\s|$)", re.IGNORECASE)
# What systems, file servers and packers leave in folders, besides hidden files.
_LITTER = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}


_CLIP = TypeVar("_CLIP")
_WANTED: ContextVar[frozenset[str] | None] = ContextVar("wanted", default=None)


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
    found = [e.path for e in entries(folder) if e.is_dir and not is_litter(e.path.name)]
    refuse_undecodable(found)
    return sorted(path.name for path in found)


def is_litter(name: str) -> bool:
    """Return True for the name of a file or folder that is hidden, or that nobody put there."""
    return name.startswith(".") or name in _LITTER


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
    """Raise DatasetError if a path is not valid in the encoding of file names, or in tables.

    Tables and run folders are UTF-8 and could not name it.
    """
    for path in paths:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            shown = os.fsencode(path).decode(errors="backslashreplace")
            raise DatasetError(f"The name {shown} is not valid UTF-8. Rename it.") from None
        if "\r" in path.name:  # tables on Windows end lines with it
            raise DatasetError(f"The name {path.name!r} has a carriage return. Rename it.")


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
    reading = if_wanted(read, lambda name: Sequence(name, (), {}))
    return tuple(each_at_once(reading, list(names), is_remote(root)))


@contextmanager
def only(names: Iterable[str] | None) -> Iterator[None]:
    """Read datasets of which these sequences alone are asked for: others need not be whole.

    A dataset may be half downloaded. Its list still says which sequences there are.

    Args:
        names: of the sequences; all if None.
    """
    token = _WANTED.set(None if names is None else frozenset(names))
    try:
        yield
    finally:
        _WANTED.reset(token)


def if_wanted(
    read: Callable[[str], _CLIP], blank: Callable[[str], _CLIP]
) -> Callable[[str], _CLIP]:
    """Return a reader that gives a blank for a sequence that is damaged, if nobody asked for it.

    Args:
        read: reads one by its name.
        blank: makes one that has nothing but its name; nobody selects it.

    A name may also be that of a video, whose objects are the sequences, `video/000` or `video-1`.
    """
    wanted = _WANTED.get()

    def reading(name: str) -> _CLIP:
        try:
            return read(name)
        except DatasetError:
            if wanted is None or any(re.match(rf"{re.escape(name)}([-/]|$)", w) for w in wanted):
                raise
            return blank(name)

    return reading


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

    A name is a whole line, or what stands before a tab; it may have blanks.

    Raises:
        DatasetError: it is empty or no text.
    """
    names = []
    for line in lines_of(read_outside(path, DatasetError)):
        pair = _IMAGE_PATH.match(line)
        names.append(pair[1] if pair else line.split("\t")[0].strip().strip("/").split("/")[-1])
    if not names:
        raise DatasetError(f"The split file {path} is empty. Unpack the dataset again.")
    return list(dict.fromkeys(names))


def frames_beside(sequence: Sequence) -> list[str]:
    """Return the names of the frames that lie beside the masks of a sequence; none if not there.

    Scoring opens a dataset by its masks, which may be of some frames only.
    """
    folder = next(iter(sequence.annotations.values())).parent
    for above in folder.parents:
        if not (above.name or str(above)).startswith("Annotations"):
            continue
        inside = folder.relative_to(above)
        for images in sorted(e.path for e in entries(above.parent) if e.is_dir):
            if images.name.startswith("JPEGImages"):
                for place in (images / inside, images / inside.parent):  # masks per object
                    found = files_in(place, FRAME_SUFFIXES)
                    if found:
                        return [path.stem for path in found]
    return []


def listed(stems: list[str], most: int = 3) -> str:
    """Return the first few names as text, e.g. `00001.png, 00002.png, 00003.png, ...`."""
    shown = ", ".join(f"{stem}.png" for stem in stems[:most])
    return shown + (", ..." if len(stems) > most else "")


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
