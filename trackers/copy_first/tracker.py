"""Answer every frame with the masks of the prompts: the floor every tracker has to clear."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from vostool.tracking.base import Runtime, Tracker, prompt_probability
from vostool.types import Frame, Labels, Prompt


class CopyFirst(Tracker):
    """Keep each object's first mask where it is."""

    init = "mask"
    summary = "the first mask never moves (the floor of every table)"

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        self._labels: Labels | None = None

    def reset(self) -> None:
        self._labels = None

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        """Return all masks so far; a later prompt lies on top of the earlier ones.

        Args:
            frame: (H, W, 3) uint8 RGB; only its size is used.
            prompts: objects that start on this frame.

        Returns:
            (H, W) uint8 label map, a fresh array.
        """
        size = frame.shape[:2]
        if self._labels is None:
            self._labels = np.zeros(size, np.uint8)
        for prompt in prompts:
            # An object prompted a second time has moved: its old mask goes.
            self._labels[self._labels == prompt.object_id] = 0
            self._labels[prompt_probability(prompt, size) > 0.5] = prompt.object_id
        return self._labels.copy()
