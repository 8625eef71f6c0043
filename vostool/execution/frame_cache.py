"""Decoded frames of a sequence, kept for the trackers that see it next, within a budget of memory.

Every tracker sees a sequence from its first frame to its last before the next one begins, so the
first frames that fit are kept and the others are decoded again: to replace the oldest, as caches
mostly do, would always drop the frame that is wanted next.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from vostool.io.frames import read_frame
from vostool.types import Frame

MB = 1_000_000


class SharedFrames:
    """Reads frames, those of the sequence at hand from memory if they are there.

    Args:
        budget: bytes of decoded frames that are kept at most.
        read: decodes a file.
    """

    def __init__(self, budget: int, read: Callable[[Path], Frame] = read_frame) -> None:
        self.decoded = 0  # files, so far
        self.spared = 0  # files that were decoded before
        self._budget = budget
        self._decode = read
        self._keeps = True
        self._kept: dict[Path, Frame] = {}
        self._size = 0
        self._lock = Lock()  # frames of a store are read by many threads

    def read(self, path: Path) -> Frame:
        """Return a frame, (H, W, 3) uint8 RGB, read-only.

        Raises:
            DatasetError: it cannot be decoded.
        """
        frame = self._kept.get(path)
        known = frame is not None
        if frame is None:
            frame = self._decode(path)
            frame.setflags(write=False)
        with self._lock:
            self.spared += known
            self.decoded += not known
            if not known and self._keeps and self._size + frame.nbytes <= self._budget:
                self._kept[path] = frame
                self._size += frame.nbytes
        return frame.view()  # of which nobody can make the others' writable

    def keep(self, wanted: bool) -> None:
        """Free the frames of the last sequence, and keep those of the next if they are wanted."""
        self._kept.clear()
        self._size = 0
        self._keeps = wanted

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Keep none of the frames that are read meanwhile."""
        keeps, self._keeps = self._keeps, False
        try:
            yield
        finally:
            self._keeps = keeps
