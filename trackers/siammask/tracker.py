"""SiamMask as a tracker: all objects of a frame in one pass, from boxes alone."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from vostool.export import Exported, Scene
from vostool.sequence import Frame, Labels, Prompt
from vostool.tracker import Runtime, Tracker

from ..siamese.checkpoints import Format, load_checkpoint
from .export import exportable
from .network import SiamMask
from .releases import RELEASES
from .search import Search
from .settings import Config

FORMATS = (
    Format(
        "SiamMask",
        {
            "features.features.": "trunk.backbone.",
            "features.downsample.downsample.": "trunk.adjust.",
            "rpn_model.": "rpn.",
            "mask_model.mask.": "mask.",
            "refine_model.": "refine.",
        },
    ),
    Format(
        "pysot",
        {
            "backbone.": "trunk.backbone.",
            "neck.downsample.downsample.": "trunk.adjust.",
            "rpn_head.": "rpn.",
            "mask_head.": "mask.",
            "refine_head.": "refine.",
        },
    ),
)
HEADS = ("mask.", "refine.")  # that a smaller form has no use for


class SiamMaskTracker(Tracker):
    """Track boxes with a Siamese network and draw its mask of the best cell."""

    init = "box"
    summary = "SiamMask: a Siamese network that boxes its object and masks it (base, sharp, box)"
    Config = Config
    devices = ("cuda", "cpu")
    precisions = ("fp32", "bf16", "fp16")
    weights = "required"
    task = ".training:MaskTask"
    releases = RELEASES

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        torch.manual_seed(self.runtime.seed)
        network = SiamMask(self.config.shape)
        load_checkpoint(network, self.runtime.weights, FORMATS, HEADS)
        network.eval()
        self._search = Search(network, self.config, self.runtime)

    def exportable(self, scene: Scene) -> Mapping[str, Exported]:
        return exportable(self._search.network, self.config, scene)

    def reset(self) -> None:
        self._search.forget()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        return self._search.step(frame, tuple(prompts))
