"""SiamPolarMask as a tracker: all objects of a frame in one pass, from boxes alone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vostool.tracking.base import Runtime, Tracker
from vostool.tracking.export import Exported, Scene
from vostool.types import Frame, Labels, Prompt
from vostool_trackers.siamese.inference.checkpoints import load_checkpoint
from vostool_trackers.siamese.inference.folding import ready
from vostool_trackers.siampolar.export import exportable
from vostool_trackers.siampolar.network import SiamPolarCar
from vostool_trackers.siampolar.search import Search
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.whole_frame.network import FrameNetwork
from vostool_trackers.siampolar.whole_frame.search import FrameSearch

BUNDLED = Path(__file__).with_name("car.safetensors")  # of the default configuration
_BUNDLED = {"resnet10": BUNDLED, "lite0": BUNDLED.with_name("car_lite0.safetensors")}


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
        network: nn.Module
        if self.config.variant == "car":
            network = SiamPolarCar(self.config.shape)
        else:
            network = FrameNetwork(self.config.frame_shape)
        # Weights with a second look serve without it, too.
        load_checkpoint(network, self.runtime.weights, optional=("refinement.",))
        network.to(self.runtime.device).to(memory_format=torch.channels_last)
        self._search = search_with(network.eval(), self.config, self.runtime)

    @classmethod
    def own_weights(cls, config: Any) -> Path | None:
        usual = replace(Config().shape, backbone=config.backbone)
        if config.variant != "car" or config.shape not in (usual, replace(usual, refined=0)):
            return None
        weights = _BUNDLED.get(config.backbone)
        return weights if weights is not None and weights.is_file() else None

    def exportable(self, scene: Scene) -> Mapping[str, Exported]:
        return exportable(self._search.network, self.config, scene)

    def reset(self) -> None:
        self._search.forget()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        return self._search.step(frame, tuple(prompts))


def search_with(network: nn.Module, config: Config, runtime: Runtime) -> Search | FrameSearch:
    """Return what follows objects with a network in evaluation mode, which is lent."""
    fast = ready(network, runtime)
    if isinstance(fast, FrameNetwork):
        return FrameSearch(fast, config, runtime)
    assert isinstance(fast, SiamPolarCar)
    return Search(fast, config, runtime)
