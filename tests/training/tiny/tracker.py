"""A local tracker with something to train, copied into a workspace by the tests."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vostool.tracking.base import Tracker


@dataclass(frozen=True)
class Config:
    """The network's shape."""

    width: int = 4
    norm: Literal["none", "batch"] = "none"
    dropout: float = 0.0


class Tiny(Tracker):
    """Would find a bright disc."""

    init = "box"
    Config = Config
    devices = ("cpu", "cuda")
    weights = "optional"
    task = ".training:DiscTask"

    def reset(self):
        pass

    def step(self, frame, prompts=()):
        return np.zeros(frame.shape[:2], np.uint8)
