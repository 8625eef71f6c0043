"""Frames: RGB as viewers show them, and a sentence for what is no whole image."""

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from vostool.errors import DatasetError
from vostool.io.frames import frame_size, read_frame

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


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("flag", range(10))
def test_frames_are_turned_as_their_flag_says(tmp_path: Path, format: str, flag: int) -> None:
    """As Pillow turns them; 0 and 9 mean nothing."""
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = flag
    options = {"lossless": True} if format == "WEBP" else {}
    Image.fromarray(RAMP).save(path, format, exif=exif, **options)
    turned = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    frame = read_frame(path)
    assert frame.shape == turned.shape == ((48, 32, 3) if flag in (5, 6, 7, 8) else (32, 48, 3))
    assert np.abs(frame.astype(int) - turned).mean() < 4
    assert frame_size(path) == frame.shape[1::-1]
    assert frame.flags.c_contiguous


def test_a_flag_behind_the_pixels_of_a_png(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(RAMP).save(path)
    exif = Image.Exif()
    exif[0x0112] = 8
    body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    data = path.read_bytes()
    path.write_bytes(data[:-12] + chunk + data[-12:])
    np.testing.assert_array_equal(read_frame(path), np.rot90(RAMP))


def test_damaged_exif_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(RAMP).save(path, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert read_frame(path).shape == RAMP.shape


@pytest.mark.parametrize("format", ["PNG", "BMP", "WEBP", "TIFF"])
def test_the_name_proves_nothing(tmp_path: Path, format: str) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(RAMP).save(path, format, **({"lossless": True} if format == "WEBP" else {}))
    np.testing.assert_array_equal(read_frame(path), RAMP)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"GIF89a" + bytes(20), "GIF"),
        (b"\0\0\0\x18ftypheic", "HEIF"),
        (b"\0\0\0\x18ftypisom", "MP4"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html>", "web page"),
    ],
)
def test_other_files_are_told_as_what_they_are(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=rf"a\.jpg is not an image.*{word}"):
        read_frame(path)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("side", [16000, 65500])
def test_absurd_sizes(tmp_path: Path, format: str, side: int) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(RAMP).save(path, format)
    data = bytearray(path.read_bytes())
    height, width = RAMP.shape[:2]
    at = {"PNG": 16, "BMP": 18}.get(format)
    if format == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = side.to_bytes(2, "big") * 2
    elif format == "WEBP":
        at = data.index(b"\x9d\x01\x2a") + 3  # 14 bits each
        data[at : at + 4] = (16383).to_bytes(2, "little") * 2
    elif format == "TIFF":
        for value in (width, height):  # the tags ImageWidth and ImageLength
            for tag in (b"\0\1", b"\1\1"):
                entry = tag + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
                data = data.replace(entry, entry[:8] + side.to_bytes(4, "little"))
    else:
        data[at : at + 8] = side.to_bytes(4, "big" if format == "PNG" else "little") * 2
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big") if format == "PNG" else data[29:33]
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.jpg (claims|is not an image)") as caught:
        read_frame(path)
    assert len(str(caught.value)) < 400


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
