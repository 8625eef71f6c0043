"""PNG files: of label maps, in folders of any depth or flat; and a folder per object."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np

from vostool.errors import ResultError
from vostool.exchange.forms.content import Objects, Video, checked, id_in
from vostool.exchange.forms.source import MaskSource
from vostool.io.label_maps import decode_labels


class LabelMaps:
    """`<anything>/<video>/<frame>.png`, copied as they are.

    Args:
        source: folder or zip.
        files: video -> frame -> path.
        nested: they are in folders called after the videos.
    """

    def __init__(
        self, source: MaskSource, files: dict[str, dict[str, str]], *, nested: bool
    ) -> None:
        self.nested = nested
        self._source = source
        self._files = files

    def has(self, name: str) -> bool:
        return name in self._files

    def masks(self, video: Video) -> Iterator[tuple[str, bytes]]:
        for frame, path in self._files[video.name].items():
            yield frame, self._source.read(path)


class PerObject:
    """`<video>/<object>/<frame>.png`, all that is not 0 is the object.

    Args:
        source: folder or zip.
        files: video -> object's folder -> frame -> path.
    """

    def __init__(self, source: MaskSource, files: dict[str, dict[str, dict[str, str]]]) -> None:
        self._source = source
        self._files = files

    def has(self, name: str) -> bool:
        return name in self._files

    def masks(self, video: Video) -> Iterator[tuple[str, Objects]]:
        of_ids: dict[int, dict[str, str]] = {}
        for folder, frames in self._files[video.name].items():
            path = self._source.path / next(iter(frames.values()))
            number = id_in(folder, path.parent)
            if number in of_ids:
                raise ResultError(f"{path.parent} is a second folder of object {number}.")
            of_ids[number] = frames
        names = dict.fromkeys(name for frames in of_ids.values() for name in frames)
        for name in names:  # an object without a file is not there
            yield name, {i: self._mask(f[name], video) for i, f in of_ids.items() if name in f}

    def _mask(self, name: str, video: Video) -> np.ndarray:
        path = self._source.path / name
        return checked(decode_labels(self._source.read(name), path) != 0, video, path)


def sorted_out(
    source: MaskSource, files: list[str], names: list[str], *, lone: bool
) -> LabelMaps | PerObject | None:
    """Return the form of PNG files by where sequences' names are in their paths, None if nowhere.

    Args:
        source: of the files.
        files: relative paths.
        names: of the videos.
        lone: the dataset has that one video and no other, so files without its name are of it.

    Raises:
        ResultError: the same is there twice.
    """
    plain: dict[str, dict[str, str]] = {}
    objects: dict[str, dict[str, dict[str, str]]] = {}
    known = set(names)
    for file in files:
        path = PurePosixPath(file)
        parts = path.parent.parts
        if _name_at(parts, known):
            _put(plain.setdefault(_name_at(parts, known), {}), path.stem, file, source)
        elif parts and re.search(r"[0-9]", parts[-1]) and _name_at(parts[:-1], known):
            video = objects.setdefault(_name_at(parts[:-1], known), {})
            _put(video.setdefault(parts[-1], {}), path.stem, file, source)
    if plain:
        return LabelMaps(source, plain, nested=True)
    if objects:
        return PerObject(source, objects)
    flat = _flat(source, files, names, lone=lone)
    return LabelMaps(source, flat, nested=False) if flat else None


def _name_at(parts: tuple[str, ...], known: set[str]) -> str:
    """Return the video that folders end with; its name may be of two folders."""
    for length in (2, 1):
        name = "/".join(parts[-length:])
        if len(parts) >= length and name in known:
            return name
    return ""


def _flat(
    source: MaskSource, files: list[str], names: list[str], *, lone: bool
) -> dict[str, dict[str, str]]:
    """Return files that are all in one folder, `<video>_<frame>.png`, or of the only video."""
    if not files or len({PurePosixPath(file).parent for file in files}) > 1:
        return {}
    found: dict[str, dict[str, str]] = {}
    for file in files:
        stem = PurePosixPath(file).stem
        fitting = [name for name in names if re.match(rf"{re.escape(name)}[-_. ]", stem)]
        if fitting:
            name = max(fitting, key=len)
            _put(found.setdefault(name, {}), stem[len(name) + 1 :], file, source)
    if not found and lone:
        return {names[0]: {PurePosixPath(file).stem: file for file in files}}
    return found


def _put(frames: dict[str, str], stem: str, file: str, source: MaskSource) -> None:
    if stem in frames:
        raise ResultError(
            f"{source.path} holds the same mask in several places, {frames[stem]} and {file}. Name "
            "the one folder that is meant (of a zip, unpack it first)."
        )
    frames[stem] = file
