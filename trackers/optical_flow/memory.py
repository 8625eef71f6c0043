"""What one object and its surroundings looked like, on its first frame and lately."""

from typing import NamedTuple

import numpy as np

from vostool_trackers.optical_flow.color import (
    Index,
    Plane,
    histograms,
    log_ratio,
    normalised,
    smooth,
)

GRID = 12  # cells per axis of the object-centred grid; one cell is half a standard deviation
Region = tuple[slice, slice]


class Appearance(NamedTuple):
    """Log ratios of object to background.

    Args:
        by_color: (COLORS,) float32.
        by_place: (GRID * GRID, COLORS) float32, for the object-centred grid.
    """

    by_color: Plane
    by_place: Plane


class Memory:
    """Keep color histograms of an object, overall and by place relative to the object.

    Args:
        decay: share of the old counts kept by each update.
        pseudo_count, limit: see `color.log_ratio`.
    """

    def __init__(self, decay: float, pseudo_count: float, limit: float) -> None:
        self._decay = decay
        self._pseudo_count = pseudo_count
        self._limit = limit
        self._counts: tuple[Plane, Plane] | None = None
        self.first: Appearance
        self.recent: Appearance

    @property
    def empty(self) -> bool:
        """True until the first call of `learn`."""
        return self._counts is None

    def learn(self, probability: Plane, region: Region, color: Index) -> None:
        """Add a frame.

        Args:
            probability: (H, W) float32 map of the object on the whole frame.
            region: the part to learn from.
            color: (H, W) color numbers of the whole frame.
        """
        mask = probability[region]
        place = object_cells(probability, region)
        local = histograms(place, (GRID, GRID), color[region], [mask, 1 - mask])
        overall = smooth(local.sum((1, 2), keepdims=True))
        local = smooth(local)
        if self._counts is None:
            self._counts = overall, local
            self.first = self.recent = self._appearance()
            return
        for old, new in zip(self._counts, (overall, local), strict=True):
            old *= self._decay
            old += (1 - self._decay) * new
        self.recent = self._appearance()

    def _appearance(self) -> Appearance:
        assert self._counts is not None
        overall, local = self._counts
        return Appearance(
            log_ratio(normalised(overall), self._pseudo_count, self._limit).ravel(),
            log_ratio(local, self._pseudo_count, self._limit).reshape(GRID * GRID, -1),
        )


def object_cells(probability: Plane, region: Region) -> Index:
    """Number the cells of a grid centred on an object and scaled to its spread.

    Args:
        probability: (H, W) float32 map of the object.
        region: the part for which cells are wanted.

    Returns:
        int32 cell number, 0 to GRID**2 - 1, of every pixel of the region.
    """
    rows = _axis_cells(probability.sum(1), region[0])
    columns = _axis_cells(probability.sum(0), region[1])
    return rows[:, None] * GRID + columns[None, :]


def _axis_cells(profile: Plane, part: slice) -> Index:
    position = np.arange(len(profile))
    total = profile.sum(dtype=np.float64) + 1e-6
    center = (profile * position).sum() / total
    spread = np.sqrt((profile * (position - center) ** 2).sum() / total) + 2
    cells = np.clip((position[part] - center) / spread * 2 + GRID // 2, 0, GRID - 1)
    return np.asarray(cells, np.int32)
