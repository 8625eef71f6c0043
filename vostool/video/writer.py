"""Encoding: MP4 that browsers, phones and chat programs play, and WebM with transparency."""

import contextlib
import errno
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from vostool.errors import ResourceError
from vostool.video.audio import AudioTrack, has_audio, video_start
from vostool.video.extra import pyav
from vostool.video.source import Source

Codec = Literal["h264", "vp9", "vp9-alpha"]
_TICK = Fraction(1, 90_000)
_BT709 = 1
_LIBRARY = {"h264": "libx264", "vp9": "libvpx-vp9", "vp9-alpha": "libvpx-vp9"}
_OPTIONS = {
    # Without B-frames: with them MP4 would lose the last moments of a variable frame rate.
    "h264": {"preset": "veryfast", "crf": "20", "bf": "0"},
    "vp9": {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
}
# Alternate reference frames have no alpha.
_OPTIONS["vp9-alpha"] = {**_OPTIONS["vp9"], "auto-alt-ref": "0"}


class VideoWriter:
    """Write frames with their times as they come; what was written is playable whenever it ends.

    Args:
        path: `.mp4`, or `.webm` for `vp9-alpha`. It appears when the writer is closed.
        fps: about how many frames per second there will be.
        codec: H.264, VP9, or VP9 with an alpha channel.
        source: whose audio and pixel aspect go along; None for neither.

    Raises:
        ResourceError: this PyAV lacks the encoder, or the disk is full.
    """

    def __init__(
        self, path: Path, fps: float, codec: Codec = "h264", source: Source | None = None
    ) -> None:
        self._path, self._fps, self._codec, self._source = path, fps, codec, source
        self._partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
        self._container: Any = None
        self._stream: Any = None
        self._audio: AudioTrack | None = None
        self._last = -1

    def put(self, picture: NDArray[np.uint8], time: float) -> None:
        """Encode one picture.

        Args:
            picture: (H, W, 3) uint8 RGB, or (H, W, 4) with alpha; all of the first one's size.
            time: seconds since the first picture; later than the last one's.
        """
        av = pyav()
        even = _even(picture)
        with self._errors():
            if self._container is None:
                self._open(even.shape[1], even.shape[0])
            if self._audio is not None:
                self._audio.until(time)
            form = "rgba" if picture.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(even, format=form).reformat(
                format=self._stream.pix_fmt, dst_colorspace=_BT709
            )
            self._last = max(self._last + 1, round(time / _TICK))
            frame.pts, frame.time_base = self._last, _TICK
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file and give it its name; there is none if nothing was written."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            with self._errors():
                container.mux(self._stream.encode(None))
                if self._audio is not None:
                    self._audio.until((self._last + 1) * float(_TICK))
                    self._audio.close()
                container.close()
                os.replace(self._partial, self._path)
        finally:
            with contextlib.suppress(Exception):
                container.close()
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, width: int, height: int) -> None:
        av = pyav()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        library = _LIBRARY[self._codec]
        if library not in av.codecs_available:
            raise ResourceError(f"This PyAV has no encoder {library}. Install its wheel from PyPI.")
        # The index in front, so that a player can begin before it has the whole file.
        options = {"movflags": "+faststart"} if self._path.suffix == ".mp4" else {}
        self._container = av.open(str(self._partial), "w", options=options)
        rate = Fraction(self._fps).limit_denominator(1001)
        self._stream = self._container.add_stream(library, rate=rate, options=_OPTIONS[self._codec])
        context = self._stream.codec_context
        context.width, context.height, context.time_base = width, height, _TICK
        context.pix_fmt = "yuva420p" if self._codec == "vp9-alpha" else "yuv420p"
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 1  # 16 to 235, as players expect
        context.thread_type = "AUTO"
        if self._source is None:
            return
        if self._source.pixel_aspect != 1:
            aspect = Fraction(self._source.pixel_aspect).limit_denominator(255)
            context.sample_aspect_ratio = aspect
        path = self._source.path
        if path is not None and self._path.suffix == ".mp4" and has_audio(path):
            self._audio = AudioTrack(path, self._container, video_start(path))

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn a full disk into its sentence."""
        try:
            yield
        except (pyav().FFmpegError, OSError) as error:
            number = getattr(error, "errno", None)
            if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise ResourceError(
                    f"The disk is full at {self._path}. Free some space, or choose another place "
                    "with --out."
                ) from error
            reason = getattr(error, "strerror", None) or error
            raise ResourceError(f"{self._path} cannot be written: {reason}.") from error


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture of even width and height, the last row or column repeated, for 4:2:0."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(picture)
