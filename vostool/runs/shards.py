"""Gathering what shards have finished into their run.

It moves folders and writes what is the same whoever does it, so two who do it at a time, or one who
is killed, spoil nothing.
"""

import json
import logging
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vostool.errors import ResultError
from vostool.io.locks import home_of_processes, is_running
from vostool.io.storage import is_remote
from vostool.runs.folder import Manifest, RunFolder
from vostool.runs.layouts import MASKS, Layout
from vostool.tracking.timing import StepTime

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
        """Return True if its process is still there."""
        try:
            seen = (self.run.path / _ALIVE).stat().st_mtime
        except FileNotFoundError:
            return False
        if self.home == home_of_processes() and not is_running(self.process):
            return False
        return _now(self.run.path.parent) - seen < SILENCE

    def span(self) -> tuple[float, float]:
        """Return when it began and when it last wrote, by the clock of the disk."""
        wrote = self.run.records_path
        if not wrote.exists():  # schema 1
            wrote = self.run.manifest_path
        times = [path.stat().st_mtime for path in (self.run.path / _ABOUT, wrote)]
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
            found.append(Shard(RunFolder(path, folder.layout), host, process, counts))
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


_log = logging.getLogger(__name__)


def done_in(folder: RunFolder) -> set[str]:
    """Return the sequences that are finished in a run or in its shards."""
    # The run is read last: what another process gathers meanwhile is in it before it vanishes here.
    runs = [*(shard.run for shard in shards_of(folder)), folder]
    return {name for run in runs for name in _complete(run, folder)}


class Busy(ResultError):
    """Shards of a run are still at work."""


def gather_if_idle(folder: RunFolder) -> bool:
    """Gather the shards of a run unless somebody is at work on it; tell whether none are left."""
    if not (folder.path / FOLDER).is_dir():
        return True
    with ExitStack() as stack:
        try:
            stack.enter_context(folder.locked())
        except ResultError:
            return False
        try:
            gather(folder)
        except Busy:
            return False
    return True


def gather_all(results: Path, layout: Layout = MASKS) -> None:
    """Gather the shards of all runs of a dataset on whose shards nobody is at work.

    Args:
        results: folder of the run folders.
        layout: of the run folders.
    """
    if is_remote(results) or not results.is_dir():
        return
    for path in sorted(results.iterdir()):
        try:
            if not gather_if_idle(RunFolder(path, layout)):
                _log.info(f"{path}: shards are at work; what they have done is not counted yet.")
        except (ResultError, OSError) as error:
            _log.info(str(error))  # the other runs can be scored


def gather(folder: RunFolder) -> None:
    """Make the sequences of shards part of their run, which the caller has locked if disks can.

    Raises:
        Busy: a shard is at work.
        ResultError: shards are of different runs.
    """
    shards = shards_of(folder)
    for shard in shards:
        if shard.at_work():
            raise Busy(
                f"Shard {shard.number} of {folder.path} is at work (process {shard.process} of "
                f"{shard.host}). Wait for it, or choose another --name."
            )
    # The run is read last here too.
    parts = [
        (shard.run, *read, _neighbours(shard, shards))
        for shard in shards
        if (read := _read(shard.run)) is not None
    ]
    if whole := _read(folder):
        parts.insert(0, (folder, *whole, 1))
    if len(parts) > bool(whole):
        _write_together(folder, parts)
    _remove(folder, [shard.run for shard in shards])


_Part = tuple[RunFolder, Manifest, list[StepTime], int]  # a folder, its contents, its neighbours


def _write_together(folder: RunFolder, parts: list[_Part]) -> None:
    """Write what parts of a run hold into its folder; the first part that has a sequence counts."""
    manifests = [manifest for _, manifest, *_ in parts]
    begun = [manifest for manifest in manifests if manifest.sequences]
    first = min(begun or manifests, key=lambda each: each.created)
    together, steps = replace(first, sequences={}), list[StepTime]()
    moves: list[tuple[str, RunFolder]] = []
    for run, manifest, times, neighbours in parts:
        if manifest.sequences and (differences := first.differences(manifest)):
            raise ResultError(
                f"The shards in {folder.path / FOLDER} are of different runs: "
                f"{', '.join(differences)}. Remove that folder, and run again."
            )
        there = run.complete(manifest) | folder.complete(manifest)  # some may be moved already
        new = sorted(name for name in there if name not in together.sequences)
        for name in new:
            status = manifest.sequences[name]
            together.sequences[name] = replace(status, workers=status.workers * neighbours)
        moves += [(name, run) for name in new if run is not folder]
        added = set(new)
        steps += [step for step in times if step.sequence in added]
    folder.rewrite(together, steps)
    for name, run in moves:
        folder.adopt(name, run)
    lost = set(together.sequences) - folder.complete(together)
    if lost:
        raise ResultError(f"{folder.path} lacks masks of {', '.join(sorted(lost))}. Run again.")
    folder.settle()


def _remove(folder: RunFolder, runs: list[RunFolder]) -> None:
    """Remove gathered folders; each vanishes at once, so that nobody reads a part of it."""
    home = folder.path / FOLDER
    for run in runs:
        with suppress(OSError):  # another process did
            os.replace(run.path, home / f".{run.name}.gone")
    for path in home.glob(".*.gone"):
        shutil.rmtree(path, ignore_errors=True)
    sweep(home)
    with suppress(OSError):  # there are others, or there never was any
        home.rmdir()


def recorded(run: RunFolder) -> Manifest | None:
    """Return the manifest of a folder, None if there is none, or if it is just being removed."""
    try:
        return run.manifest()
    except ResultError:
        if run.exists():
            raise
        return None


def _read(run: RunFolder) -> tuple[Manifest, list[StepTime]] | None:
    manifest, times = recorded(run), run.times()
    return (manifest, times) if manifest and run.exists() else None


def _complete(run: RunFolder, whole: RunFolder) -> set[str]:
    """Return the sequences that a folder records and that are there, or gathered already."""
    manifest = recorded(run)
    return run.complete(manifest) | whole.complete(manifest) if manifest else set()


def _neighbours(shard: Shard, shards: list[Shard]) -> int:
    """Return how many shards ran on the machine of one at the same time, with itself."""
    spans = []
    for other in [shard, *(each for each in shards if each is not shard)]:
        with suppress(FileNotFoundError):  # it recorded nothing, or is being removed
            spans += [other.span()] if other.host == shard.host else []
    return max(1, sum(spans[0][0] <= end and begin <= spans[0][1] for begin, end in spans))
