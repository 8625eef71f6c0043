"""Label maps in and out: strict reading of PNG ids, the DAVIS palette, boxes of masks.

A label map is (H, W) uint8: 0 is background, 1 to 254 are object ids, 255 is void in DAVIS-2017 and
foreground in the binary masks of DAVIS-2016. OpenCV expands palettes to colours and so loses ids;
Pillow keeps them, and everything here goes through Pillow.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from vostool.errors import MaskError
from vostool.io import png
from vostool.io.storage import is_remote, read_bytes
from vostool.types import Box, Labels, Mask

VOID = 255
_COLOURED = {"RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"}
# Grey images with more values than this are soft masks, not ids: DAVIS has at most 10 objects,
# the largest benchmarks around 60.
_MOST_GREY_IDS = 100


def davis_palette() -> list[int]:
    """Return the palette of the DAVIS-2017 annotations as 768 numbers, R G B of index 0 first.

    Indices 0 to 21 are the PASCAL VOC colours (three bits of the index per channel, highest first),
    with 191 in place of 192; the others are grey.
    """
    palette: list[int] = []
    for index in range(256):
        if index >= 22:
            palette += [index] * 3
            continue
        rgb = [0, 0, 0]
        for level in range(3):
            for channel in range(3):
                rgb[channel] |= ((index >> (3 * level + channel)) & 1) << (7 - level)
        palette += [191 if value == 192 else value for value in rgb]
    return palette


_PALETTE = davis_palette()


def read_labels(path: Path, read: Callable[[Path], bytes] = read_bytes) -> Labels:
    """Read a label map, keeping the ids exactly as they are stored.

    Palette images give their indices, grey images (1 to 16 bit) their values; an opaque alpha
    channel, as in DAVIS `bear/00077.png`, is dropped.

    Args:
        path: PNG file.
        read: reads a file.

    Returns:
        (H, W) uint8, maybe read-only and not contiguous.

    Raises:
        MaskError: the file is absent, damaged, in colour, transparent or holds ids above 255.
    """
    return decode_labels(read_file(path, read), path)


def read_file(path: Path, read: Callable[[Path], bytes] = read_bytes) -> bytes:
    """Return the contents of a label-map file.

    Args:
        path: PNG file.
        read: reads a file.

    Raises:
        MaskError: it is absent or cannot be read.
    """
    try:
        # A pipe would never end.
        if not is_remote(path) and not path.is_file() and path.exists():
            raise MaskError(f"{path} cannot be read: it is no file.")
        return read(path)
    except FileNotFoundError:
        raise MaskError(f"{path} does not exist.") from None
    except PermissionError:
        raise MaskError(f"{path} cannot be read. Change its permissions.") from None
    except OSError as error:
        raise MaskError(f"{path} cannot be read: {error.strerror}. Copy it again.") from error


def decode_labels(data: bytes, path: Path) -> Labels:
    """Decode a label map, see `read_labels`.

    Args:
        data: the whole file.
        path: named in the error.
    """
    try:
        labels = png.decode(data)
        if labels is not None:
            return labels
        with Image.open(io.BytesIO(data)) as image:
            return _ids(image, path) // _grey_step(data)
    except Image.DecompressionBombError:
        raise MaskError(f"{path} claims to be larger than any frame. Write it again.") from None
    except UnidentifiedImageError:
        raise MaskError(f"{path} cannot be read as an image: it is none. Write it again.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise MaskError(
            f"{path} cannot be read as an image ({error}): it is damaged or cut short. "
            "Write or copy it again."
        ) from error


def _grey_step(data: bytes) -> int:
    """Return by how much Pillow spreads the values of a grey PNG of 2 or 4 bits over 0 to 255."""
    depth, colour = data[24:26] if data.startswith(b"\x89PNG") else (8, 0)  # of the chunk IHDR
    return {2: 85, 4: 17}.get(depth, 1) if colour == 0 else 1


def _ids(image: Image.Image, path: Path) -> Labels:
    mode = image.mode
    if mode in ("P", "L", "1"):
        return np.asarray(image, dtype=np.uint8)
    if mode == "LA":
        values = np.asarray(image)
        if values[..., 1].min() == 255:
            return np.ascontiguousarray(values[..., 0])
        raise MaskError(
            f"{path} has a transparent alpha channel (mode LA), so its ids are uncertain. "
            "Save it as a palette or grey PNG."
        )
    if mode in ("I", "I;16", "I;16B", "I;16L"):
        wide = np.asarray(image)
        if wide.min() < 0 or wide.max() > 255:
            raise MaskError(
                f"{path} is a 16-bit PNG with the value {int(wide.max())}; object ids go from 1 "
                "to 254. Renumber the objects and save as 8-bit."
            )
        return np.asarray(wide, dtype=np.uint8)
    if mode in _COLOURED:
        raise MaskError(
            f"{path} holds colours (mode {mode}), not object ids. Save label maps as palette PNGs "
            "(Pillow: Image.fromarray(ids).putpalette(...)) or as grey PNGs of the ids."
        )
    raise MaskError(f"{path} has the mode {mode}, which holds no ids. Save it as a palette PNG.")


def merge_objects(labels: Labels, path: Path | None = None) -> Labels:
    """Merge all objects into one foreground, as DAVIS-2016 has them.

    Maps with no other values than 0 and 255 (or 0 and 1) are binary masks: 255 is foreground. In a
    map of ids 255 is void, and void is background.

    Args:
        labels: (H, W) uint8.
        path: named in the error.

    Returns:
        (H, W) uint8 of 0 and 1.

    Raises:
        MaskError: so many values that the map is a soft or anti-aliased mask, not ids.
    """
    foreground = labels != 0
    highest = labels.max() if labels.size else 0
    if highest == VOID:
        ids = foreground & (labels != VOID)
        if ids.any():
            refuse_soft(labels, path)
            foreground = ids
    elif highest > _MOST_GREY_IDS:
        refuse_soft(labels, path)
    return np.asarray(foreground, dtype=np.uint8)


def refuse_soft(labels: Labels, path: Path | None = None) -> None:
    """Raise MaskError if a map holds so many values that it must be a soft or smoothed mask."""
    values = _values(labels)
    ids = values[(values != 0) & (values != VOID)]
    # An anti-aliased 0/255 mask has a few greys spread over the range; ids are small and dense.
    scattered = len(ids) > 0 and values[-1] == VOID and ids[-1] > 2 * len(ids) + 20
    if len(ids) > _MOST_GREY_IDS or scattered:
        shown = ", ".join(str(v) for v in values[1:6])
        raise MaskError(
            f"{path or 'A mask'} has {len(values)} different values ({shown}, ...): it looks "
            "anti-aliased or smoothed. Save masks without interpolation, one value per object."
        )


def write_labels(path: Path, labels: Labels) -> None:
    """Write a label map as a palette PNG with the DAVIS palette.

    The file appears whole or not at all.

    Args:
        path: file to write.
        labels: (H, W) uint8.
    """
    image = Image.fromarray(labels)
    image.putpalette(_PALETTE)
    partial = path.with_name(f".{path.name}.partial")
    image.save(partial, format="PNG", compress_level=1)
    os.replace(partial, path)


def box_of(mask: Mask) -> Box | None:
    """Return the tight box of a (H, W) bool mask, or None if the mask is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    return Box(float(left), float(top), float(right - left), float(bottom - top))


def ids_in(labels: Labels) -> NDArray[np.intp]:
    """Return the ids of a label map in ascending order, without background and void."""
    values = _values(labels)
    ids: NDArray[np.intp] = values[(values != 0) & (values != VOID)]
    return ids


def _values(labels: Labels) -> NDArray[np.intp]:
    """Return the values of a label map in ascending order, looking where they change only."""
    flat = labels.reshape(-1)
    counts = np.bincount(flat[1:][flat[1:] != flat[:-1]], minlength=256)
    counts[flat[:1]] = 1
    return np.flatnonzero(counts)
