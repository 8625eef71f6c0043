"""What folders hold, of this machine and of stores: one listing in place of many questions."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from vostool.io.storage import is_remote, protocol_of, store_of
from vostool.io.store_errors import store_errors


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a folder.

    Args:
        path: where it is.
        is_dir: it is a folder.
        size: in bytes; None if the listing does not tell, as on this machine and on servers.
    """

    path: Path
    is_dir: bool
    size: int | None = None


def entries(folder: Path) -> list[Entry]:
    """List a folder by one request; empty if there is no such folder.

    Raises:
        StoreError: the store cannot be reached, or refuses.
    """
    if not is_remote(folder):
        try:
            with os.scandir(folder) as found:
                return [Entry(folder / each.name, each.is_dir()) for each in found]
        except (FileNotFoundError, NotADirectoryError):
            return []
    files, inside = store_of(folder)
    try:
        with store_errors(folder):
            rows = files.ls(inside, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    quoted = protocol_of(folder).startswith("http")
    own = inside.rstrip("/").rpartition("/")[2]
    listed = []
    for row in rows:
        whole = str(row["name"]).rstrip("/")
        parent, _, name = whole.rpartition("/")
        if whole.strip("/") == inside.strip("/") or not name or "?" in name:
            continue  # the folder's own marker, a file of that name, or a link that sorts a page
        if quoted and parent.rpartition("/")[2] not in (own, unquote(own)):
            continue  # a link to another folder
        name = unquote(name) if quoted else name
        is_dir = row["type"] == "directory"
        listed.append(Entry(folder / name, is_dir, None if is_dir else row.get("size")))
    return listed


def is_folder(path: Path) -> bool:
    """Return True if there is a folder; one of a store holds something.

    Raises:
        StoreError: the store cannot be reached, refuses, or has no such bucket.
    """
    return bool(entries(path)) if is_remote(path) else path.is_dir()


def folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, by name; none if it is not there."""
    return sorted(entry.path for entry in entries(folder) if entry.is_dir)


def missing_files(folder: Path, names: Iterable[str]) -> list[str]:
    """Return which of some file names a folder lacks, in their order; a store is asked once."""
    if not is_remote(folder):
        return [name for name in names if not (folder / name).is_file()]
    there = {entry.path.name for entry in entries(folder) if not entry.is_dir}
    return [name for name in names if name not in there]


def missing_folders(folder: Path, names: Iterable[str]) -> list[str]:
    """Return which of some folders, `name` or `outer/name`, a folder lacks, in their order."""
    if not is_remote(folder):
        return [name for name in names if not (folder / name).is_dir()]
    wanted = list(names)
    there = {
        str(at / path.name)
        for at in {PurePosixPath(name).parent for name in wanted}
        for path in folders(folder.joinpath(*at.parts))
    }
    return [name for name in wanted if str(PurePosixPath(name)) not in there]


def files_below(folder: Path) -> dict[str, int]:
    """Return all files below a folder: relative path with `/` -> bytes; empty if it is not there.

    A store is asked for all at once, not folder by folder.
    """
    if not is_remote(folder):
        paths = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    files, inside = store_of(folder)
    with store_errors(folder):
        found = files.find(inside, detail=True)
    start = len(inside.rstrip("/")) + 1
    return {name[start:]: row.get("size") or 0 for name, row in found.items() if name[start:]}


def sizes(paths: Sequence[Path]) -> list[int]:
    """Return the bytes of files: of a store as its listings say, else by many requests at once."""
    if not paths or not is_remote(paths[0]):
        return [path.stat().st_size for path in paths]
    known: dict[Path, int | None] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        known.update((entry.path, entry.size) for entry in entries(folder))
    unknown = [path for path in paths if known.get(path) is None]
    if unknown:
        files, _ = store_of(unknown[0])
        with store_errors(unknown[0].parent):
            found = files.sizes([store_of(path)[1] for path in unknown])
        known.update(zip(unknown, found, strict=True))
    return [known[path] or 0 for path in paths]
