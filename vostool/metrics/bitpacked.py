"""J and F of one object on one frame, computed on masks of eight pixels to a byte.

A cut-out of a mask is divided into eight strips of equal height, which are laid on top of each
other: bit b of a byte belongs to strip b. A pixel's neighbours in any direction are then at a fixed
distance in one flat array, also far away ones, once the rows around the strips have been copied
from the strips above and below. Sets are `&` and `|` of arrays an eighth of the mask's size. The
results equal `region.region_similarity` and `boundary.contour_accuracy`, which state the
definitions plainly, to the last bit.
"""

import math
import threading
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vostool.types import Labels, Mask

Bits = NDArray[np.uint8]  # eight strips


_WEIGHTS = np.left_shift(1, np.arange(8, dtype=np.uint8))[:, None]


class Window(NamedTuple):
    """A part of a frame, in pixels; `bottom` and `right` are beyond its last row and column."""

    top: int
    bottom: int
    left: int
    right: int


class Cut(NamedTuple):
    """How a window is laid out.

    Args:
        height: rows of the window.
        width: columns of the window.
        strip: rows of a strip; eight of them hold the window and a row more.
        stride: bytes from one row to the next, a multiple of 8, with room for a dilation.
    """

    height: int
    width: int
    strip: int
    stride: int


def pair_scores(prediction: Mask, truth: Mask, radius: int) -> tuple[float, float]:
    """Return J and F of an object.

    Args:
        prediction: (H, W) bool.
        truth: (H, W) bool.
        radius: largest distance of matching contour pixels, see `boundary.boundary_radius`.
    """
    either = prediction | truth
    columns = np.flatnonzero(either.any(axis=0))
    if not len(columns):
        return 1.0, 1.0
    rows = np.flatnonzero(either.any(axis=1))
    box = Window(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    return object_scores(prediction.view(np.uint8), truth.view(np.uint8), 1, box, radius)


def object_scores(
    prediction: Labels, truth: Labels, object_id: int, box: Window, radius: int
) -> tuple[float, float]:
    """Return J and F of an object in two label maps.

    Args:
        prediction: (H, W) uint8.
        truth: (H, W) uint8.
        object_id: the object.
        box: a window that holds it in both.
        radius: largest distance of matching contour pixels.
    """
    height, width = truth.shape
    # One pixel around the object: contour pixels lie on it or just left of or above it.
    top, bottom = max(box.top - 1, 0), min(box.bottom + 1, height)
    left, right = max(box.left - 1, 0), min(box.right + 1, width)
    rows, columns = bottom - top, right - left
    cut = Cut(
        height=rows,
        width=columns,
        strip=max(rows // 8 + 1, radius),
        stride=(columns + max(radius, 1) + 7) // 8 * 8,
    )
    pixels = scratch("pixels", 2, 8 * cut.strip, cut.stride)
    pixels[:, :rows, columns:] = 0
    pixels[:, rows:] = 0
    pixels[0, :rows, :columns] = prediction[top:bottom, left:right]
    pixels[1, :rows, :columns] = truth[top:bottom, left:right]
    # Beyond the right and lower border of the image the border repeats itself.
    if right == width:
        pixels[:, :, columns] = pixels[:, :, columns - 1]
    if bottom == height:
        pixels[:, rows] = pixels[:, rows - 1]
    at_border = left == 0 or right == width or bottom == height
    inside = _inside(cut) if at_border else None
    mask = np.equal(pixels, object_id, out=pixels.view(np.bool_))
    return _scores(_strips(mask, cut), inside, cut, radius)


def _strips(mask: Mask, cut: Cut) -> Bits:
    """Lay the strips on top of each other.

    Args:
        mask: (2, 8 * strip, stride) bool.
        cut: the layout.

    Returns:
        (2, (strip + 1) * stride + 8): the strips, the row below, and a few zeros.
    """
    size = cut.strip * cut.stride
    bits = mask.view(np.uint8).reshape(2, 8, size)
    np.multiply(bits, _WEIGHTS, out=bits)
    strips = scratch("strips", 2, size + cut.stride + 8)
    np.bitwise_or.reduce(bits, axis=1, out=strips[:, :size])
    strips[:, -8:] = 0
    np.right_shift(strips[:, : cut.stride], 1, out=strips[:, size:-8])
    return strips


def _inside(cut: Cut) -> Bits:
    """Return the strips of a mask that is all of the window and nothing of what is around it."""
    strips, rest = divmod(cut.height, cut.strip)
    inside = np.zeros((cut.strip, cut.stride), np.uint8)
    inside[:rest, : cut.width] = (2 << strips) - 1
    inside[rest:, : cut.width] = (1 << strips) - 1
    return inside.reshape(-1)


def _scores(strips: Bits, inside: Bits | None, cut: Cut, radius: int) -> tuple[float, float]:
    """Return J and F of two masks, see `_strips`, from the sizes of six sets."""
    size, pad = cut.strip * cut.stride, radius * cut.stride
    masks = strips[:, :size]
    sets = scratch("sets", 3, 2, size)
    np.bitwise_and(masks[0], masks[1], out=sets[0, 0])
    np.bitwise_or(masks[0], masks[1], out=sets[0, 1])
    padded = scratch("padded", 2, size + 2 * pad)
    contours = padded[:, pad : pad + size]
    # A contour pixel differs from its right, lower or lower right neighbour; the last of these
    # differs from it only if one of the steps on the way there is a change.
    below = strips[:, cut.stride :]
    rightward = strips[:, :-8] ^ strips[:, 1:-7]
    np.bitwise_xor(masks, below[:, :size], out=contours)
    contours |= rightward[:, :size]
    contours |= below[:, :size] ^ below[:, 1 : size + 1]
    if inside is not None:
        sets[0] &= inside
        contours &= inside
    sets[1] = contours
    np.add(padded[:, size : size + pad], padded[:, size : size + pad], out=padded[:, :pad])
    np.right_shift(padded[:, pad : 2 * pad], 1, out=padded[:, pad + size :])
    near = _dilated(padded, cut.stride, radius)
    np.bitwise_and(contours[0], near[-size:], out=sets[2, 0])
    np.bitwise_and(contours[1], near[:size], out=sets[2, 1])
    words = sets.reshape(6, size).view(np.uint64)
    counts = np.add.reduce(np.bitwise_count(words), axis=1, dtype=np.int64).tolist()
    both, either, n_ours, n_theirs, ours, theirs = counts
    region = both / either if either else 1.0
    return region, _f_measure(n_ours, n_theirs, ours, theirs)


def _f_measure(n_ours: int, n_theirs: int, ours: int, theirs: int) -> float:
    """Return F from the sizes of two contours and of their matched parts."""
    if n_ours == 0 and n_theirs == 0:
        return 1.0
    if n_ours == 0 or n_theirs == 0:
        return 0.0
    precision, recall = ours / n_ours, theirs / n_theirs
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _dilated(padded: Bits, stride: int, radius: int) -> Bits:
    """Return what is within `radius` of two contours.

    The disk is a stack of row segments, which grow by doubling from its outermost rows inwards.
    What runs over the end of a row lies in the gap between rows, where no contour is.

    Args:
        padded: (2, size + 2 * pad), each contour with the `radius` rows above and below it.
        stride: bytes from one row to the next.
        radius: of the disk.

    Returns:
        The first dilated contour, `2 * pad` bytes without meaning, the second; flat.
    """
    pad = radius * stride
    run, length = padded.reshape(-1), 1  # run[i] is the union of `length` pixels from i on
    spare = [scratch("run", len(run)), scratch("next run", len(run))]
    near = scratch("near", len(run) - 2 * pad)
    near[:] = 0
    for half, rows in _disk(radius):
        while length < 2 * half + 1:
            step = min(length, 2 * half + 1 - length)
            spare.reverse()
            run = np.bitwise_or(run[:-step], run[step:], out=spare[0][: len(run) - step])
            length += step
        for dy in rows:
            start = pad + dy * stride - half
            np.bitwise_or(near, run[start : start + len(near)], out=near)
    return near


@lru_cache(maxsize=64)
def _disk(radius: int) -> list[tuple[int, list[int]]]:
    """Return the disk dx^2 + dy^2 <= radius^2: (half width, rows), the narrowest rows first."""
    disk: dict[int, list[int]] = {}
    for dy in sorted(range(-radius, radius + 1), key=abs, reverse=True):
        disk.setdefault(math.isqrt(radius * radius - dy * dy), []).append(dy)
    return list(disk.items())


class _Scratch(threading.local):
    """Memory that is used again: fresh pages cost more than what is computed on them."""

    def __init__(self) -> None:
        self._buffers: dict[str, Bits] = {}

    def __call__(self, name: str, *shape: int) -> Bits:
        """Return an array with anything in it."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or len(buffer) < size:
            buffer = self._buffers[name] = np.empty(size, np.uint8)
        return buffer[:size].reshape(shape)


scratch = _Scratch()
