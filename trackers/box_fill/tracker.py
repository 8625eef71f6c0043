"""Track a box with multiple-instance learning and call everything inside it the object."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vostool.errors import ConfigError
from vostool.tracking.base import PerObject, SingleObject, prompt_probability
from vostool.types import Box, Frame, Probability, Prompt
from vostool_trackers.box_fill.seeding import run_seeded

_SMALLEST_PATCH = 8  # px; OpenCV draws Haar features in an endless loop if none of 9 px^2 fits


@dataclass(frozen=True)
class Config:
    """Settings of MIL, in pixels of the working resolution.

    Args:
        working_side: frames are shrunk (never enlarged) so that the box has this many px as the
            root of its area.
        search_radius: how far the object may move between two frames.
        positive_radius: patches this near to the box are positive examples.
        negatives: number of negative examples per frame.
    """

    working_side: float = 16.0
    search_radius: float = 10.0
    positive_radius: float = 2.0
    negatives: int = 30

    def __post_init__(self) -> None:
        if not self.working_side >= _SMALLEST_PATCH:
            raise ConfigError(
                f"box_fill: working_side is {self.working_side}; give {_SMALLEST_PATCH} or more."
            )
        if not 2 <= self.positive_radius < self.search_radius <= 100:
            raise ConfigError(
                f"box_fill: positive_radius is {self.positive_radius} and search_radius "
                f"{self.search_radius}; they must satisfy 2 <= positive_radius < search_radius "
                "<= 100."
            )
        if self.negatives < 5:
            raise ConfigError(f"box_fill: negatives is {self.negatives}; give 5 or more.")


class BoxFill(PerObject):
    """Draw the box of OpenCV's MIL tracker as a mask."""

    init = "box"
    summary = "OpenCV's MIL tracker, its box filled"
    Config = Config

    def new_object(self) -> SingleObject:
        return MilBox(self.config, self.runtime.seed)


class MilBox:
    """Track one box (Babenko et al., "Visual Tracking with Online Multiple Instance Learning").

    MIL sees a grey frame, shrunk so that the cost does not grow with the object, and with a margin
    around it: OpenCV's sampler counts positions in unsigned integers, and a box as large as the
    frame would make it wrap around.
    """

    def __init__(self, config: Config, seed: int) -> None:
        self._config = config
        self._seed = seed
        self._margin = 2 * math.ceil(config.search_radius) + _SMALLEST_PATCH
        self._scale = 1.0
        self._box = Box(0.0, 0.0, 0.0, 0.0)  # in the frame
        self._start = self._box
        self._patch = (0, 0, 0, 0)  # of MIL, on the first canvas
        self._tracker: Any = None

    def init(self, frame: Frame, prompt: Prompt) -> None:
        self._box = self._start = prompt.box
        area = max(prompt.box.w, 1.0) * max(prompt.box.h, 1.0)
        self._scale = min(1.0, self._config.working_side / math.sqrt(area))
        canvas = self._canvas(frame)
        self._patch = self._patch_on(canvas)
        self._tracker = _new_mil(self._config)
        run_seeded(self._seed + prompt.object_id, lambda: self._tracker.init(canvas, self._patch))

    def track(self, frame: Frame) -> Probability:
        try:
            found, (x, y, _, _) = self._tracker.update(self._canvas(frame))
        except cv2.error:  # no patch left to sample; the box waits where it is
            found, x, y = False, 0, 0
        if found:
            dx, dy = (x - self._patch[0]) / self._scale, (y - self._patch[1]) / self._scale
            self._box = self._start._replace(x=self._start.x + dx, y=self._start.y + dy)
        return prompt_probability(Prompt(1, 0, self._box), (frame.shape[0], frame.shape[1]))

    def _canvas(self, frame: Frame) -> NDArray[np.uint8]:
        """Return the grey, shrunk frame with its margin, (h, w) uint8."""
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        size = (
            max(1, round(frame.shape[1] * self._scale)),
            max(1, round(frame.shape[0] * self._scale)),
        )
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        m = self._margin
        canvas = cv2.copyMakeBorder(small, m, m, m, m, cv2.BORDER_REPLICATE)
        return np.asarray(canvas, np.uint8)

    def _patch_on(self, canvas: NDArray[np.uint8]) -> tuple[int, int, int, int]:
        """Return the box on the canvas as x, y, w, h: whole pixels, not too small, inside."""
        rows, cols = canvas.shape
        box, m, s = self._box, self._margin, self._scale
        w = min(max(_SMALLEST_PATCH, round(box.w * s)), cols - 2 * m + _SMALLEST_PATCH)
        h = min(max(_SMALLEST_PATCH, round(box.h * s)), rows - 2 * m + _SMALLEST_PATCH)
        x = round((box.x + box.w / 2) * s + m - w / 2)
        y = round((box.y + box.h / 2) * s + m - h / 2)
        return min(max(x, 0), cols - w - 2), min(max(y, 0), rows - h - 2), w, h


def _new_mil(config: Config) -> Any:
    params = cv2.TrackerMIL.Params()
    params.samplerSearchWinSize = config.search_radius
    params.samplerInitInRadius = config.positive_radius
    params.samplerInitMaxNegNum = config.negatives
    return cv2.TrackerMIL.create(params)
