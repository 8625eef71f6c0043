"""Somebody's label maps, in a folder or a zip: what is there, and the bytes of each.

Nothing of a zip is ever extracted: its entries are read one at a time, and names of files on this
machine are never made of names in it. What it says of itself is not trusted either: an entry that
would lead outside its folder, or is larger than a label map can be, is refused.
"""

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from vostool.datasets.layout import is_litter
from vostool.errors import MaskError, ResultError
from vostool.io.kinds import what_it_is
from vostool.io.label_maps import read_file
from vostool.io.listing import files_below, is_folder
from vostool.io.storage import is_remote

LARGEST = 64 * 2**20  # bytes of one PNG; an 8K frame of incompressible ids is 33 MB
_DEEPEST = 6  # folders below a folder that is looked through
OTHERS = {".json", ".npz", ".npy"}


class FolderSource:
    """Label maps below a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[str]:
        """Return the relative paths of all PNG files, with `/`, hidden ones left out."""
        if is_remote(self.path):
            return sorted(name for name in files_below(self.path) if _is_near(name))
        return sorted(name for name in self._walked() if is_mask(name))

    def others(self) -> list[str]:
        """Return the relative paths of JSON files and NumPy arrays, hidden ones left out."""
        if is_remote(self.path):
            return sorted(name for name in files_below(self.path) if is_other(name))
        return sorted(name for name in self._walked() if is_other(name))

    def _walked(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.path, followlinks=True):
            inside = PurePosixPath(Path(folder).relative_to(self.path).as_posix())
            if len(inside.parts) >= _DEEPEST:
                folders.clear()
            folders[:] = sorted(name for name in folders if not is_litter(name))
            yield from ((inside / name).as_posix() for name in names)

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """Return the bytes of a file that has no more than `most`.

        Raises:
            MaskError: it cannot be read, or is too large.
        """
        return _read_file(self.path / name, most)

    def local(self, name: str, folder: Path, most: int) -> Path:
        """Return a path of this machine with the contents of a file; `folder` is for copies."""
        return _local(self.path / name, folder)


class ZipSource:
    """Label maps in a zip."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._others: dict[str, zipfile.ZipInfo] = {}
        for entry in archive.infolist():
            name = _safe_name(path, entry)
            if entry.is_dir() or not (is_mask(name) or is_other(name)):
                continue
            found = self._entries if is_mask(name) else self._others
            if name in found:
                raise ResultError(
                    f"{path} holds {name} twice, and nobody knows which is meant. Pack it again."
                )
            found[name] = entry

    def files(self) -> list[str]:
        """Return the names of all PNG entries, hidden ones left out."""
        return sorted(self._entries)

    def others(self) -> list[str]:
        """Return the names of entries that are JSON or NumPy arrays, hidden ones left out."""
        return sorted(self._others)

    def local(self, name: str, folder: Path, most: int) -> Path:
        """Return a file of this machine with the contents of an entry, in a folder of copies."""
        to = folder / f"entry{PurePosixPath(name).suffix}"
        with self._opened(name, most) as entry, to.open("wb") as copy:
            shutil.copyfileobj(entry, copy, 2**20)
        return to

    @contextmanager
    def _opened(self, name: str, most: int) -> Iterator[IO[bytes]]:
        entry, path = self._entries.get(name) or self._others[name], self.path / name
        if entry.flag_bits & 1:
            raise MaskError(f"{path} is encrypted. Pack it without a password.")
        if entry.file_size > most:
            raise MaskError(_too_large(path, most))
        try:
            with self._archive.open(entry) as file:
                yield file
        except NotImplementedError:
            raise MaskError(
                f"{path} is packed by a method that cannot be read here. Pack it with deflate."
            ) from None
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise MaskError(f"{path} is damaged ({error}). Copy or pack the zip again.") from error

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """Return the bytes of an entry that has no more than `most`.

        Raises:
            MaskError: it is damaged, encrypted or too large.
        """
        entry, path = self._entries.get(name) or self._others[name], self.path / name
        if entry.flag_bits & 1:
            raise MaskError(f"{path} is encrypted. Pack it without a password.")
        if entry.file_size > most:
            raise MaskError(_too_large(path, most))
        try:
            return self._archive.read(entry)  # never more than file_size bytes
        except NotImplementedError:
            raise MaskError(
                f"{path} is packed by a method that cannot be read here. Pack it with deflate."
            ) from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise MaskError(f"{path} is damaged ({error}). Copy or pack the zip again.") from error


class FileSource:
    """One file of masks that are no label maps: JSON, or a NumPy array."""

    def __init__(self, path: Path) -> None:
        self.path = path.parent
        self._name = path.name

    def files(self) -> list[str]:
        """Return nothing: it is no PNG."""
        return []

    def others(self) -> list[str]:
        """Return the name of the file."""
        return [self._name]

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """Return the bytes of the file, see `FolderSource.read`."""
        return _read_file(self.path / name, most)

    def local(self, name: str, folder: Path, most: int) -> Path:
        """Return a path of this machine with the contents of the file."""
        return _local(self.path / name, folder)


MaskSource = FolderSource | ZipSource | FileSource


@contextmanager
def opened_source(path: Path) -> Iterator[MaskSource]:
    """Open a folder or a zip.

    Raises:
        ResultError: it is neither, or a zip that cannot be trusted.
    """
    if is_folder(path) and not path.is_file():
        yield FolderSource(path)
        return
    if not path.is_file():
        raise ResultError(f"{path} does not exist. Name a folder of masks, or a zip of one.")
    if path.suffix.lower() in OTHERS:
        yield FileSource(path)
        return
    try:
        archive = zipfile.ZipFile(path.open("rb") if is_remote(path) else path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        with path.open("rb") as file:
            what = what_it_is(file.read(1024))
        raise ResultError(
            f"{path} is no zip that can be read ({error})"
            f"{f': it {what}' if what and 'zip' not in what else ''}. Name a folder of masks, a "
            "zip of one, or a JSON or NumPy file of masks."
        ) from error
    with archive:
        yield ZipSource(path, archive)


def is_mask(name: str) -> bool:
    """Return True if a path is that of a PNG that nobody hid."""
    parts = PurePosixPath(name).parts
    hidden = any(is_litter(part) for part in parts)
    return name.lower().endswith(".png") and not hidden


def is_other(name: str) -> bool:
    """Return True for the path of a JSON file or NumPy array that nobody hid."""
    path = PurePosixPath(name)
    return path.suffix.lower() in OTHERS and not any(is_litter(part) for part in path.parts)


def _read_file(path: Path, most: int) -> bytes:
    if not is_remote(path) and path.is_file() and path.stat().st_size > most:
        raise MaskError(_too_large(path, most))
    return read_file(path)


def _local(path: Path, folder: Path) -> Path:
    if not is_remote(path):
        return path
    to = folder / path.name
    to.write_bytes(read_file(path))
    return to


def _is_near(name: str) -> bool:
    """Return True if a path is a mask's and not too many folders deep."""
    return is_mask(name) and len(PurePosixPath(name).parts) <= _DEEPEST + 1


def prefix_of(source: MaskSource, files: Iterable[str], sequences: Iterable[str]) -> str:
    """Return what stands before `<sequence>/<frame>.png` in the paths of a source.

    Args:
        source: named in errors.
        files: its paths.
        sequences: names that a dataset has.

    Returns:
        Empty, or a path that ends with `/`.

    Raises:
        ResultError: no path has a sequence in it, or they are in several places.
    """
    names = list(sequences)
    folders = {PurePosixPath(name).parent.as_posix() for name in files}
    counts: dict[str, int] = {}
    for folder in folders:
        for name in names:
            if folder == name or folder.endswith(f"/{name}"):
                prefix = folder.removesuffix(name)
                counts[prefix] = counts.get(prefix, 0) + 1
    if not counts:
        raise ResultError(_nothing(source, sorted(folders), names))
    if len(counts) > 1:
        places = " and ".join(f"'{prefix or '.'}'" for prefix in sorted(counts)[:3])
        raise ResultError(
            f"{source.path} holds sequences in several places, {places}. Name the one folder that "
            "holds <sequence>/<frame>.png (of a zip, unpack it first)."
        )
    return next(iter(counts))


def _nothing(source: MaskSource, folders: list[str], names: list[str]) -> str:
    """Say what is there instead of the sequences of a dataset."""
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    if source.path.name in names and "." in folders:
        return (
            f"{source.path} is the folder of one sequence: name {source.path.parent}, with "
            f"--sequences {source.path.name}."
        )
    there = ", ".join(folders[:3]) + (", ..." if len(folders) > 3 else "")
    what = f"It has PNG files in {there}." if folders else "It has no PNG files at all."
    return (
        f"{source.path} has no folder with PNG files for any of the {len(names)} sequences of the "
        f"dataset ({shown}). {what}"
    )


def _safe_name(path: Path, entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry, with `/`.

    Raises:
        ResultError: it leads outside of the folder it would be unpacked into.
    """
    name = entry.filename.replace("\\", "/")  # as old packers of Windows write it
    parts = PurePosixPath(name).parts
    absolute = name.startswith("/") or (len(name) > 1 and name[1] == ":")
    if absolute or ".." in parts or stat.S_ISLNK(entry.external_attr >> 16):
        raise ResultError(
            f"{path} holds the entry {entry.filename!r}, which leads outside of its folder: no "
            "honest packer writes such a thing. Nothing was read from it."
        )
    return name


def _too_large(path: Path, most: int) -> str:
    what = ", which no label map is" if most == LARGEST else ""
    return f"{path} is larger than {most // 2**20} MB{what}. Write it again."
