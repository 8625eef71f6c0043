"""The synthetic sequences in the layout of VOT: one object of each, as a rotated box per frame."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vostool.datasets.synthetic.film import ATTRIBUTES, SEQUENCES, built, clip, write_jpeg
from vostool.geometry import box_around, rotated_box
from vostool.io.regions import format_region
from vostool.types import Frame, Labels, Polygon

_OBJECT = 1  # the id of the object that is followed
_LEFT_OUT = ("out-of-view", "late-objects")  # that object is not always there
_BOXES = ("translation", "crowd")  # VOT has axis-aligned boxes in places, too
_LARGER = 0.15  # change of area within ten frames that is called one of size
_FASTER = 0.02  # part of the image's diagonal that the centre moves in a frame
_GONE = 0.15  # part of the largest area so far below which a box would mean nothing
_HIDDEN = 0.75  # part of the usual area below which an object among occluders is occluded


def make_boxes(
    directory: Path,
    seed: int = 0,
    *,
    size: tuple[int, int] = (240, 424),
    frames: int = 120,
) -> Path:
    """Write a dataset of the layout of VOT, which `--dataset vot:PATH` reads.

    The ground truth is the smallest rotated box around the object's mask, or the axis-aligned one,
    with the tags of VOT.

    Args:
        directory: where to; absent or empty.
        seed: another seed gives other shapes, textures and motions.
        size: (H, W), at least 64 x 64.
        frames: length, at least 3.

    Returns:
        `directory`.

    Raises:
        DatasetError: `directory` holds something already.
        UsageError: the size or the number of frames is too small.
    """
    names = [name for name in SEQUENCES if name not in _LEFT_OUT]
    films = {name: clip(name, seed, size=size, frames=frames) for name in names}
    with built(directory) as folder:
        for name, film in films.items():
            _write(folder / name, name, film, size)
        (folder / "list.txt").write_text("".join(f"{name}\n" for name in names))
    return directory


def _write(
    folder: Path, name: str, film: Iterator[tuple[Frame, Labels]], size: tuple[int, int]
) -> None:
    (folder / "color").mkdir(parents=True)
    polygons: list[Polygon] = []
    areas: list[int] = []
    for index, (frame, labels) in enumerate(film):
        write_jpeg(folder / "color" / f"{index + 1:08d}.jpg", frame)
        mask = labels == _OBJECT
        areas.append(int(mask.sum()))
        polygon = rotated_box(mask) if areas[-1] > _GONE * max(areas) else None
        # Where it is hidden it is thought to be where it was seen last.
        polygons.append(polygons[-1] if polygon is None else polygon)
    rows = [
        np.array(box_around(polygon)) if name in _BOXES else polygon.reshape(-1)
        for polygon in polygons
    ]
    (folder / "groundtruth.txt").write_text("".join(f"{format_region(row)}\n" for row in rows))
    tags = _tags(name, np.array(polygons), np.array(areas), float(np.hypot(*size)))
    for tag, values in tags.items():
        (folder / f"{tag}.tag").write_text("".join(f"{int(value)}\n" for value in values))


def _tags(
    name: str, polygons: NDArray[np.float64], areas: NDArray[np.intp], diagonal: float
) -> dict[str, NDArray[np.bool_]]:
    """Return the tags of VOT: those of a scene as a whole, and what is seen from frame to frame."""
    codes = ATTRIBUTES[name]
    always = np.ones(len(areas), np.bool_)
    centres = polygons.mean(axis=1)
    steps = np.linalg.norm(np.diff(centres, axis=0, prepend=centres[:1]), axis=1)
    before = areas[np.maximum(np.arange(len(areas)) - 10, 0)]
    return {
        "camera_motion": always & ("CS" in codes),
        "illum_change": always & ("AC" in codes),
        "motion_change": steps > _FASTER * diagonal,
        "size_change": np.abs(areas - before) > _LARGER * np.maximum(before, 1),
        "occlusion": (areas == 0) | (("OCC" in codes) & (areas < _HIDDEN * np.median(areas))),
    }
