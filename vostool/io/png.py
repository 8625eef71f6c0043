"""Decoding label-map PNGs in a fraction of the time a general decoder takes.

Label maps are 8-bit, one channel, not interlaced, and their rows are stored as they are or as
differences to the left or upper neighbour. For these, decoding is inflating and adding up; for
everything else `decode` returns None, and the caller turns to a general decoder. General decoders
fill damaged files up or ignore their checksums; here damage is an error.

Format: W3C, Portable Network Graphics, 3rd edition, sections 5 and 9.
"""

import itertools
import zlib

import deflate
import numpy as np

from vostool.types import Labels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = 33  # bytes of the signature and the first chunk
_GREY, _PALETTE = 0, 3
_NONE, _SUB, _UP = 0, 1, 2
_MOST_PIXELS = 178_956_970  # as Pillow has it, for what it reads


class TooLargeError(ValueError):
    """The header claims more pixels than any frame has."""


def decode(data: bytes) -> Labels | None:
    """Decode a plain label-map PNG.

    Args:
        data: the whole file.

    Returns:
        (H, W) uint8 of grey values or palette indices, read-only and maybe not contiguous; None if
        the file is of another kind.

    Raises:
        ValueError: the file is cut short, or its pixels do not agree with their checksum.
        TooLargeError: it claims an absurd size.
    """
    size = size_of(data)
    if size is None:
        return None
    height, width = size
    depth, colour, interlace = data[24], data[25], data[28]
    if depth != 8 or colour not in (_GREY, _PALETTE) or interlace or not width or not height:
        return None
    if height * width > _MOST_PIXELS:
        raise TooLargeError(f"it claims {width}x{height} pixels")
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        raise ValueError("its header does not agree with its checksum")
    try:
        raw = deflate.zlib_decompress(_image_data(data), height * (width + 1))
    except deflate.DeflateError as error:
        raise ValueError("its pixels do not agree with their checksum") from error
    if len(raw) != height * (width + 1):
        raise ValueError("it has fewer pixels than it says")
    rows = np.frombuffer(raw, np.uint8).reshape(height, width + 1)
    return _unfiltered(rows) if rows[:, 0].any() else rows[:, 1:]


def size_of(data: bytes) -> tuple[int, int] | None:
    """Return (height, width) as a PNG's header says, None if it has no header."""
    if len(data) < _HEADER or data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        return None
    return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")


def _image_data(data: bytes) -> bytes:
    """Return the contents of all IDAT chunks."""
    parts: list[bytes] = []
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind = data[position + 4 : position + 8]
        if kind == b"IEND":
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if kind == b"IDAT":
            parts.append(data[position + 8 : position + 8 + length])
        position += 12 + length
    raise ValueError("it ends too early")


def _unfiltered(rows: Labels) -> Labels | None:
    """Undo the row filters, runs of equal ones at a time; each row starts with its code."""
    filters = rows[:, 0]
    if filters.max() > _UP:
        return None
    labels = np.empty((len(rows), rows.shape[1] - 1), np.uint8)
    starts = [0, *(np.flatnonzero(filters[1:] != filters[:-1]) + 1).tolist(), len(rows)]
    for start, end in itertools.pairwise(starts):
        block, out = rows[start:end], labels[start:end]
        if filters[start] == _NONE:
            out[:] = block[:, 1:]
        elif filters[start] == _SUB:
            out[:] = _summed_rows(block)
        else:
            np.add.accumulate(block[:, 1:], axis=0, dtype=np.uint8, out=out)
            if start:
                out += labels[start - 1]
    return labels


def _summed_rows(block: Labels) -> Labels:
    """Add up rows of differences from left to right.

    A label map changes at a few places only, so the few differences that are not zero are added up
    and repeated as often as the zeros between them say. The filter codes at the start of each row
    are not zero either, which cuts the runs where the rows end.
    """
    flat = block.reshape(-1)
    places = np.flatnonzero(flat != 0)
    if 4 * len(places) > len(flat):
        return np.add.accumulate(block[:, 1:], axis=1, dtype=np.uint8)
    first = places % block.shape[1] == 0
    differences = flat[places].astype(np.int64)
    differences[first] = 0
    sums = np.cumsum(differences)
    row_start = np.maximum.accumulate(np.where(first, np.arange(len(places)), 0))
    values = ((sums - sums[row_start]) & 255).astype(np.uint8)
    lengths = np.diff(places, append=len(flat))
    return np.repeat(values, lengths).reshape(block.shape)[:, 1:]
