"""Decoded frames of a sequence, kept for the trackers that see it next, within a budget of memory.

Every tracker sees a sequence from its first frame to its last before the next one begins, so the
first frames that fit are kept and the others are decoded again: to replace the oldest, as caches
mostly do, would always drop the frame that is wanted next.
"""

from collections.abc import Callable
from pathlib import Path

from vostool.frames import read_frame
from vostool.sequence import Frame

MB = 1_000_000


class SharedFrames:
    """Reads frames, those of the sequence at hand from memory if they are there.

    Args:
        budget: bytes of decoded frames that are kept at most.
        read: decodes a file.
    """

    def __init__(self, budget: int, read: Callable[[Path], Frame] = read_frame) -> None:
        self.decoded = 0  # files, so far
        self.spared = 0  # files that were read before
        self._budget = budget
        self._decode = read
        self._kept: dict[Path, Frame] = {}
        self._size = 0

    def read(self, path: Path) -> Frame:
        """Return a frame, (H, W, 3) uint8 RGB, read-only.

        Raises:
            DatasetError: it cannot be decoded.
        """
        frame = self._kept.get(path)
        if frame is not None:
            self.spared += 1
        else:
            frame = self._decode(path)
            self.decoded += 1
            if self._size + frame.nbytes <= self._budget:
                frame.setflags(write=False)
                self._kept[path] = frame
                self._size += frame.nbytes
        return frame.view()  # of which nobody can make the others' writable

    def forget(self) -> None:
        """Free the frames, because the sequence is done."""
        self._kept.clear()
        self._size = 0
