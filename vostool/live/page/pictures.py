"""Frames of a video by number, for people who step and play, as JPEG with the objects drawn."""

import threading
from collections.abc import Generator, Mapping
from pathlib import Path

import numpy as np

from vostool.errors import DatasetError
from vostool.io.label_maps import read_labels
from vostool.report.pictures.overlay import resized
from vostool.report.pictures.styles import Style, drawn
from vostool.types import Frame
from vostool.video.source import Source, TimedFrame

_NEAR = 40  # frames that are decoded on the way rather than looked up anew
_KEPT = 24  # decoded frames in memory
_WIDEST = 1280  # pixels of a picture for the page


class FrameFinder:
    """Find frames by their number; stepping and playing forward decode each frame once.

    Args:
        source: of the frames.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._stream: Generator[TimedFrame] | None = None
        self._next = 0
        self._kept: dict[int, TimedFrame] = {}

    def find(self, index: int) -> TimedFrame:
        """Return a frame.

        Raises:
            DatasetError: there is none of that number, or it cannot be decoded.
        """
        with self._lock:
            if index in self._kept:
                return self._kept[index]
            if self._stream is None or not self._next <= index < self._next + _NEAR:
                self.close()
                self._stream = self._source.frames(index)
            for frame in self._stream:
                self._next = frame.index + 1
                self._kept[frame.index] = frame
                while len(self._kept) > _KEPT:
                    del self._kept[next(iter(self._kept))]
                if frame.index >= index:
                    return frame
            self.close()
        raise DatasetError(f"{self._source.name} has no frame {index}.")

    def close(self) -> None:
        """Stop decoding."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def jpeg(frame: Frame, mask: Path | None, style: Style, names: Mapping[int, str]) -> bytes:
    """Return a frame as JPEG, with the objects of a label map drawn as in the video.

    Args:
        frame: (H, W, 3) uint8 RGB.
        mask: file of the label map; None to show the frame alone.
        style: how objects are drawn.
        names: of objects.
    """
    import cv2

    picture = frame if mask is None else drawn(frame, read_labels(mask), style, names)
    small = resized(picture, min(_WIDEST, picture.shape[1]))
    done, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return np.asarray(data).tobytes()
