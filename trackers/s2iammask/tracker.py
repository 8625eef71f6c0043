"""S2iamMask as a tracker: all objects of a frame in one pass, from boxes alone."""

from collections.abc import Iterable
from typing import Any

import torch

from vostool.tracking.base import Runtime, Tracker
from vostool.types import Frame, Labels, Prompt
from vostool_trackers.s2iammask.network import S2iamMask
from vostool_trackers.s2iammask.search import Search
from vostool_trackers.s2iammask.settings import Config
from vostool_trackers.siamese.inference.checkpoints import load_checkpoint

HEADS = ("mask.head.", "fusion.")  # that one of the stages has no use for


class S2iamMaskTracker(Tracker):
    """Track boxes with a Siamese network, and let the masks of its best boxes vote."""

    init = "box"
    summary = "S2iamMask: a Siamese network proposes boxes, masks of the best ones vote on pixels"
    Config = Config
    devices = ("cuda", "cpu")
    precisions = ("fp32", "bf16", "fp16")
    weights = "required"
    task = ".training:RoiTask"

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        torch.manual_seed(self.runtime.seed)
        network = S2iamMask(self.config.shape)
        load_checkpoint(network, self.runtime.weights, optional=HEADS)
        self._search = Search(network, self.config, self.runtime)

    def reset(self) -> None:
        self._search.forget()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        return self._search.step(frame, tuple(prompts))
