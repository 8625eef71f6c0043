"""Track a box with NanoTrack and call everything inside it the object."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vostool.tracking.base import PerObject, Runtime, SingleObject, prompt_probability
from vostool.types import Box, Frame, Probability, Prompt
from vostool_trackers.nano_box.networks import Networks, load_networks, quiet


@dataclass(frozen=True)
class Config:
    """Settings of NanoTrack; its own constants are compiled into OpenCV.

    Args:
        lost_below: a frame whose tracking score (0 to 1) is lower gets an empty mask.
    """

    lost_below: float = 0.0


class NanoBox(PerObject):
    """Draw the box of OpenCV's NanoTrack as a mask."""

    init = "box"
    summary = "OpenCV's NanoTrack (a small Siamese network), its box filled"
    Config = Config
    weights = "required"

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        self._networks = load_networks(self.runtime.weights)

    def new_object(self) -> SingleObject:
        return NanoObject(self._networks, self.config.lost_below)


class NanoObject:
    """Track one box with a `cv2.TrackerNano` of its own."""

    def __init__(self, networks: Networks, lost_below: float) -> None:
        self._tracker = networks.tracker()
        self._lost_below = lost_below
        self._box = Box(0.0, 0.0, 0.0, 0.0)

    def init(self, frame: Frame, prompt: Prompt) -> None:
        x, y, w, h = prompt.box
        self._box = prompt.box
        rectangle = (round(x), round(y), max(1, round(w)), max(1, round(h)))
        with quiet():
            self._tracker.init(_bgr(frame), rectangle)

    def track(self, frame: Frame) -> Probability:
        score = 0.0
        try:
            with quiet():
                found, box = self._tracker.update(_bgr(frame))
                score = self._tracker.getTrackingScore()
        except cv2.error:  # the box has become degenerate: it waits where it is
            found = False
        if found:
            self._box = Box(*map(float, box))
        size = (frame.shape[0], frame.shape[1])
        if not score >= self._lost_below:
            return np.zeros(size, np.float32)
        return prompt_probability(Prompt(1, 0, self._box), size)


def _bgr(frame: Frame) -> Any:
    """Return the frame in OpenCV's channel order; `TrackerNano` swaps it back to RGB."""
    return cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
