"""The vocabulary everything else speaks: a Sequence of frames, and Prompts that start objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]  # (H, W, 3) RGB
Labels = NDArray[np.uint8]  # (H, W) object ids, 0 is background
Mask = NDArray[np.bool_]  # (H, W)
Probability = NDArray[np.float32]  # (H, W) in [0, 1]


class Box(NamedTuple):
    """Axis-aligned box in pixels; `x`, `y` is the top left corner, the pixel `x + w` is outside."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """The instruction to start tracking one object on one frame.

    Args:
        object_id: id that the object has in the label maps, 1 to 254.
        frame_index: index of the frame in its sequence, from 0.
        box: tight box of the object's mask.
        mask: (H, W) bool, or None for a tracker that declares `init = "box"`.
    """

    object_id: int
    frame_index: int
    box: Box
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """One video: paths only, so that nothing is decoded before it is needed.

    Args:
        name: folder name, e.g. `blackswan`.
        frames: image paths in temporal order.
        annotations: frame index -> label-map path; may be sparse.
        attributes: attribute codes of the dataset, e.g. `("OCC", "FM")`; None if not known.
    """

    name: str
    frames: tuple[Path, ...]
    annotations: Mapping[int, Path]
    attributes: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def frame_name(self, index: int) -> str:
        """Name of a frame without its suffix, e.g. `00012`; masks are named after it."""
        return self.frames[index].stem
