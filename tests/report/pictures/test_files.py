"""Sheets, animations and videos: written, and read back by somebody else's decoder."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vostool.errors import UsageError
from vostool.report.pictures.files import write_gif, write_sheet, write_video


def flat(value: int, shape: tuple[int, int] = (64, 96)) -> np.ndarray:
    return np.full((*shape, 3), value, np.uint8)


def shades(count: int, shape: tuple[int, int] = (64, 96)) -> Iterator[np.ndarray]:
    for number in range(count):
        yield flat(20 + 20 * number, shape)


def decoded(path: Path) -> list[np.ndarray]:
    video, frames = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = video.read()
        if not there:
            return frames
        frames.append(frame)


def test_a_sheet_has_every_picture_in_its_cell(tmp_path: Path) -> None:
    path = tmp_path / "new/sheet.png"
    write_sheet(shades(5), 5, 2, path)
    with Image.open(path) as image:
        sheet = np.asarray(image)
    assert sheet.shape == (3 * 72 + 8, 2 * 104 + 8, 3)
    found = [int(sheet[8 + 72 * r + 30, 8 + 104 * c + 30, 0]) for r in range(3) for c in range(2)]
    assert found == [20, 40, 60, 80, 100, 24]  # the last cell is empty


def test_pictures_of_other_sizes_fit_their_cell(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    write_sheet([flat(200), flat(90, (200, 50)), flat(150, (30, 300))], 3, 3, path)
    with Image.open(path) as image:
        sheet = np.asarray(image)
    assert (sheet[8:72, 8:104] == 200).all()
    assert (sheet == 90).any()
    assert (sheet == 150).any()


def test_a_sheet_that_nobody_could_open(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"too large\. Take fewer with --frames"):
        write_sheet(iter([flat(1, (1000, 1000))]), 1000, 4, tmp_path / "sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_an_animation(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    write_gif(shades(7), 7, 12, path)
    with Image.open(path) as image:
        assert image.n_frames == 7
        assert image.info["loop"] == 0
        assert image.info["duration"] == 80
        for number in range(7):
            image.seek(number)
            assert image.convert("RGB").getpixel((30, 30)) == (20 + 20 * number,) * 3


def test_an_animation_too_long(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="401 frames would be huge"):
        write_gif(shades(1), 401, 12, tmp_path / "a.gif")


@pytest.mark.parametrize("shape", [(64, 96), (65, 97)])
def test_a_video(tmp_path: Path, shape: tuple[int, int]) -> None:
    path = tmp_path / "a.mp4"
    write_video(shades(9, shape), 24, path)
    frames = decoded(path)
    assert len(frames) == 9
    even = (shape[0] + shape[0] % 2, shape[1] + shape[1] % 2, 3)  # as 4:2:0 needs it
    for number, frame in enumerate(frames):
        assert frame.shape == even
        assert abs(float(frame.mean()) - (20 + 20 * number)) < 4
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == 24


def test_red_stays_red(tmp_path: Path) -> None:
    picture = flat(0)
    picture[..., 0] = 200
    write_video([picture] * 3, 10, tmp_path / "a.mp4")
    blue, green, red = decoded(tmp_path / "a.mp4")[0].reshape(-1, 3).mean(axis=0)
    assert red > 180
    assert max(blue, green) < 25


def test_frames_of_several_sizes_in_one_video(tmp_path: Path) -> None:
    write_video([flat(200), flat(90, (200, 50)), flat(150, (30, 300))], 10, tmp_path / "a.mp4")
    assert [frame.shape for frame in decoded(tmp_path / "a.mp4")] == [(64, 96, 3)] * 3


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageError, match=r"vostool\[video\]"):
        write_video(shades(4), 24, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda pictures, path: write_sheet(pictures, 2, 2, path),
        lambda pictures, path: write_gif(pictures, 2, 10, path),
        lambda pictures, path: write_video(pictures, 10, path),
    ],
    ids=["png", "gif", "mp4"],
)
def test_what_fails_on_the_way_leaves_the_old_file(
    tmp_path: Path, request: pytest.FixtureRequest, write: Callable[..., None]
) -> None:
    path = tmp_path / f"a.{request.node.callspec.id}"
    path.write_bytes(b"old")

    def broken() -> Iterator[np.ndarray]:
        yield flat(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(broken(), path)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_an_animation_in_true_color(tmp_path: Path) -> None:
    write_gif(shades(5), 5, 10, tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as image:
        assert (image.format, image.n_frames, image.info["loop"]) == ("WEBP", 5, 0)
        image.seek(3)
        assert abs(image.convert("RGB").getpixel((30, 30))[0] - 80) < 4
