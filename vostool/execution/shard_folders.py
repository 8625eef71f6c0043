"""The folders of shards: one for each process, with signs of life as long as it works.

results/<dataset>/<run>/.shards/<i>-of-<n>.<unique>/   a run folder; beside its usual files
    shard.json                                         which machine and process
    alive                                              touched every few seconds, until it ends
"""

import json
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vostool.results import RunFolder
from vostool.stores.lock import home_of_processes, is_running
from vostool.stores.storage import is_remote

FOLDER = ".shards"
_ALIVE, _ABOUT, _PROBE = "alive", "shard.json", ".now."
BEAT = 10.0  # seconds between signs of life
SILENCE = 60.0  # seconds without one after which a process of another machine is taken for dead


@dataclass(frozen=True, slots=True)
class Shard:
    """The folder of one process.

    Args:
        run: its results.
        host: its machine.
        process: its number there.
        home: where that number counts, see `home_of_processes`.
    """

    run: RunFolder
    host: str
    process: int
    home: str

    @property
    def number(self) -> str:
        """Return which shard it is, e.g. `3/8`."""
        return self.run.name.partition(".")[0].replace("-of-", "/")

    def at_work(self) -> bool:
        """Tell whether its process is still there."""
        try:
            seen = (self.run.path / _ALIVE).stat().st_mtime
        except FileNotFoundError:
            return False
        if self.home == home_of_processes() and not is_running(self.process):
            return False
        return _now(self.run.path.parent) - seen < SILENCE

    def span(self) -> tuple[float, float]:
        """Return when it began and when it last wrote, by the clock of the disk."""
        times = [(self.run.path / name).stat().st_mtime for name in (_ABOUT, "run.json")]
        return min(times), max(times)


def shards_of(folder: RunFolder) -> list[Shard]:
    """Return the shards of a run that are not gathered yet, by name."""
    home = folder.path / FOLDER
    if is_remote(folder.path) or not home.is_dir():
        return []
    found = []
    for path in sorted(home.glob("[!.]*")):
        with suppress(OSError, ValueError, KeyError):  # it is just beginning, or being removed
            about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
            host, process, counts = str(about["host"]), int(about["process"]), about.get("home", "")
            found.append(Shard(type(folder)(path), host, process, counts))
    return found


@contextmanager
def alive(path: Path) -> Iterator[None]:
    """Make the folder of this process, and give signs of life until the block ends."""
    while not path.is_dir():
        with suppress(FileNotFoundError):  # whoever gathers just removed the folder above it
            path.mkdir(parents=True)
    (path / _ALIVE).touch()
    about = {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "home": home_of_processes(),
    }
    (path / _ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            with suppress(OSError):
                os.utime(path / _ALIVE)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        (path / _ALIVE).unlink(missing_ok=True)


def sweep(home: Path) -> None:
    """Remove what processes left that were killed before or after they had a shard."""
    if not home.is_dir():
        return
    with suppress(OSError):  # others may be doing the same
        now = _now(home)
        for path in home.iterdir():
            if now - path.stat().st_mtime < SILENCE:
                continue
            if path.name.startswith(_PROBE):
                path.unlink(missing_ok=True)
            elif path.is_dir() and not (path / _ABOUT).exists():
                shutil.rmtree(path, ignore_errors=True)


def _now(folder: Path) -> float:
    """Return the time by the clock of the disk that a folder is on."""
    probe = folder / f"{_PROBE}{uuid.uuid4().hex}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
