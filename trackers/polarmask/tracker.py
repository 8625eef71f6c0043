"""PolarMask as a tracker: all objects of a frame among the instances of one pass, from boxes."""

from collections.abc import Iterable
from typing import Any

import torch

from vostool.tracking.base import Runtime, Tracker
from vostool.tracking.tensor_files import Format
from vostool.types import Frame, Labels, Prompt
from vostool_trackers.polarmask.network import PolarMask, published
from vostool_trackers.polarmask.releases import RELEASES
from vostool_trackers.polarmask.search import InstanceSearch
from vostool_trackers.polarmask.settings import Config
from vostool_trackers.siamese.inference.checkpoints import load_checkpoint


class PolarMaskTracker(Tracker):
    """Segment every frame into instances and follow the one that overlaps best."""

    init = "box"
    summary = "PolarMask: instances of each frame drawn as rays, followed by their overlap"
    Config = Config
    devices = ("cuda", "cpu")
    precisions = ("fp32", "bf16", "fp16")
    weights = "required"
    task = ".training:InstanceTask"
    releases = RELEASES

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        torch.manual_seed(self.runtime.seed)
        network = PolarMask(self.config.shape)
        load_checkpoint(network, self.runtime.weights, self.formats(self.config))
        self._search = InstanceSearch(network, self.config, self.runtime)

    @classmethod
    def formats(cls, config: Any) -> tuple[Format, ...]:
        return (published(config.shape),)

    def reset(self) -> None:
        self._search.forget()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        return self._search.step(frame, tuple(prompts))
