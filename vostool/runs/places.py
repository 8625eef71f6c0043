"""Where a run folder is: on a disk, or on an object store, which has no rename and no append.

On a disk the results of a sequence grow in a hidden folder that is renamed once they are recorded.
On a store they are sent to where they stay and count once they are recorded; what is not recorded
is removed by the next start.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from vostool.io.appending import AppendedFile
from vostool.io.listing import files_below
from vostool.io.locks import StoreLock, locked, store_locked
from vostool.io.storage import is_remote, remove, remove_files
from vostool.runs.layouts import Layout, Names
from vostool.runs.store_log import StoreLog

Log = AppendedFile | StoreLog


class Place(Protocol):
    """The side of a run folder that depends on where it is."""

    def log(self, name: str, heading: str = "") -> Log:
        """Return a file of the run folder to which lines are added."""
        ...

    def listing(self) -> Names:
        """Return what tells the names of files below the results, as they are now."""
        ...

    def partial(self, sequence: str, attempt: str) -> Path:
        """Return the folder in which a sequence grows; a process fills it through `staged`."""
        ...

    def check(self) -> None:
        """Raise ResultError if another process took the folder over."""
        ...

    def publish(self, sequence: str, partial: Path) -> None:
        """Put a recorded sequence where it belongs."""
        ...

    def discard_partials(self) -> None:
        """Remove what grew and was not finished, as far as that is hidden."""
        ...

    def keep_only(self, sequences: Collection[str]) -> None:
        """Remove what was sent of all other sequences."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from writing the run, see `io.locks`."""
        ...

    def withdraw(self) -> None:
        """Remove what grew or was sent in a run that recorded nothing."""
        ...

    def remove_empty(self) -> None:
        """Remove the run folder if it holds nothing; the caller has locked it."""
        ...


def place_for(path: Path, layout: Layout) -> Place:
    """Return the place of a run folder."""
    return Store(path, layout) if is_remote(path) else Disk(path, layout)


class Disk:
    """A run folder on a disk."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._results = path / layout.folder

    def log(self, name: str, heading: str = "") -> AppendedFile:
        return AppendedFile(self._path / name, heading)

    def listing(self) -> Names:
        def names(inside: str) -> Collection[str]:
            try:
                return os.listdir(self._results / inside)
            except (FileNotFoundError, NotADirectoryError):
                return ()

        return names

    def partial(self, sequence: str, attempt: str) -> Path:
        name = ".".join(("", sequence.replace("/", "+"), *filter(None, (attempt, "partial"))))
        path = self._results / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def check(self) -> None:
        """Nothing: a lock of a disk is not lost."""

    def publish(self, sequence: str, partial: Path) -> None:
        target = self._results / self._layout.result(sequence)
        home = self._results / self._layout.home(sequence)
        if target == home:
            shutil.rmtree(target, ignore_errors=True)  # masks were missing from it
            target.parent.mkdir(exist_ok=True)  # of a name such as video/object
            os.replace(partial, target)
        else:
            os.replace(partial / target.name, target)
            shutil.rmtree(partial)

    def discard_partials(self) -> None:
        for path in self._results.glob(".*.partial"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self._path.glob(".*.partial"):  # of a killed process, see `write_bytes`
            path.unlink(missing_ok=True)

    def keep_only(self, sequences: Collection[str]) -> None:
        """Nothing: what is not recorded is hidden."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        with locked(self._path, "writing"):
            self._results.mkdir(parents=True, exist_ok=True)
            yield

    def withdraw(self) -> None:
        self.discard_partials()

    def remove_empty(self) -> None:
        with suppress(OSError):  # something else is there, e.g. shards
            self._results.rmdir()
            if {path.name for path in self._path.iterdir()} <= {".lock"}:
                (self._path / ".lock").unlink()
                self._path.rmdir()


class Store:
    """A run folder on a store; remembers what is there while it is locked."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._results = path / layout.folder
        self._lock: StoreLock | None = None
        self._listed: dict[str, set[str]] | None = None
        self._logs: list[StoreLog] = []

    def log(self, name: str, heading: str = "") -> StoreLog:
        self._logs.append(StoreLog(self._path / name, heading))
        return self._logs[-1]

    def listing(self) -> Names:
        """Return what tells the names of files; all are listed at once, when it is asked first."""
        if self._lock is None:
            self._listed = None  # others may write
        return lambda inside: self._all().get(inside, set())

    def _all(self) -> dict[str, set[str]]:
        if self._listed is None:
            self._listed = {}
            for name in files_below(self._results):
                folder, _, file = name.rpartition("/")
                self._listed.setdefault(folder, set()).add(file)
        return self._listed

    def partial(self, sequence: str, attempt: str) -> Path:
        return self._results / self._layout.home(sequence)

    def check(self) -> None:
        if self._lock is not None:
            self._lock.check()

    def publish(self, sequence: str, partial: Path) -> None:
        self._listed = None  # the files are where they belong already

    def discard_partials(self) -> None:
        """Nothing: there are no hidden folders."""

    def keep_only(self, sequences: Collection[str]) -> None:
        left = [
            path
            for folder, names in self._all().items()
            for path in (f"{folder}/{name}".lstrip("/") for name in names)
            if self._layout.sequence_of(path) not in sequences
        ]
        remove_files(self._results, left)
        if left:
            self._listed = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        with store_locked(self._path, "writing") as lock:
            self._lock, self._listed = lock, None
            for log in self._logs:
                log.forget()
            try:
                yield
            finally:
                self._lock = self._listed = None

    def withdraw(self) -> None:
        remove(self._results)

    def remove_empty(self) -> None:
        """Nothing: a store has no folders."""
