"""Decoding video files: upright frames with the times of the source, whatever the container."""

import bisect
import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vostool.errors import DatasetError
from vostool.types import Frame
from vostool.video.extra import pyav
from vostool.video.source import Source, TimedFrame

SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".gif", ".avi")
_UNSPECIFIED, _BT709 = 2, 1  # ITU-T H.273, matrix coefficients
_HD = 720  # lines from which players take an unnamed matrix for BT.709


class VideoFile(Source):
    """A file that PyAV reads.

    Args:
        path: of the file.

    Raises:
        DatasetError: it is absent, no video, or not one frame can be decoded.
        UsageError: PyAV is not installed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.name = path, path.stem
        self._pts: list[int] | None = None  # of all frames, once `seekable` has looked
        with self._opened() as (container, stream):
            self._fallback = float(stream.average_rate or stream.guessed_rate or 25)
            first = next(self._decoded(container, stream, _Damage()), None)
            if first is None:
                raise DatasetError(
                    f"{path}: not one frame can be decoded. The file is damaged; copy it again."
                )
            self._first = first.pts
            self.size = upright(first).shape[0], upright(first).shape[1]
            self._counted = bool(stream.frames)
            self.length = stream.frames or self._by_duration(stream)
            self.fps = self._fallback
            aspect = float(stream.sample_aspect_ratio or 1)
            self.pixel_aspect = 1 / aspect if _turned(first) else aspect
            if first.color_trc in (16, 18):  # PQ, HLG
                self.notes.append(f"{path.name} is HDR; its colors will look pale.")

    @property
    def count(self) -> int | None:
        return self.length if self._counted else None

    def frames(self, start: int = 0) -> Generator[TimedFrame]:
        if start and not self.seekable():
            yield from (frame for frame in self.frames() if frame.index >= start)
            return
        damage, count, last = _Damage(), 0, 0.0
        with self._opened() as (container, stream):
            if start:
                assert self._pts is not None
                if start >= len(self._pts):
                    return
                container.seek(self._pts[start], stream=stream, backward=True)
            for frame in self._decoded(container, stream, damage):
                index = count if self._pts is None or frame.pts is None else self._index(frame.pts)
                count += 1
                last = self._time(frame, index)
                if index >= start:
                    yield TimedFrame(index, last, self._picture(frame))
            if not start:
                self._tell(damage, count, last, stream)

    def seekable(self) -> bool:
        """Look at the times of all packets, once; return whether frames can be found by them."""
        if self._pts is None:
            found: list[int] = []
            with self._opened() as (container, stream), contextlib.suppress(pyav().FFmpegError):
                for packet in container.demux(stream):
                    if packet.size and not packet.is_discard:
                        if packet.pts is None:
                            return False
                        found.append(packet.pts)
            found = sorted(set(found))
            if not found or self._first is None or found[0] != self._first:
                return False
            self._pts = found
            self.length, self._counted = len(found), True
        return True

    def _index(self, pts: int) -> int:
        assert self._pts is not None
        return max(0, bisect.bisect_right(self._pts, pts) - 1)

    def _time(self, frame: Any, index: int) -> float:
        if frame.pts is None or self._first is None:
            return index / self._fallback
        return max(0.0, float((frame.pts - self._first) * frame.time_base))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """Open the file and choose its video stream, whose decoder may use all cores."""
        av = pyav()
        if not self.path or not self.path.is_file():
            raise DatasetError(f"{self.path} does not exist, or is no file.")
        try:
            container = av.open(str(self.path))
        except av.FFmpegError as error:
            raise DatasetError(
                f"{self.path} cannot be opened as a video: {error.strerror}. If it plays "
                "elsewhere, it was cut short or is still being written; copy it again."
            ) from error
        with container:
            cover = av.stream.Disposition.attached_pic
            streams = [s for s in container.streams.video if not s.disposition & cover]
            if not streams:
                there = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
                raise DatasetError(f"{self.path} has no video stream; it holds {there}.")
            streams[0].thread_type = "AUTO"
            yield container, streams[0]

    @staticmethod
    def _decoded(container: Any, stream: Any, damage: "_Damage") -> Iterator[Any]:
        """Yield what can be decoded; count what cannot."""
        av = pyav()
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                damage.packets += 1
                packets = iter([None])  # the container is at its end; the decoder is not yet
                continue
            damage.discarded += bool(packet is not None and packet.is_discard)
            try:
                found = stream.decode(packet)
            except av.FFmpegError:
                damage.packets += 1
                continue
            for frame in found:
                if frame.is_corrupt:
                    damage.packets += 1
                else:
                    yield frame

    def _picture(self, frame: Any) -> Frame:
        image = upright(frame)
        if image.shape[:2] != self.size:
            import cv2

            image = np.asarray(cv2.resize(image, self.size[::-1], interpolation=cv2.INTER_AREA))
            note = f"{self.name} changes its size; frames are scaled to the first one's."
            if note not in self.notes:
                self.notes.append(note)
        image.setflags(write=False)
        return image

    def _by_duration(self, stream: Any) -> int | None:
        seconds = _duration(stream)
        return round(seconds * self._fallback) if seconds else None

    def _tell(self, damage: "_Damage", count: int, last: float, stream: Any) -> None:
        """Note what is missing when the stream has ended."""
        missing = stream.frames - damage.discarded - count if stream.frames else 0
        seconds = _duration(stream) if not stream.frames else None
        short = seconds is not None and last + 1.5 / self._fallback + 0.1 < seconds
        if damage.packets or missing > 0 or short:
            whole = f" of {stream.frames - damage.discarded}" if stream.frames else ""
            self.notes.append(
                f"{self.path} is cut short or damaged: {count}{whole} frames could be decoded "
                f"(up to {last:.1f} s), and those were used."
            )
        self.length, self._counted = count, True


class _Damage:
    """Counts what could not be decoded, and what an edit list leaves out."""

    packets = 0
    discarded = 0


def _duration(stream: Any) -> float | None:
    """Return the seconds that a stream says it lasts, if it does."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    text = stream.metadata.get("DURATION", "")  # Matroska
    try:
        hours, minutes, seconds = (float(part) for part in text.split(":"))
    except ValueError:
        return None
    return 3600 * hours + 60 * minutes + seconds


def _matrix(frame: Any) -> tuple[int, int, int, int]:
    """Return a, b, c, d of a frame's display matrix: x' = ax + cy, y' = bx + dy."""
    side = frame.side_data.get("DISPLAYMATRIX")
    if side is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(side), np.int32)[:5].tolist()
    return a, b, c, d


def _turned(frame: Any) -> bool:
    a, b, _, _ = _matrix(frame)
    return abs(b) > abs(a)


def upright(frame: Any) -> Frame:
    """Return a decoded frame as (H, W, 3) uint8 RGB, turned and mirrored as it asks."""
    unnamed = frame.colorspace == _UNSPECIFIED and frame.height >= _HD
    image = frame.to_ndarray(format="rgb24", src_colorspace=_BT709 if unnamed else None)
    a, b, c, d = _matrix(frame)
    if abs(b) > abs(a):
        image = image.transpose(1, 0, 2)
        a, d = c, b
    image = image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(image, np.uint8)
