"""Run-length encoded masks as COCO stores them; the one module that knows pycocotools.

A mask is read column by column, and the lengths of its runs of 0 and 1 are packed into text. This
loses nothing: holes and single pixels stay.
"""

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco  # type: ignore[import-untyped,unused-ignore]

from vostool.errors import DataError
from vostool.types import Labels, Mask


class Rle(TypedDict):
    """A mask as JSON has it.

    Args:
        size: height and width.
        counts: the packed runs, ASCII.
    """

    size: list[int]
    counts: str


def encode_objects(labels: Labels, ids: NDArray[np.intp]) -> list[Rle]:
    """Encode objects of a label map.

    Args:
        labels: (H, W) uint8.
        ids: (N,) ids to encode.

    Returns:
        One mask for each id, in that order.
    """
    columns = np.ascontiguousarray(labels.T)
    stacked = columns[None] == ids.astype(np.uint8)[:, None, None]
    # (N, W, H) in C order is (H, W, N) in the Fortran order that the encoder wants.
    packed = coco.encode(stacked.view(np.uint8).transpose(2, 1, 0))
    return [Rle(size=list(rle["size"]), counts=rle["counts"].decode("ascii")) for rle in packed]


def box_and_area(rle: Rle) -> tuple[list[int], int]:
    """Return the tight box `[x, y, w, h]` of a mask that is not empty, and its pixels."""
    return [int(value) for value in coco.toBbox(rle)], int(coco.area(rle))


def union_of_polygons(polygons: list[list[int]], height: int, width: int) -> Rle:
    """Return the union of polygons `[x0, y0, x1, y1, ...]` as COCO's own tools draw them."""
    rle = coco.merge(coco.frPyObjects(polygons, height, width))
    return Rle(size=list(rle["size"]), counts=rle["counts"].decode("ascii"))


def check(segmentation: Any, height: int, width: int) -> None:
    """Refuse a segmentation that cannot be a mask of this size.

    Args:
        segmentation: polygons, or runs packed as text or listed as numbers.
        height: of the image in pixels.
        width: of the image in pixels.

    Raises:
        DataError: what is wrong with it.
    """
    if isinstance(segmentation, list):
        if not segmentation or not all(map(_is_polygon, segmentation)):
            raise DataError("its segmentation is no list of polygons of at least 3 points")
        return
    if not isinstance(segmentation, dict) or not {"size", "counts"} <= segmentation.keys():
        raise DataError("its segmentation is neither polygons nor size and counts")
    size, counts = segmentation["size"], segmentation["counts"]
    if list(size) != [height, width]:
        raise DataError(f"its mask is {size} (height, width), and its image {[height, width]}")
    if isinstance(counts, list) and sum(counts) != height * width:
        raise DataError(f"its runs cover {sum(counts)} of {height * width} pixels")
    if not isinstance(counts, list | str):
        raise DataError("its counts are neither text nor a list")


def _is_polygon(points: Any) -> bool:
    return isinstance(points, list) and len(points) >= 6 and len(points) % 2 == 0


def to_rle(segmentation: Any, height: int, width: int) -> Rle:
    """Return any segmentation that `check` accepts as one packed mask.

    Raises:
        DataError: it is no mask of this size.
    """
    if isinstance(segmentation, dict) and isinstance(segmentation["counts"], str):
        rle = Rle(size=[height, width], counts=segmentation["counts"])
        runs(rle)
        return rle
    try:
        if isinstance(segmentation, list):
            return union_of_polygons(segmentation, height, width)
        packed = coco.frPyObjects(segmentation, height, width)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"its segmentation cannot be read ({error})") from None
    return Rle(size=[height, width], counts=packed["counts"].decode("ascii"))


def decode(rle: Rle) -> Mask:
    """Return a mask as (H, W) bool.

    Raises:
        DataError: the text is no packed mask of its size.
    """
    lengths = runs(rle)
    height, width = rle["size"]
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(width, height).T


def runs(rle: Rle) -> NDArray[np.int64]:
    """Unpack the lengths of the runs, those of 0 at even places.

    Each character holds five bits of a number, lowest first, and whether more follow; from the
    fourth on, numbers are differences to the last but one (`rleToString` of COCO's maskApi.c).
    pycocotools returns whatever lies in memory where a text was cut short, hence this.

    Raises:
        DataError: they do not cover the mask.
    """
    text = np.frombuffer(rle["counts"].encode(), np.uint8).astype(np.int64) - 48
    last = np.flatnonzero((text & 32) == 0)
    if not text.size or text.min() < 0 or text.max() > 63 or last[-1:].tolist() != [text.size - 1]:
        raise DataError("its counts are no packed runs")
    first = np.concatenate(([0], last[:-1] + 1))
    place = np.arange(text.size) - np.repeat(first, last - first + 1)
    if place.max() > 6:
        raise DataError("its counts are no packed runs")
    numbers = np.add.reduceat((text & 31) << (5 * place), first)
    numbers -= np.where(text[last] & 16, 1 << (5 * (place[last] + 1)), 0)
    for start in (1, 2):
        numbers[start::2] = np.cumsum(numbers[start::2])
    height, width = rle["size"]
    if numbers.min() < 0 or numbers.sum() != height * width:
        raise DataError(f"its runs cover {numbers.sum()} of {height * width} pixels")
    return numbers
