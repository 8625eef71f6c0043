"""One object, segmented on each frame by color models that are carried along with it."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vostool.types import Box, Frame, Mask, Probability, Prompt
from vostool_trackers.color_model.appearance import GlobalColor, LocalColor
from vostool_trackers.color_model.box_start import mask_from_box
from vostool_trackers.color_model.geometry import (
    Map,
    Region,
    box_of,
    centre,
    cut,
    region_around,
    to_lab,
    working_size,
)
from vostool_trackers.color_model.motion import camera_shift, object_shift, search_by_color
from vostool_trackers.color_model.refine import drop_strays, mean_field, signed_distance
from vostool_trackers.color_model.settings import Config


class ColorObject:
    """Track one object by its colors."""

    def __init__(self, config: Config, seed: int) -> None:
        self._config = config
        self._seed = seed
        self._colors = GlobalColor(config.color_bins)
        self._local = LocalColor(config.local_cells, config.local_bins)
        self._box: Box | None = None  # of the last trusted mask; None if there never was one
        self._lost = 0  # frames since then

    def init(self, frame: Frame, prompt: Prompt) -> None:
        if prompt.mask is None:
            mask: Mask = mask_from_box(frame, prompt.box, self._seed + prompt.object_id)
        else:
            mask = prompt.mask
        self._box = box_of(mask)
        if self._box is None:
            return
        self._size = max(self._box.w, self._box.h)
        self._area = float(mask.sum())
        self._velocity = (0.0, 0.0)
        self._trusted = self._last = (frame, mask.astype(np.float32))
        self._learn(frame)

    def track(self, frame: Frame) -> Probability:
        """Return the (H, W) float32 probability of the object; zeros while it is lost."""
        size = (frame.shape[0], frame.shape[1])
        if self._box is None:
            return np.zeros(size, np.float32)
        dx, dy = self._predict(frame, self._box)
        moved = self._box._replace(x=self._box.x + dx, y=self._box.y + dy)
        region = region_around(moved, self._margin(moved), size)
        crop = self._segment(frame, region, moved, (dx, dy))
        probability = np.zeros(size, np.float32)
        probability[region.window] = cv2.resize(crop, region.size, interpolation=cv2.INTER_LINEAR)
        found = box_of(probability[region.window] > 0.5)
        area = float((crop > 0.5).sum()) * region.size[0] * region.size[1] / crop.size
        if found is None or area < self._config.lost_area * self._area:
            self._lost += 1
            self._velocity = (0.0, 0.0)
        else:
            self._box = found._replace(x=found.x + region.left, y=found.y + region.top)
            self._accept(frame, probability, area, (dx, dy))
        self._last = (frame, probability)
        return probability

    def _predict(self, frame: Frame, box: Box) -> tuple[float, float]:
        """Return how far the object moved, its centre kept in the frame."""
        if self._lost:
            reach = max(box.w, box.h) * (1.0 + self._config.lost_speed * self._lost)
            dx, dy = search_by_color(frame, self._colors, box, reach)
        else:
            last, shape = self._trusted
            dx, dy = object_shift(last, frame, shape, box, self._velocity, self._config)
        x, y = centre(box)
        return (
            min(max(dx, -x), frame.shape[1] - x),
            min(max(dy, -y), frame.shape[0] - y),
        )

    def _segment(self, frame: Frame, region: Region, moved: Box, shift: tuple[float, float]) -> Map:
        """Return the object's probability on a crop, at working size."""
        c = self._config
        size = working_size(region, c.working_side)
        lab = to_lab(_crop(frame, region, size))
        prior = _crop(self._trusted[1], region, size, shift).astype(np.float32)
        scale = size[0] / region.size[0]
        width = max(c.shape_width * math.sqrt(moved.w * moved.h) * scale, 1e-3)
        odds = c.shape_weight * np.clip(signed_distance(prior) / width, -3.0, 2.0)
        odds += c.color_weight * self._colors.log_odds(lab)
        places = self._places(region, size, moved)
        odds += c.local_weight * self._local.log_odds(lab, places, c.local_anchor)
        if not self._lost:  # a frame without the object would call everything background
            odds += self._stillness(frame, region, lab)
        crop = mean_field(odds.astype(np.float32), lab, c.smooth_weight, c.smooth_steps)
        return drop_strays(crop, prior)

    def _stillness(self, frame: Frame, region: Region, lab: Map) -> Map | float:
        """Return log odds for pixels that look as on the last frame: they are what they were."""
        last, probability = self._last
        shift = camera_shift(last, frame)
        if shift is None:
            return 0.0
        size = (lab.shape[1], lab.shape[0])
        was = to_lab(_crop(last, region, size, shift))
        label = 2.0 * _crop(probability, region, size, shift).astype(np.float32) - 1.0
        change = ((was - lab) ** 2).sum(2) / (2.0 * self._config.still_sigma**2)
        return np.asarray(self._config.still_weight * label * np.exp(-change), np.float32)

    def _accept(
        self, frame: Frame, probability: Map, area: float, shift: tuple[float, float]
    ) -> None:
        """Make this frame's mask the one that is carried on."""
        assert self._box is not None
        old = (0.0, 0.0) if self._lost else self._velocity
        new = old if self._lost else shift  # a jump to where it was found is no velocity
        self._velocity = (0.5 * old[0] + 0.5 * new[0], 0.5 * old[1] + 0.5 * new[1])
        self._lost = 0
        self._area = 0.9 * self._area + 0.1 * area
        self._size = 0.9 * self._size + 0.1 * max(self._box.w, self._box.h)
        self._trusted = (frame, probability)
        self._learn(frame)

    def _learn(self, frame: Frame) -> None:
        """Teach both models the trusted mask on its frame."""
        assert self._box is not None
        c = self._config
        shape = (frame.shape[0], frame.shape[1])
        region = region_around(self._box, self._margin(self._box), shape)
        size = working_size(region, c.working_side)
        lab = to_lab(_crop(frame, region, size))
        trusted = (self._trusted[1] > 0.5).astype(np.float32)
        mask = _crop(trusted, region, size).astype(np.float32)
        self._colors.learn(lab, mask, c.color_rate)
        self._local.learn(lab, self._places(region, size, self._box), mask, c.local_rate)

    def _margin(self, box: Box) -> float:
        return self._config.margin * max(box.w, box.h) + 8.0

    def _places(self, region: Region, size: tuple[int, int], box: Box) -> Map:
        """Return (h, w, 2) x, y of the pixels relative to the box's centre, in [0, 1) of the grid.

        The unit is the object's running size, so that the grid neither jumps nor stays behind.
        """
        unit = self._size * (1.0 + 2.0 * self._config.margin)
        x, y = centre(box)
        across = (np.arange(size[0]) + 0.5) * region.size[0] / size[0] + region.left - x
        down = (np.arange(size[1]) + 0.5) * region.size[1] / size[1] + region.top - y
        grid = np.stack(np.meshgrid(across / unit + 0.5, down / unit + 0.5), axis=2)
        return np.asarray(grid, np.float32)


def _crop(
    image: NDArray[np.uint8] | Map,
    region: Region,
    size: tuple[int, int],
    shift: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.generic]:
    """Cut a region out of an image that has been moved by `shift`."""
    return cut(image, region.left - shift[0], region.top - shift[1], *region.size, size)
