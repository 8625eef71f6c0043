"""Decoding: real containers made here; frames, times and orientation right, or a sentence."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.containers import SIZE, index_of, picture, write
from vostool.errors import DatasetError
from vostool.video.reader import VideoFile
from vostool.video.source import TimedFrame

av = pytest.importorskip("av")


def decoded(path: Path, start: int = 0) -> tuple[VideoFile, list[TimedFrame]]:
    source = VideoFile(path)
    return source, list(source.frames(start))


def assert_same(frames: list[TimedFrame], tolerance: float, fps: float = 25) -> None:
    """Compare frames with what was drawn, the mean of differences; and their times."""
    for number, frame in enumerate(frames):
        assert frame.index == number
        assert frame.time == pytest.approx(number / fps, abs=2e-3)
        off = np.abs(frame.image.astype(int) - picture(number)).mean()
        assert off < tolerance, number


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("b.mp4", {"codec": "libx264", "options": {"bf": "3", "g": "12"}}),
        ("b.mov", {"codec": "libx264", "options": {"bf": "2"}}),
        ("b.mkv", {"codec": "libx264"}),
        ("v.webm", {"codec": "libvpx-vp9"}),
        ("v8.webm", {"codec": "libvpx"}),
        ("ten.mkv", {"codec": "libx265", "pix_fmt": "yuv420p10le"}),
        ("high.mp4", {"codec": "libx264", "pix_fmt": "yuv420p10le"}),
        ("sound.mp4", {"codec": "libx264", "audio": "aac"}),
    ],
)
def test_frames_and_times(tmp_path: Path, name: str, options: dict) -> None:
    if options["codec"] == "libx265":
        options = {**options, "options": {"x265-params": "log-level=none"}}
    source, frames = decoded(write(tmp_path / name, 30, **options))
    assert (source.size, source.fps, source.length) == (SIZE, 25.0, 30)
    assert len(frames) == 30
    assert_same(frames, 4)
    assert source.notes == []


def test_a_gif(tmp_path: Path) -> None:
    source, frames = decoded(write(tmp_path / "a.gif", 12, codec="gif", pix_fmt="rgb8"))
    assert source.size == SIZE
    assert_same(frames, 30)  # 256 colors


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_a_phone_held_upright(tmp_path: Path, degrees: int, turns: int) -> None:
    """Players turn the stored picture counterclockwise by the angle; so does numpy's rot90."""
    source, frames = decoded(write(tmp_path / "phone.mp4", 8, rotation=degrees))
    expected = np.rot90(picture(5), turns)
    assert source.size == expected.shape[:2]
    assert np.abs(frames[5].image.astype(int) - expected).mean() < 4


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.1, 0.5, 0.55, 2.0]
    _, frames = decoded(write(tmp_path / "a.mp4", 6, times=times))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    assert [index_of(frame.image) for frame in frames] == list(range(6))


def test_odd_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "odd.mp4", 4, pix_fmt="yuv444p", size=(95, 127))
    source, frames = decoded(path)
    assert source.size == (95, 127)
    assert np.abs(frames[3].image.astype(int) - picture(3, (95, 127))).mean() < 4


@pytest.mark.parametrize("name", ["b.mp4", "v.webm"])
@pytest.mark.parametrize("start", [0, 1, 17, 29])
def test_frames_are_found_by_their_index(tmp_path: Path, name: str, start: int) -> None:
    codec, more = ("libx264", {"bf": "3", "g": "12"}) if "mp4" in name else ("libvpx-vp9", {})
    path = write(tmp_path / name, 30, codec=codec, options=more)
    _, frames = decoded(path, start)
    assert [frame.index for frame in frames] == list(range(start, 30))
    whole = decoded(path)[1]
    for found, expected in zip(frames, whole[start:], strict=True):
        assert found.time == expected.time
        assert np.array_equal(found.image, expected.image)
    assert np.array_equal(VideoFile(path).frame(start).image, whole[start].image)


def test_an_estimate_is_not_a_count(tmp_path: Path) -> None:
    """WebM says how long it lasts and not how many frames it has, which may come at any rate."""
    times = [0.0, 0.02, 0.04, 0.06, 0.08, 2.0]
    path = write(tmp_path / "a.webm", 6, codec="libvpx-vp9", times=times)
    source = VideoFile(path)
    assert source.count is None
    assert source.seekable()
    assert (source.count, source.length) == (6, 6)
    assert VideoFile(write(tmp_path / "a.mp4", 6)).count == 6


def test_no_frame_after_the_end(tmp_path: Path) -> None:
    source = VideoFile(write(tmp_path / "a.mp4", 10))
    with pytest.raises(DatasetError, match="a has no frame 10"):
        source.frame(10)


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.webm"])
def test_what_decodes_of_a_cut_file_is_used_and_said(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    front = {"movflags": "+faststart"} if name.endswith("mp4") else {}
    whole = write(tmp_path / f"whole{name[3:]}", 60, codec=codec, container=front)
    data = whole.read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 3 // 4])
    source, frames = decoded(tmp_path / name)
    assert 5 < len(frames) < 60
    for number, frame in enumerate(frames):  # at the cut a frame may be lost that others need
        assert frame.index == number
        drawn = picture(round(frame.time * 25))
        assert np.abs(frame.image.astype(int) - drawn).mean() < 8
    (note,) = source.notes
    assert name in note
    assert f"{len(frames)}" in note


def test_a_cut_mp4_without_its_index(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp4", 30).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[:-2000])
    with pytest.raises(DatasetError, match=r"cut\.mp4 cannot be opened .*cut short"):
        VideoFile(tmp_path / "cut.mp4")


def test_sound_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "song.m4a", 25, codec="", audio="aac")
    with pytest.raises(DatasetError, match=r"song\.m4a has no video stream; it holds audio"):
        VideoFile(path)


@pytest.mark.parametrize("data", [b"", b"hello" * 300])
def test_no_video_at_all(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.mp4 cannot be opened"):
        VideoFile(tmp_path / "a.mp4")


def test_it_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        VideoFile(tmp_path / "a.mp4")


def test_stopping_early_leaves_nothing_open(tmp_path: Path) -> None:
    source = VideoFile(write(tmp_path / "a.mp4", 30))
    frames = source.frames()
    next(frames)
    frames.close()
    assert len(list(source.frames())) == 30
