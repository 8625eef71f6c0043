"""The vocabulary everything else speaks: a Sequence of frames, and Prompts that start objects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]  # (H, W, 3) RGB
Labels = NDArray[np.uint8]  # (H, W) object ids, 0 is background
Mask = NDArray[np.bool_]  # (H, W)
Probability = NDArray[np.float32]  # (H, W) in [0, 1]
Floats = NDArray[np.float64]  # of any shape
Polygon = NDArray[np.float64]  # (N, 2) corners x, y in pixels


class Box(NamedTuple):
    """Axis-aligned box in pixels; `x`, `y` is the top left corner, the pixel `x + w` is outside."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Region:
    """Where an object is on a frame, as far as a tracker knows.

    Args:
        box: axis-aligned.
        polygon: (N, 2) corners x, y; a rotated box has four.
        mask: (H, W) bool, if it is another than the object's pixels in the label map.
        confidence: that the object is there, at best in [0, 1]; None if the tracker has no idea.
    """

    box: Box | None = None
    polygon: Polygon | None = None
    mask: Mask | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The instruction to start tracking one object on one frame.

    Args:
        object_id: id that the object has in the label maps, 1 to 254.
        frame_index: index of the frame in its sequence, from 0.
        box: tight box of the object's mask. A tracker that declares `init = "box"` gets the one
            about the centre of the `polygon` that has its area, if that is given.
        mask: (H, W) bool, or None for a tracker that declares `init = "box"`.
        polygon: what the dataset has, if that is no mask, as in VOT: (4, 2) corners of a rotated
            box, or more. The mask is its inside then.
    """

    object_id: int
    frame_index: int
    box: Box
    mask: Mask | None = None
    polygon: Polygon | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of one video: paths only, so that nothing is decoded before it is needed.

    Args:
        name: folder name, e.g. `blackswan`.
        frames: image paths in temporal order.
    """

    name: str
    frames: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def frame_name(self, index: int) -> str:
        """Name of a frame without its suffix, e.g. `00012`; masks are named after it."""
        return self.frames[index].stem


AnyClip = TypeVar("AnyClip", bound=Clip)


@dataclass(frozen=True, slots=True)
class Sequence(Clip):
    """One video with label maps.

    Args:
        annotations: frame index -> label-map path; may be sparse.
        attributes: attribute codes of the dataset, e.g. `("OCC", "FM")`; None if not known.
    """

    annotations: Mapping[int, Path]
    attributes: tuple[str, ...] | None = None


def portable(clip: AnyClip) -> AnyClip:
    """Return a clip whose paths mean the same in a process with another current folder."""
    changed: dict[str, Any] = {}
    if not all(path.is_absolute() for path in clip.frames):
        changed["frames"] = tuple(path.absolute() for path in clip.frames)
    there = clip.annotations if isinstance(clip, Sequence) else {}
    if not all(path.is_absolute() for path in there.values()):
        changed["annotations"] = {index: path.absolute() for index, path in there.items()}
    return replace(clip, **changed) if changed else clip


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The regions of one object over time, as they are written in text files.

    Args:
        values: (T, K) numbers of each frame, NaN after the last.
        counts: (T,) how many there are: 1 of a code; 4 of a box x, y, w, h; 6 or more of a polygon
            x1, y1, x2, y2, ...; 0 where the object is not there.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.counts)

    def row(self, index: int) -> NDArray[np.float64]:
        """Return the numbers of one frame."""
        return self.values[index, : self.counts[index]]


@dataclass(frozen=True, slots=True)
class RegionSequence(Clip):
    """One video with a region of one object per frame, as in VOT.

    Args:
        truth: boxes and polygons of its frames.
        tags: name -> (T,) which frames have it, e.g. `occlusion`.
        size: (width, height) of the frames.
    """

    truth: Regions
    tags: Mapping[str, NDArray[np.bool_]]
    size: tuple[int, int]
