"""Encoding: what is written plays elsewhere, with the source's times and audio."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.containers import picture, write
from vostool.video.reader import VideoFile
from vostool.video.writer import VideoWriter

av = pytest.importorskip("av")


def copied(source: VideoFile, path: Path, codec: str = "h264") -> Path:
    with VideoWriter(path, source.fps, codec, source) as writer:
        for frame in source.frames():
            writer.put(frame.image, frame.time)
    return path


def streams(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {s.type: s.codec_context.name for s in container.streams}


@pytest.mark.parametrize(("codec", "name"), [("h264", "h264"), ("vp9", "vp9")])
def test_what_players_ask_for(tmp_path: Path, codec: str, name: str) -> None:
    path = copied(VideoFile(write(tmp_path / "a.mp4", 20)), tmp_path / "out.mp4", codec)
    with av.open(str(path)) as container:
        (stream,) = container.streams
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.colorspace) == (name, "yuv420p", 1)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # it begins to play while it is loaded
    frames = list(VideoFile(path).frames())
    assert len(frames) == 20
    assert all(np.abs(f.image.astype(int) - picture(f.index)).mean() < 5 for f in frames)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "out.mp4"]


def test_colors_stay(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 25) as writer:
        for index in range(5):
            writer.put(np.full((64, 96, 3), (200, 60, 30), np.uint8), index / 25)
    frame = VideoFile(tmp_path / "a.mp4").frame(3).image
    assert frame.reshape(-1, 3).mean(0) == pytest.approx((200, 60, 30), abs=4)


def test_times_of_a_variable_rate(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.1, 0.5, 0.55, 2.0]
    source = VideoFile(write(tmp_path / "a.mp4", 6, times=times))
    path = copied(source, tmp_path / "out.mp4")
    assert [f.time for f in VideoFile(path).frames()] == pytest.approx(times, abs=1e-3)
    with av.open(str(path)) as container:
        assert container.duration / 1e6 > 2.0  # or a player would stop before the last frame


def test_odd_sizes_get_an_even_edge(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 25) as writer:
        for index in range(4):
            writer.put(picture(index, (95, 127)), index / 25)
    source = VideoFile(tmp_path / "a.mp4")
    assert source.size == (96, 128)
    inside = source.frame(2).image[:95, :127].astype(int)
    assert np.abs(inside - picture(2, (95, 127))).mean() < 5


@pytest.mark.parametrize(
    ("name", "audio", "codec"),
    [("a.mp4", "aac", "h264"), ("a.webm", "libopus", "vp9"), ("a.mkv", "flac", "h264")],
)
def test_audio_of_the_source(tmp_path: Path, name: str, audio: str, codec: str) -> None:
    video = "libvpx-vp9" if name.endswith("webm") else "libx264"
    source = VideoFile(write(tmp_path / name, 50, codec=video, audio=audio))
    path = copied(source, tmp_path / "out.mp4", codec)
    assert streams(path) == {"video": codec, "audio": "aac"}
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    sound = np.concatenate(parts).astype(float)
    assert len(sound) / 48_000 == pytest.approx(2.0, abs=0.1)
    middle = sound[24_000:72_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)  # Hz, of one second


def test_audio_ends_where_the_pictures_do(tmp_path: Path) -> None:
    source = VideoFile(write(tmp_path / "a.mp4", 75, audio="aac"))
    with VideoWriter(tmp_path / "out.mp4", 25, source=source) as writer:
        for frame in source.frames():
            if frame.index == 25:
                break
            writer.put(frame.image, frame.time)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(1.0, abs=0.1)


def test_transparency(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.webm", 25, "vp9-alpha") as writer:
        for index in range(6):
            shown = np.zeros((96, 128, 1), np.uint8)
            shown[:48] = 255
            writer.put(np.concatenate([picture(index), shown], 2), index / 25)
    with av.open(str(tmp_path / "a.webm")) as container:
        stream = container.streams.video[0]
        assert stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1"
        decoder = av.CodecContext.create("libvpx-vp9", "r")  # ffmpeg's own drops the alpha
        packets = [packet for packet in container.demux(stream) if packet.size]
        frame = next(f for packet in packets for f in decoder.decode(packet))
    alpha = frame.to_ndarray(format="rgba")[..., 3]
    assert alpha[:44].min() > 245
    assert alpha[52:].max() < 10


def test_an_interruption_leaves_a_playable_file(tmp_path: Path) -> None:
    def interrupted() -> None:
        with VideoWriter(tmp_path / "a.mp4", 25) as writer:
            for index in range(12):
                writer.put(picture(index), index / 25)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(list(VideoFile(tmp_path / "a.mp4").frames())) == 12


def test_nothing_written_is_no_file(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", 25):
        pass
    assert list(tmp_path.iterdir()) == []


FULL = """
import signal, sys
import numpy as np
from vostool.video.writer import VideoWriter
from vostool.errors import ResourceError
rng = np.random.default_rng(0)
try:
    with VideoWriter(__import__("pathlib").Path(sys.argv[1]), 25) as writer:
        for index in range(int(sys.argv[2])):
            writer.put(rng.integers(0, 256, (240, 320, 3), np.uint8), index / 25)
except ResourceError as error:
    print(error)
"""


@pytest.mark.parametrize("frames", [400, 6])
def test_a_full_disk(tmp_path: Path, frames: int) -> None:
    """A limit for files stands for the disk; few frames reach it at the end only."""
    limit = 60_000
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "a.mp4", str(frames)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        timeout=120,
    )
    assert "The disk is full" in done.stdout, done.stderr
    assert str(tmp_path / "a.mp4") in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.glob(".*")) == []
