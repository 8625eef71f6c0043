"""Frames: RGB as stored, and a sentence for what is no whole image."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vostool.errors import DatasetError
from vostool.io.frames import read_frame

RAMP = np.stack(
    [np.tile(np.arange(0, 240, 5, np.uint8), (32, 1)), np.zeros((32, 48)), np.full((32, 48), 99)],
    axis=-1,
).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_lossless_formats_give_their_pixels_in_rgb(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(RAMP).save(path)
    np.testing.assert_array_equal(read_frame(path), RAMP)


def test_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(RAMP).save(path, quality=95)
    frame = read_frame(path)
    assert frame.dtype == np.uint8
    assert np.abs(frame.astype(int) - RAMP).mean() < 4


def test_frames_are_read_only(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(RAMP).save(path)
    with pytest.raises(ValueError, match="read-only"):
        read_frame(path)[0, 0] = 0


def test_grey_and_alpha_become_rgb(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for mode in ("L", "RGBA"):
        Image.fromarray(RAMP).convert(mode).save(path)
        assert read_frame(path).shape == (32, 48, 3)


def test_the_orientation_flag_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.fromarray(RAMP).save(path, exif=exif)
    assert read_frame(path).shape == (32, 48, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_cut_short(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    cv2.imwrite(str(path), noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DatasetError, match=rf"a{suffix} is (cut short|not an image)"):
        read_frame(path)


@pytest.mark.parametrize("content", [b"", b"no image at all"])
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"a\.jpg is not an image"):
        read_frame(path)


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.jpg cannot be read: No such file"):
        read_frame(tmp_path / "a.jpg")


def test_a_thumbnail_and_what_follows_the_picture_do_no_harm(tmp_path: Path) -> None:
    """A JPEG with a whole JPEG in a comment before the picture and padding after it."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.jpg"), noise)
    plain = (tmp_path / "a.jpg").read_bytes()
    thumbnail = plain[:1200] + b"\xff\xd9"
    comment = b"\xff\xfe" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = plain[:2] + comment + plain[2:]
    path = tmp_path / "b.jpg"
    path.write_bytes(whole + b"\0" * 5000)
    assert np.array_equal(read_frame(path), read_frame(tmp_path / "a.jpg"))
    path.write_bytes(whole[: len(whole) - 400])
    with pytest.raises(DatasetError, match="cut short"):
        read_frame(path)
