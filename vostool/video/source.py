"""What every source of frames has in common: a size, a rate, and frames with their times."""

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from vostool.errors import DatasetError
from vostool.types import Frame

DEPTH = 4  # frames decoded ahead


@dataclass(frozen=True, slots=True)
class TimedFrame:
    """One frame of a source.

    Args:
        index: from 0, in the order in which frames are shown.
        time: seconds since the first frame.
        image: (H, W, 3) uint8 RGB, upright, read-only.
    """

    index: int
    time: float
    image: Frame


class Source(ABC):
    """A video as a stream of frames, of which a few are in memory at a time.

    Attributes:
        name: of the clip, for people and for files that are named after it.
        size: (height, width) of every frame.
        fps: mean frames per second, for writing what has no times of its own.
        length: number of frames as far as it is known, maybe an estimate; None if it is not.
        path: file that may hold audio; None if there is none.
        pixel_aspect: width of a pixel divided by its height.
        notes: what a user should know about what was read; complete when the frames have ended.
    """

    name: str
    size: tuple[int, int]
    fps: float
    length: int | None = None
    path: Path | None = None
    pixel_aspect: float = 1.0

    def __init__(self) -> None:
        self.notes: list[str] = []

    @property
    def count(self) -> int | None:
        """Return the number of frames, None where there is an estimate at best."""
        return self.length

    @abstractmethod
    def frames(self, start: int = 0) -> Generator[TimedFrame]:
        """Yield frames from index `start` on.

        Raises:
            DatasetError: the first wanted frame cannot be decoded.
        """

    def frame(self, index: int) -> TimedFrame:
        """Return one frame.

        Raises:
            DatasetError: there is none of that index.
        """
        with closing(self.frames(index)) as frames:
            for found in frames:
                return found
        raise DatasetError(f"{self.name} has no frame {index}.")


_END = object()


def ahead(frames: Iterable[TimedFrame], depth: int = DEPTH) -> Generator[TimedFrame]:
    """Yield frames that a thread decodes a few ahead; its exceptions are raised here.

    Args:
        frames: an iterator that only this thread uses.
        depth: how many wait at most.
    """
    waiting: queue.Queue[object] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for frame in frames:
                if not put(frame):
                    break
            put(_END)
        except BaseException as error:  # whatever it is, the one who asked for frames must know
            put(error)
        finally:
            close = getattr(frames, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, name="decode", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            assert isinstance(item, TimedFrame)
            yield item
    finally:
        stopped.set()
        thread.join()
