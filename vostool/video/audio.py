"""The audio of the source beside the pictures: copied where MP4 takes it, else made AAC."""

from pathlib import Path
from typing import Any

from vostool.video.extra import pyav

_COPIED = ("aac",)  # plays wherever H.264 in MP4 does
_RATE = 48_000


class AudioTrack:
    """Moves the audio of a file into a container, as far as the pictures have got.

    Args:
        path: file whose audio it is.
        output: PyAV container into which nothing was written yet.
        start: seconds on the clock of `path` at which the pictures begin.
    """

    def __init__(self, path: Path, output: Any, start: float) -> None:
        av = pyav()
        self._output, self._start = output, start
        self._input = av.open(str(path))
        stream = self._input.streams.audio[0]
        self._packets = self._input.demux(stream)
        self._stream: Any
        self._resampler: Any = None
        self._decoder = stream
        if stream.codec_context.name in _COPIED:
            self._stream = output.add_stream_from_template(stream)
        else:
            rate = stream.codec_context.sample_rate or _RATE
            rate = rate if rate in (32_000, 44_100, 48_000) else _RATE
            layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
            self._stream = output.add_stream("aac", rate=rate, layout=layout)
            self._stream.bit_rate = 128_000
            self._resampler = av.AudioResampler("fltp", layout, rate)
        self._done = False

    def until(self, seconds: float) -> None:
        """Write what is heard before a time, in seconds since the first picture."""
        while not self._done:
            try:
                packet = next(self._packets, None)
            except pyav().FFmpegError:
                packet = None  # the end of a damaged file
            if packet is None or packet.dts is None:
                self._finish()
                return
            time = float(packet.pts * packet.time_base) - self._start
            if time + float((packet.duration or 0) * packet.time_base) > 0:
                self._write(packet)
            if time > seconds:
                return

    def close(self) -> None:
        """Write what the encoder still holds."""
        if not self._done:
            self._finish()
        self._input.close()

    def _write(self, packet: Any) -> None:
        if self._resampler is None:
            offset = round(self._start / packet.time_base)
            packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
            packet.stream = self._stream
            self._output.mux(packet)
            return
        try:
            decoded = self._decoder.decode(packet)
        except pyav().FFmpegError:
            return
        for frame in decoded:
            frame.pts = round(frame.pts - self._start / frame.time_base)
            for part in self._resampler.resample(frame):
                self._output.mux(self._stream.encode(part))

    def _finish(self) -> None:
        self._done = True
        if self._resampler is not None:
            for part in self._resampler.resample(None):
                self._output.mux(self._stream.encode(part))
            self._output.mux(self._stream.encode(None))


def has_audio(path: Path) -> bool:
    """Return whether a file has audio that can be decoded."""
    av = pyav()
    try:
        with av.open(str(path)) as container:
            return bool(container.streams.audio) and bool(container.streams.audio[0].codec_context)
    except av.FFmpegError:
        return False


def video_start(path: Path) -> float:
    """Return when the first picture of a file is shown, in seconds on the file's clock."""
    av = pyav()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return float((stream.start_time or 0) * stream.time_base)
