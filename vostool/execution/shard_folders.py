"""The folders of shards: one for each process, with signs of life as long as it works.

results/<dataset>/<run>/.shards/<i>-of-<n>.<unique>/   a run folder; beside its usual files
    shard.json                                         which machine and process
    alive                                              touched every few seconds, until it ends
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vostool.results import RunFolder
from vostool.stores.lock import is_running
from vostool.stores.storage import is_remote

FOLDER = ".shards"
_ALIVE, _ABOUT = "alive", "shard.json"
BEAT = 10.0  # seconds between signs of life
SILENCE = 60.0  # seconds without one after which a process of another machine is taken for dead


@dataclass(frozen=True, slots=True)
class Shard:
    """The folder of one process.

    Args:
        run: its results.
        host: its machine.
        process: its number there.
    """

    run: RunFolder
    host: str
    process: int

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
        if self.host == socket.gethostname() and not is_running(self.process):
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
            found.append(Shard(type(folder)(path), str(about["host"]), int(about["process"])))
    return found


@contextmanager
def alive(path: Path) -> Iterator[None]:
    """Make the folder of this process, and give signs of life until the block ends."""
    path.mkdir(parents=True)
    (path / _ALIVE).touch()
    about = {"host": socket.gethostname(), "process": os.getpid()}
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


def _now(folder: Path) -> float:
    """Return the time by the clock of the disk that a folder is on."""
    probe = folder / f".now.{uuid.uuid4().hex}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
