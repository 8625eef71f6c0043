"""What a run folder on an object store needs that one on a disk does not.

A store has no rename and no append. The masks of a sequence are sent to where they stay, and the
sequence is part of the run once `run.json`, a single object that is replaced whole, says so; what
`run.json` does not name is removed by the next start. `times.csv` is replaced whole, too.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from vostool.io.listing import files_below
from vostool.io.locks import StoreLock, store_locked
from vostool.io.storage import remove_files


class RunStore:
    """The side of a run folder that is on a store; remembers what is there while it is locked."""

    def __init__(self) -> None:
        self._lock: StoreLock | None = None
        self._listed: dict[str, set[str]] | None = None
        self.times = ""  # what `times.csv` holds, while this process is the one that writes

    def look_again(self) -> None:
        """Forget what was there, unless nobody else may write."""
        if self._lock is None:
            self._listed = None

    def names(self, masks: Path, inside: str) -> set[str]:
        """Return the names of the files in a folder below the masks; all are listed at once."""
        if self._listed is None:
            self._listed = {}
            for name in files_below(masks):
                folder, _, file = name.rpartition("/")
                self._listed.setdefault(folder, set()).add(file)
        return self._listed.get(inside, set())

    def keep_only(
        self, masks: Path, sequences: Collection[str], owner: Callable[[str], str]
    ) -> None:
        """Remove the files of all other sequences.

        Args:
            masks: folder of the masks.
            sequences: those to keep.
            owner: returns the sequence of a file by its path below the masks.
        """
        self.names(masks, "")
        listed = self._listed or {}
        paths = [f"{folder}/{n}".lstrip("/") for folder, names in listed.items() for n in names]
        left = [path for path in paths if owner(path) not in sequences]
        remove_files(masks, left)
        if left:
            self._listed = None

    def changed(self) -> None:
        """Forget what is there: files were sent."""
        self._listed = None

    def check(self) -> None:
        """Raise ResultError if another process took the folder over."""
        if self._lock is not None:
            self._lock.check()

    @contextmanager
    def locked(self, folder: Path) -> Iterator[None]:
        """Keep other processes from writing the run, see `store_locked`."""
        with store_locked(folder, "writing") as lock:
            self._lock, self._listed = lock, None
            try:
                yield
            finally:
                self._lock = self._listed = None
