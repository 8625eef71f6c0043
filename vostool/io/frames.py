"""Reading video frames: told by what they hold, not by their names, and turned as viewers do."""

import importlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vostool.errors import DatasetError
from vostool.io.kinds import kind_of, what_it_is
from vostool.io.storage import is_remote, read_bytes
from vostool.types import Frame

FRAME_SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff"}
MOST_PIXELS = 180_000_000  # 16K video has 133 million
_MOST_BYTES = 2**30
_JPEG = "a JPEG image"
# What Pillow calls another kind, and its module for it; Pillow is never asked to guess.
_FORMATS = {
    "a PNG image": ("PNG", "PngImagePlugin"),
    "a BMP image": ("BMP", "BmpImagePlugin"),
    "a WebP image": ("WEBP", "WebPImagePlugin"),
    "a TIFF image": ("TIFF", "TiffImagePlugin"),
}
_ORIENTATION = 0x0112  # the tag of EXIF and TIFF
# Per format its signature, the mark before image data and the mark of the end, which must follow:
# decoders fill a file that was cut short with grey and say nothing. A thumbnail has marks of its
# own in front of the picture's, and what follows the end does no harm.
_MARKS = ((b"\xff\xd8\xff", b"\xff\xda", b"\xff\xd9"), (b"\x89PNG", b"IDAT", b"IEND"))


def read_frame(path: Path, read: Callable[[Path], bytes] = read_bytes) -> Frame:
    """Decode one frame.

    It is turned as its orientation flag says (EXIF of JPEG, PNG and WebP; TIFF), as viewers and
    annotation tools do, so that masks drawn in them fit.

    Args:
        path: JPEG, PNG, BMP, WebP or TIFF file, whatever its name.
        read: reads a file.

    Returns:
        (H, W, 3) uint8 RGB, read-only.

    Raises:
        DatasetError: the file is absent, no image, cut short, or claims an absurd size.
    """
    import cv2

    data = _contents(path, read)
    for signature, begin, end in _MARKS:
        if data.startswith(signature) and data.rfind(end) < data.rfind(begin):
            raise DatasetError(f"Frame {path} is cut short. Copy or unpack it again.")
    orientation = _header(data, path)[1]
    # OpenCV always turns TIFF and, with this flag, nothing else, whatever its version.
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        frame = None
    if frame is None:
        raise DatasetError(
            f"Frame {path} is not an image that can be read. Copy or unpack it again."
        )
    turned = np.ascontiguousarray(_turned(np.asarray(frame, np.uint8), orientation))
    turned.setflags(write=False)
    return turned


def frame_size(path: Path, read: Callable[[Path], bytes] = read_bytes) -> tuple[int, int]:
    """Return (width, height) of a frame as `read_frame` turns it, without decoding its pixels.

    Raises:
        DatasetError: the file is absent, no image, or claims an absurd size.
    """
    (width, height), orientation = _header(_contents(path, read), path)
    return (height, width) if orientation >= 5 else (width, height)


def told_if_turned(path: Path) -> str:
    """Say that a frame was turned, and how to undo it, for sentences about sizes; else empty."""
    try:
        orientation = _header(_contents(path, read_bytes), path)[1]
    except DatasetError:
        return ""
    if orientation == 1:
        return ""
    return (
        f" {path.name} has the orientation flag {orientation} (EXIF) and was turned as viewers and "
        "annotation tools do. If the masks were drawn on the pixels as they are stored, remove the "
        "flag, e.g. with `exiftool -Orientation= -r FOLDER`."
    )


def _contents(path: Path, read: Callable[[Path], bytes]) -> bytes:
    """Return the bytes of a file that is an image."""
    try:
        if not is_remote(path):
            if path.exists() and not path.is_file():
                raise DatasetError(f"Frame {path} cannot be read: it is no file.")
            if path.stat().st_size > _MOST_BYTES:
                raise DatasetError(f"Frame {path} is larger than {_MOST_BYTES // 2**20} MB.")
        data = read(path)
    except OSError as error:
        why = error.strerror or "it is not there"
        raise DatasetError(f"Frame {path} cannot be read: {why}.") from error
    kind = kind_of(data)
    if kind != _JPEG and kind not in _FORMATS:
        what = what_it_is(data)
        hint = "Frames are JPEG, PNG, BMP, WebP or TIFF files"
        raise DatasetError(
            f"Frame {path} is not an image"
            + (f": it {what}." if what else ". Copy or unpack it again.")
            + (f" {hint}." if kind else "")
        )
    return data


def _header(data: bytes, path: Path) -> tuple[tuple[int, int], int]:
    """Return (width, height) as stored and the orientation that is still to be applied.

    Raises:
        DatasetError: the header is damaged, or claims more pixels than any frame has.
    """
    kind = kind_of(data)
    try:
        size, orientation = _jpeg_header(data) if kind == _JPEG else _pillow_header(data, kind)
    except Image.DecompressionBombError:
        raise DatasetError(_absurd(path, "more pixels than any frame")) from None
    except Exception as error:  # parsers of headers fail in many ways
        raise DatasetError(
            f"Frame {path} is not an image that can be read. Copy or unpack it again."
        ) from error
    if size[0] * size[1] > MOST_PIXELS:
        raise DatasetError(_absurd(path, f"{size[0]}x{size[1]} pixels"))
    return size, orientation


def _jpeg_header(data: bytes) -> tuple[tuple[int, int], int]:
    """Go through the segments of a JPEG (ITU T.81, annex B) up to its frame header.

    Pillow refuses pictures whose EXIF is damaged, and viewers do not.
    """
    position, raw = 2, b""
    while True:
        marker, length = (
            data[position + 1],
            int.from_bytes(data[position + 2 : position + 4], "big"),
        )
        if data[position] != 0xFF or marker == 0xDA:
            raise ValueError("no frame header before the pixels")
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7:  # padding; nothing follows
            position += 1 if marker == 0xFF else 2
            continue
        body = data[position + 4 : position + 2 + length]
        if marker == 0xE1 and body.startswith(b"Exif\0\0") and not raw:
            raw = body
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
            return size, _flag(raw)
        position += 2 + length


def _pillow_header(data: bytes, kind: str) -> tuple[tuple[int, int], int]:
    name, module = _FORMATS[kind]
    importlib.import_module(f"PIL.{module}")
    with Image.open(io.BytesIO(data), formats=(name,)) as image:
        size = image.size
        if name == "TIFF":  # Pillow gives the size as it is when turned, as OpenCV does
            return size, 1
        if name == "PNG" and b"eXIf" in data and "exif" not in image.info:
            image.load()  # the chunk may follow the pixels
        return size, _flag(image.info.get("exif", b""))


def _absurd(path: Path, claim: str) -> str:
    return (
        f"Frame {path} claims {claim}, and frames have at most {MOST_PIXELS // 10**6} million. "
        "It is damaged, or was made to fill memory."
    )


def _flag(raw: bytes) -> int:
    """Return the orientation in EXIF data, 1 if there is none."""
    if not raw:
        return 1
    exif = Image.Exif()
    try:
        exif.load(raw)
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # what is damaged there is ignored by viewers, too
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turned(frame: Frame, orientation: int) -> Frame:
    """Turn a frame as a value of the flag says (EXIF 2.32, tag 0x0112)."""
    if orientation >= 5:
        frame = frame.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        frame = frame[::-1]
    if orientation in (2, 3, 6, 7):
        frame = frame[:, ::-1]
    return frame
