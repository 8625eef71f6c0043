"""Scores that need not be computed again, kept with hashes of all they were computed from.

There is one entry per sequence and protocol, and a new one takes the place of the old. An entry is
used only if the rules, the code that decides scores and the bytes of all label maps are those it
was made from. Sizes and times of files prove nothing: a file may be written twice within a tick of
the clock, or given its old time back. Reading and hashing the files costs a small part of scoring
them, so they are read.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

from vostool.environment import code_version
from vostool.errors import ClusterError, MaskError, ResourceError, StoreError, VostoolError
from vostool.io.label_maps import decode_labels, read_file
from vostool.io.readahead import Ahead
from vostool.io.storage import is_remote, read_bytes, read_text, remove, write_text
from vostool.types import Labels

# The parts of vostool that decide scores; what else scoring imports hands out work and reports.
DECIDING = ("datasets", "geometry", "io", "metrics", "scoring", "types")
Row = tuple[str, int, str, float, float]  # sequence, object, frame, J, F


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """Scores of one sequence.

    Args:
        rows: one `(sequence, object, frame, J, F)` per object and evaluated frame.
        notes: what was assumed or left out, for people.
        meets: somewhere an object of the predictions lies on one of the ground truth.
        files: hash of the label maps that were read, see `LabelFiles.hash`.
    """

    rows: list[Row]
    notes: tuple[str, ...]
    meets: bool
    files: str


class LabelFiles:
    """Reads label maps and remembers hashes of exactly the bytes that it decoded.

    Args:
        ahead: fetches files of a store before they are asked for.
    """

    def __init__(self, ahead: Ahead | None = None) -> None:
        self._hashes: dict[Path, bytes] = {}
        self._read = ahead.read if ahead else read_bytes

    def labels(self, path: Path) -> Labels:
        """Read a label map, see `vostool.io.label_maps.read_labels`.

        Raises:
            MaskError: it cannot be read, or is not what it was when it was read before.
        """
        data = read_file(path, self._read)
        found = hashlib.sha256(data).digest()
        if self._hashes.setdefault(path, found) != found:
            raise MaskError(
                f"{path} was changed while it was scored. Score again when nothing writes it."
            )
        return decode_labels(data, path)

    def hash(self, paths: Iterable[Path]) -> str:
        """Return a hash of the contents of files, in the order in which they are named.

        Raises:
            MaskError: one cannot be read.
        """
        digest = hashlib.sha256()
        ordered = list(paths)
        with Ahead(path for path in ordered if path not in self._hashes) as ahead:
            for path in ordered:
                known = self._hashes.get(path)
                digest.update(known or hashlib.sha256(read_file(path, ahead.read)).digest())
        return digest.hexdigest()


class ScoreCache:
    """A folder of scored sequences.

    Args:
        folder: where entries are; made when the first is stored.
        fresh: never read, only store.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self._folder = folder
        self._fresh = fresh
        self._new: dict[Path, None] = {}  # files and folders in the order in which they were made

    @contextmanager
    def emptied_if_refused(self) -> Iterator[Self]:
        """Remove what was added if the masks are refused: nothing tells of them then.

        A worker that died, a store that is out of reach or Ctrl-C leaves it, to go on from there.
        """
        try:
            yield self
        except (ClusterError, ResourceError, StoreError):
            raise
        except VostoolError:
            for path in reversed(self._new):
                with suppress(OSError):  # somebody else has put something there
                    path.rmdir() if path.is_dir() else remove(path)
            raise

    def load(self, name: str, rules: str, paths: Iterable[Path]) -> SequenceScores | None:
        """Return the scores of a sequence, or None if there is no entry that holds them.

        Args:
            name: of the entry, a relative path.
            rules: everything beside the files and the code that decides the scores.
            paths: the files that decide them, in a fixed order.
        """
        entry = self.load_entry(name, rules, paths)
        if entry is None:
            return None
        rows = [(s, i, frame, j, f) for s, i, frame, j, f in entry["rows"]]
        return SequenceScores(rows, tuple(entry["notes"]), entry["meets"], entry["files"])

    def store(self, name: str, rules: str, scores: SequenceScores) -> None:
        """Keep the scores of a sequence; if that is impossible they are computed next time."""
        self.store_entry(name, rules, {n: getattr(scores, n) for n in SequenceScores.__slots__})

    def load_entry(self, name: str, rules: str, paths: Iterable[Path]) -> dict[str, Any] | None:
        """Return what was kept under a name, see `load`; `files` in it is the hash of the paths."""
        if self._fresh:
            return None
        try:
            check, _, text = read_text(self._path(name)).partition("\n")
            if check != _hash(rules, text):
                return None
            entry: dict[str, Any] = json.loads(text)
            return entry if entry["files"] == LabelFiles().hash(paths) else None
        except (OSError, ValueError, MaskError, StoreError):
            return None  # absent or damaged, or a label map is, which scoring will say

    def store_entry(self, name: str, rules: str, entry: dict[str, Any]) -> None:
        """Keep something that JSON can hold, with the hash of its files as `files`."""
        text = json.dumps(entry)  # floats are read back to the last bit
        path = self._path(name)
        try:
            self._note(path)
            write_text(path, f"{_hash(rules, text)}\n{text}")
        except (OSError, StoreError):
            return

    def _note(self, path: Path) -> None:
        """Note which of a file and the folders it is in are not there yet."""
        absent = [path] if not path.exists() else []
        if absent and not is_remote(path):  # a store has no folders
            absent += takewhile(lambda folder: not folder.exists(), path.parents)
        self._new |= dict.fromkeys(reversed(absent))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.scores"


def _hash(rules: str, text: str) -> str:
    """Return the first line of an entry: it vouches for the text, the rules and the code."""
    return hashlib.sha256(f"{code_version(*DECIDING)}\n{rules}\n{text}".encode()).hexdigest()
