"""Files of a store, fetched by many threads before they are asked for."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Self

from vostool.io.storage import AT_ONCE, is_remote, read_bytes

DEPTH = 2 * AT_ONCE  # files that are there or on their way


class Ahead:
    """Reads files; those of a store that were announced are on their way already.

    Args:
        paths: files of a store in the order in which they will be read; those of this machine are
            not fetched ahead.
        bursts: nothing is under way between two calls of `read`: every so many calls one waits for
            many files. For whoever times what is done between.
    """

    def __init__(self, paths: Iterable[Path] = (), *, bursts: bool = False) -> None:
        self._bursts = bursts
        self._coming = deque(dict.fromkeys(path for path in paths if is_remote(path)))
        self._fetched: dict[Path, Future[bytes]] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, "fetch") if self._coming else None

    def read(self, path: Path) -> bytes:
        """Return the contents of a file, see `storage.read_bytes`."""
        if self._pool is None:
            return read_bytes(path)
        if not (self._bursts and self._fetched):
            while self._coming and len(self._fetched) < DEPTH:
                coming = self._coming.popleft()
                self._fetched[coming] = self._pool.submit(read_bytes, coming)
            if self._bursts:
                wait(self._fetched.values())
        future = self._fetched.pop(path, None)
        return read_bytes(path) if future is None else future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
