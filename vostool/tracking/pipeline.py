"""Streaming a sequence past a tracker: frames are decoded ahead and masks written behind.

On a CPU these threads would take time from the tracker that is being timed, so there a gate lets
them work only while no step is running.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Condition
from typing import Self

from vostool.io.frames import read_frame
from vostool.io.label_maps import write_labels
from vostool.io.storage import AT_ONCE, is_remote
from vostool.types import Frame, Labels

DEPTH = 4  # frames decoded ahead, and masks waiting to be written
REMOTE_DEPTH = 48  # frames of a store fetched and decoded ahead
REMOTE_BYTES = 256 * 2**20  # that these take at most


class Gate:
    """Keep file work and steps apart; an open gate lets both run at the same time.

    Args:
        open: no keeping apart: the tracker works on another device.
    """

    def __init__(self, *, open: bool) -> None:
        self._open = open
        self._changed = Condition()
        self._at_work = 0
        self._stepping = False

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run a step: waits for file work to end and holds further work back."""
        if self._open:
            yield
            return
        try:
            with self._changed:
                self._stepping = True
                self._changed.wait_for(lambda: self._at_work == 0)
            yield
        finally:  # also if Ctrl-C came while waiting: the threads must not wait for ever
            with self._changed:
                self._stepping = False
                self._changed.notify_all()

    @contextmanager
    def file_work(self) -> Iterator[None]:
        """Decode or write one file."""
        if self._open:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._stepping)
            self._at_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()


def decoded(
    paths: Iterable[Path], gate: Gate, read: Callable[[Path], Frame] = read_frame
) -> Generator[Frame]:
    """Yield the frames in order, decoded by a thread that stays a few frames ahead.

    Frames of a store are fetched by many threads and further ahead, so that waiting for one does
    not hold up the tracker. They come in bursts: where a step waits for file work to end, it is one
    step of many that waits.
    """
    ordered = list(paths)
    remote = bool(ordered) and is_remote(ordered[0])

    def work(path: Path) -> Frame:
        with gate.file_work():
            return read(path)

    with ThreadPoolExecutor(AT_ONCE if remote else 1, "decode") as pool:
        waiting: deque[Future[Frame]] = deque()
        coming = iter(ordered)
        depth, burst = DEPTH, 1  # of a store until it is known how large its frames are
        try:
            while True:
                if len(waiting) <= depth - burst + 1:
                    for path in islice(coming, depth + 1 - len(waiting)):
                        waiting.append(pool.submit(work, path))
                if not waiting:
                    return
                frame = waiting.popleft().result()
                if remote:
                    depth = min(REMOTE_DEPTH, max(DEPTH, REMOTE_BYTES // max(frame.nbytes, 1)))
                    burst = min(AT_ONCE, depth // 3)
                yield frame
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class MaskWriter:
    """Write label maps in a thread; an error of a write is raised by a later `put` or the end."""

    def __init__(self, folder: Path, gate: Gate) -> None:
        self._folder = folder
        self._gate = gate
        self._pool = ThreadPoolExecutor(1, "write")
        self._waiting: deque[Future[None]] = deque()

    def put(self, name: str, labels: Labels) -> None:
        """Write `<folder>/<name>.png` soon; waits if too many are waiting.

        The labels are copied: a tracker may use its array again for the next frame.
        """
        self._waiting.append(self._pool.submit(self._write, name, labels.copy()))
        while len(self._waiting) > DEPTH:
            self._waiting.popleft().result()

    def _write(self, name: str, labels: Labels) -> None:
        with self._gate.file_work():
            write_labels(self._folder / f"{name}.png", labels)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for future in self._waiting:
                future.result()
