"""SiamPolarMask as a tracker: all objects of a frame in one pass, from boxes alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from vostool.sequence import Frame, Labels, Prompt
from vostool.tracker import Runtime, Tracker

from .network import SiamPolarCar
from .search import Search
from .settings import Config
from .weights import load_weights

BUNDLED = Path(__file__).with_name("car.safetensors")  # of the default configuration


class SiamPolar(Tracker):
    """Track boxes with a Siamese network and draw what it says as rays."""

    init = "box"
    summary = "SiamPolarMask: a Siamese network that draws its object as rays from a centre"
    Config = Config
    devices = ("cuda", "cpu")
    precisions = ("fp32", "bf16", "fp16")
    weights = "required"
    task = ".training:PolarTask"

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        torch.manual_seed(self.runtime.seed)
        network = SiamPolarCar(self.config.shape)
        load_weights(network, self.runtime.weights)
        network.to(self.runtime.device).to(memory_format=torch.channels_last)
        self._search = Search(network.eval(), self.config, self.runtime)

    @classmethod
    def own_weights(cls, config: Any) -> Path | None:
        return BUNDLED if config.shape == Config().shape and BUNDLED.is_file() else None

    def reset(self) -> None:
        self._search.forget()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        return self._search.step(frame, tuple(prompts))
