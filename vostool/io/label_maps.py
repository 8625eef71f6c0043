"""Label maps in and out: strict reading of PNG ids, the DAVIS palette, boxes of masks.

A label map is (H, W) uint8: 0 is background, 1 to 254 are object ids, 255 is void in DAVIS-2017 and
foreground in the binary masks of DAVIS-2016. It is a PNG, and no other kind of image is tried.
OpenCV expands palettes to colours and so loses ids; Pillow keeps them.
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
from vostool.io.kinds import what_it_is
from vostool.io.smoothing import is_rimmed, is_smoothed
from vostool.io.storage import is_remote, read_bytes
from vostool.types import Box, Labels, Mask

VOID = 255
_COLORS = 22  # entries of the palette before its greys
_FEW = 100  # binary masks and most label maps have no value from here to 254


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


def _color_table() -> tuple[NDArray[np.int32], Labels]:
    """Return the colors of the palette as 0xRRGGBB in ascending order, and their indices.

    Both 191, as DAVIS has it, and 192, as PASCAL VOC has it, are there. Greys are not: nobody knows
    whether they are entries of the palette or what is left of a binary mask.
    """
    triples = np.array(_PALETTE, np.int32).reshape(-1, 3)[:_COLORS]
    colors = np.concatenate([triples, np.where(triples == 191, 192, triples)])
    ids = np.array([*range(_COLORS), *range(_COLORS)], np.uint8)
    codes, first = np.unique(colors @ [1 << 16, 1 << 8, 1], return_index=True)
    return codes.astype(np.int32), ids[first]


_CODES, _IDS = _color_table()


def read_labels(path: Path, read: Callable[[Path], bytes] = read_bytes) -> Labels:
    """Read a label map, keeping the ids exactly as they are stored.

    Palette images give their indices, grey images (1 to 16 bit) their values, images in exactly the
    first 22 colors of the DAVIS palette their indices; an opaque alpha channel, as in DAVIS
    `bear/00077.png`, is dropped.

    Args:
        path: PNG file.
        read: reads a file.

    Returns:
        (H, W) uint8, maybe read-only and not contiguous.

    Raises:
        MaskError: the file is absent, damaged, no PNG, in other colors, transparent, turned by an
            orientation flag, or holds ids above 255.
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
    if not data.startswith(png.SIGNATURE):
        raise MaskError(_no_png(data, path))
    try:
        labels = png.decode(data)
        if labels is None:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                labels = _ids(image, path) // _grey_step(data)
    except (Image.DecompressionBombError, png.TooLargeError):
        raise MaskError(f"{path} claims to be larger than any frame. Write it again.") from None
    except UnidentifiedImageError:
        raise MaskError(f"{path} cannot be read as an image: it is none. Write it again.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise MaskError(
            f"{path} cannot be read as an image ({error}): it is damaged or cut short. "
            "Write or copy it again."
        ) from error
    if b"eXIf" in data:
        _refuse_turned(data, path)
    return labels


def _no_png(data: bytes, path: Path) -> str:
    """Say what a file is that should be a PNG."""
    what = what_it_is(data)
    if not what:
        return f"{path} cannot be read as an image: it is none. Write it again."
    hint = ""
    if what.endswith("image"):
        hint = ", whatever its name, and label maps are PNGs, which keep ids exactly"
        hint += ": a JPEG changes them. Save it as PNG from the ids" if "JPEG" in what else ""
    return f"{path} cannot be read as an image of ids: it {what}{hint}."


def _refuse_turned(data: bytes, path: Path) -> None:
    """Refuse a map with an orientation flag: nobody knows whether its pixels are turned already."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        image.load()
        value = image.getexif().get(0x0112, 1)
    if value not in (0, 1):
        raise MaskError(
            f"{path} has the orientation flag {value} (EXIF), so it is not certain how its pixels "
            "lie. Save it without EXIF, as it lies over the frame."
        )


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
    if mode in ("RGB", "RGBA"):
        return _ids_of_colors(np.asarray(image), path, mode)
    raise MaskError(f"{path} has the mode {mode}, which holds no ids. Save it as a palette PNG.")


def _ids_of_colors(pixels: Labels, path: Path, mode: str) -> Labels:
    """Return the palette indices of (H, W, 3 or 4) colors."""
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        raise MaskError(
            f"{path} has a transparent alpha channel (mode {mode}), so its ids are uncertain. "
            "Save it as a palette or grey PNG."
        )
    r, g, b = (pixels[..., channel].astype(np.int32) for channel in range(3))
    codes = (r << 16) | (g << 8) | b
    places = np.minimum(np.searchsorted(_CODES, codes), len(_CODES) - 1)
    strange = _CODES[places] != codes
    if strange.any():
        y, x = np.argwhere(strange)[0].tolist()
        color = tuple(pixels[y, x, :3].tolist())
        raise MaskError(
            f"{path} holds colors (mode {mode}) that are none of the DAVIS palette, such as "
            f"{color} at x={x}, y={y}, not object ids. Save label maps as palette PNGs (Pillow: "
            "Image.fromarray(ids).putpalette(...)) or as grey PNGs of the ids."
        )
    return _IDS[places]


def merge_objects(labels: Labels, path: Path | None = None, *, void: bool = False) -> Labels:
    """Merge all objects into one foreground, as DAVIS-2016 has them.

    Args:
        labels: (H, W) uint8.
        path: named in the error.
        void: 255 is void, which is background; otherwise it is foreground like all that is not 0.
            That is decided for a dataset or result, never by what else a map holds.

    Returns:
        (H, W) uint8 of 0 and 1.

    Raises:
        MaskError: values along the contours show that the mask is soft or was smoothed.
    """
    foreground = labels != 0
    highest = labels.max() if labels.size else 0
    if highest == VOID:
        others = foreground & (labels != VOID)
        if others.any():
            refuse_smoothed(labels, path)
        foreground = others if void else foreground
    elif highest > _FEW:
        refuse_smoothed(labels, path)
    return np.asarray(foreground, dtype=np.uint8)


def holds_both(labels: Labels) -> bool:
    """Return True if a map holds 255 and other values that are not 0."""
    if not labels.size or labels.max() != VOID:
        return False
    return bool(((labels != 0) & (labels != VOID)).any())


def refuse_soft(labels: Labels, path: Path | None = None) -> None:
    """Refuse what is no map of ids: see `refuse_smoothed`; and binary masks with another edge.

    Raises:
        MaskError: it is one of these.
    """
    refuse_smoothed(labels, path)
    if labels.size and labels.max() == VOID and is_rimmed(labels):
        ids = ids_in(labels).tolist()
        raise MaskError(
            f"{path or 'A mask'} is a mask of 255 with an edge of {ids[0]}, and holds no object: "
            "255 is void beside ids. Save binary masks as 0 and 255, and label maps by their ids."
        )


def refuse_smoothed(labels: Labels, path: Path | None = None) -> None:
    """Raise MaskError if a map holds values along its contours, as smoothed masks do."""
    if is_smoothed(labels):
        values = _values(labels)
        shown = ", ".join(str(v) for v in values[1:6])
        raise MaskError(
            f"{path or 'A mask'} has {len(values)} different values ({shown}, ...), most of them "
            "only along contours: it looks anti-aliased or smoothed. Save masks without "
            "interpolation, one value per object."
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
