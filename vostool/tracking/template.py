"""Find each object's first look again by cross-correlation; its mask moves along.

A tracker is a class that `vostool` finds in tracker.py. This one follows single objects, and
`PerObject` runs one of them for every object and merges what they say. A tracker that takes all
objects of a frame in one pass is a subclass of `vostool.Tracker` with `reset` and
`step(frame, prompts)` instead; the whole contract is in `vostool.tracking.base`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from vostool.tracking.base import PerObject, SingleObject
from vostool.types import Frame, Probability, Prompt


@dataclass(frozen=True)
class Config:
    """Settings: `-o radius=40` changes one, `fast.toml` beside this file is TRACKER/fast.

    Args:
        radius: how far the object may move between two frames, in pixels.
    """

    radius: int = 24


class Patch:
    """One object: `init` on the frame where it starts, then `track` on every frame after it."""

    def __init__(self, config: Config) -> None:
        self.radius = config.radius

    def init(self, frame: Frame, prompt: Prompt) -> None:
        """Take in an object.

        Args:
            frame: (H, W, 3) uint8 RGB, read-only.
            prompt: `box` is (x, y, w, h), `mask` (H, W) bool, None for a tracker of boxes.
        """
        assert prompt.mask is not None
        self.x, self.y, w, h = (int(side) for side in prompt.box)
        self.look = frame[self.y : self.y + h, self.x : self.x + w]
        self.mask = prompt.mask[self.y : self.y + h, self.x : self.x + w]

    def track(self, frame: Frame) -> Probability:
        """Return the (H, W) float32 probability in [0, 1] that a pixel is the object's."""
        h, w = self.mask.shape
        top, left = max(0, self.y - self.radius), max(0, self.x - self.radius)
        near = frame[top : self.y + h + self.radius, left : self.x + w + self.radius]
        match = cv2.matchTemplate(near, self.look, cv2.TM_CCOEFF_NORMED)
        _, _, _, (dx, dy) = cv2.minMaxLoc(match)
        self.x, self.y = left + dx, top + dy
        probability = np.zeros(frame.shape[:2], np.float32)
        probability[self.y : self.y + h, self.x : self.x + w] = self.mask
        return probability


class Template(PerObject):
    """The first patch, found again by cross-correlation."""

    init = "mask"  # or "box": then prompts carry no mask
    summary = "the first patch, found again by cross-correlation"
    Config = Config

    def new_object(self) -> SingleObject:
        return Patch(self.config)
