"""Keeping a second writer away from a folder of a store, which has no locks of its own.

The writer makes the object `.lock`, which says who it is, and writes the time into it every few
seconds. Making it is one request that the store refuses if the object is there (S3 does; where the
package for a store cannot ask for that, two that start in the same instant may both go on). A lock
whose writer has given no sign for `STALE` seconds is taken over, at once if it was a process of
this machine that is gone. Clocks of machines must agree within a minute. Whoever lost its lock
stops before it records another sequence.
"""

import errno
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vostool.errors import ResultError, StoreError, VostoolError
from vostool.io.storage import (
    create,
    is_remote,
    read_bytes,
    remove,
    require_writable,
    write_bytes,
)

BEAT = 15.0  # seconds between signs
STALE = 120.0  # seconds without a sign after which the writer is taken for gone
_WITHOUT = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL}  # a disk has no locks


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who holds a lock, and when it last gave a sign, in seconds since 1970.

    `home` is where its number counts, see `home_of_processes`.
    """

    token: str
    host: str
    pid: int
    at: float
    home: str = ""

    def data(self) -> bytes:
        return (json.dumps(asdict(self)) + "\n").encode()


class StoreLock:
    """A lock that this process holds.

    Args:
        folder: what is locked.
        holder: this process.
    """

    def __init__(self, folder: Path, holder: _Holder) -> None:
        self._folder = folder
        self._path = folder / ".lock"
        self._mine = holder
        self._ended = threading.Event()

    def check(self) -> None:
        """Raise ResultError if the lock is somebody else's by now."""
        holder = _read(self._path)
        if holder is None or holder.token != self._mine.token:
            who = "nobody" if holder is None else f"process {holder.pid} on {holder.host}"
            raise ResultError(
                f"{self._folder} was taken over by {who}, because this process gave no sign for "
                f"{STALE:.0f} s. What is finished is kept; run the same command again to go on."
            )

    def beat(self) -> None:
        """Write the time into the lock every few seconds until it is released."""
        while not self._ended.wait(BEAT):
            try:
                self.check()
                if not self._ended.is_set():
                    write_bytes(self._path, _now(self._mine).data())
            except ResultError:
                return
            except (VostoolError, OSError):
                continue  # the store may answer again before the lock is stale

    def release(self, beating: threading.Thread) -> None:
        """Let others write."""
        self._ended.set()
        beating.join()
        with suppress(StoreError):  # what ended the work is worth more; the lock gets stale
            holder = _read(self._path)
            if holder is not None and holder.token == self._mine.token:
                remove(self._path)


@contextmanager
def store_locked(folder: Path, doing: str) -> Iterator[StoreLock]:
    """Keep other processes away from a folder of a store.

    Args:
        folder: what is locked.
        doing: what a process does that holds it, e.g. `writing`.

    Raises:
        ResultError: another process is at it.
        UsageError: nothing can be written there.
        StoreError: the store does not answer, or refuses.
    """
    require_writable(folder)
    home = home_of_processes()
    mine = _Holder(uuid.uuid4().hex, platform.node(), os.getpid(), time.time(), home)
    _take(folder, mine, doing)
    lock = StoreLock(folder, mine)
    beating = threading.Thread(target=lock.beat, daemon=True, name="store-lock")
    beating.start()
    try:
        yield lock
    finally:
        lock.release(beating)


def _take(folder: Path, mine: _Holder, doing: str) -> None:
    path = folder / ".lock"
    for _ in range(2):
        if create(path, mine.data()):
            return
        holder = _read(path)
        if holder is not None and not _gone(holder):
            break
        remove(path)  # of a writer that was killed, or released in this moment
    holder = _read(path)
    if holder is None:
        raise ResultError(f"Another vostool began {doing} {folder} in this moment. Try again.")
    quiet = max(0.0, time.time() - holder.at)
    raise ResultError(
        f"Another vostool (process {holder.pid} on {holder.host}) is {doing} {folder}; its last "
        f"sign was {quiet:.0f} s ago. Wait for it, or choose another --name. If it was killed, "
        f"start again in {max(0.0, STALE - quiet):.0f} s."
    )


def _read(path: Path) -> _Holder | None:
    """Return who holds a lock, None if nobody does."""
    try:
        values = json.loads(read_bytes(path))
        home = str(values.get("home", ""))
        token, host = str(values["token"]), str(values["host"])
        return _Holder(token, host, int(values["pid"]), values["at"], home)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return _Holder("", "an unknown machine", 0, 0.0)  # damaged: stale


def _gone(holder: _Holder) -> bool:
    if time.time() - holder.at > STALE:
        return True
    return holder.home == home_of_processes() and not is_running(holder.pid)


def home_of_processes() -> str:
    """Return where numbers of processes count: this machine, and in it this container."""
    try:
        space = os.readlink("/proc/self/ns/pid")  # containers may all have the host's name
    except OSError:
        space = ""
    return f"{platform.node()} {space}".rstrip()


def is_running(pid: int) -> bool:
    """Return True if a process of this machine is there; yes where that cannot be told."""
    if os.name == "nt" or pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _now(holder: _Holder) -> _Holder:
    return replace(holder, at=time.time())


@contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """Keep other processes away from a folder, which is made if it is not there.

    On a store see `store_lock`.

    Args:
        folder: what is locked.
        doing: what a process does that holds it, e.g. `writing`.

    Raises:
        ResultError: another process is at it.
    """
    if is_remote(folder):
        with store_locked(folder, doing):
            yield
        return
    from filelock import FileLock, Timeout

    # The system frees it however its process ends. Where a disk has no locks one goes on without.
    lock = FileLock(folder / ".lock", blocking=False, thread_local=False, fallback_to_soft=False)
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(lock)
        except (Timeout, FileNotFoundError):  # the latter: another start removed the folder
            raise ResultError(
                f"Another vostool is {doing} {folder}. Wait for it, or choose another --name."
            ) from None
        except OSError as error:
            if error.errno not in _WITHOUT:
                raise
        yield
