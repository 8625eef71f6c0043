"""An opened dataset of boxes and polygons: one object per sequence, a region per frame."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vostool.datasets.clips import Clips
from vostool.geometry import box_around, filled, polygon_of, same_area_box
from vostool.io.label_maps import box_of
from vostool.io.listing import sizes
from vostool.types import Box, Polygon, Prompt, RegionSequence

OBJECT = 1  # the id of the one object, in prompts and label maps


@dataclass(frozen=True, slots=True)
class RegionDataset(Clips[RegionSequence]):
    """Sequences with regions.

    Args:
        interval: lengths over which the expected overlap is averaged (VOT), None if there is none
            that everybody takes.
    """

    interval: tuple[int, int] | None = None

    def prompt(self, sequence: RegionSequence, index: int, init: str = "mask") -> Prompt:
        """Return the prompt that starts the object on a frame, see `region_prompt`."""
        return region_prompt(polygon_of(sequence.truth.row(index)), index, sequence.size, init)

    def prompts(self, sequence: RegionSequence) -> Iterator[tuple[Prompt, ...]]:
        yield (self.prompt(sequence, 0),)
        for _ in range(1, len(sequence)):
            yield ()

    def fingerprint(self, sequence: RegionSequence) -> str:
        digest = hashlib.sha256(self.first_mask_hash(sequence).encode())
        for path, size in zip(sequence.frames, sizes(sequence.frames), strict=True):
            digest.update(f"{path.name}:{size}\n".encode())
        return digest.hexdigest()[:16]

    def first_mask_hash(self, sequence: RegionSequence) -> str:
        truth = sequence.truth
        rows = (truth.row(index).tobytes() for index in range(len(truth)))
        return hashlib.sha256(b"|".join(rows)).hexdigest()[:16]


def region_prompt(polygon: Polygon, index: int, size: tuple[int, int], init: str) -> Prompt:
    """Return the prompt for a polygon.

    The mask is the polygon's inside. The box is the mask's, or, for a tracker that starts from
    boxes, the one about the polygon's centre that has its area, as pysot and SiamMask take it; cut
    to the frame.

    Args:
        polygon: (N, 2) corners, maybe outside the frame.
        index: of the frame.
        size: (width, height) of the frame.
        init: what the tracker starts from, "mask" or "box".
    """
    width, height = size
    mask = filled(polygon, (height, width))
    if not mask.any():  # thinner than a pixel, or outside
        x, y = np.clip(np.floor(polygon.mean(axis=0)), 0, (width - 1, height - 1)).astype(int)
        mask[y, x] = True
    box = box_of(mask) if init == "mask" else _within(same_area_box(polygon), size)
    assert box is not None
    return Prompt(OBJECT, index, box, mask, polygon)


def _within(box: Box, size: tuple[int, int]) -> Box:
    """Return a box cut to the frame, of which at least a pixel is left."""
    corners = np.array([(box.x, box.y), (box.x + box.w, box.y + box.h)])
    low, high = np.clip(corners, 0, size)
    low = np.minimum(low, np.subtract(size, 1))
    return box_around(np.stack([low, np.maximum(high, low + 1)]))
