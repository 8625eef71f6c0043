"""SiamCAR as a tracker: all objects of a frame in one pass, from boxes to boxes."""

from collections.abc import Iterable
from typing import Any

import torch

from vostool.tracking.base import Runtime, Tracker
from vostool.tracking.tensor_files import Format
from vostool.types import Frame, Labels, Prompt
from vostool_trackers.siamcar.network import SiamCar
from vostool_trackers.siamcar.releases import RELEASES
from vostool_trackers.siamcar.search import Search
from vostool_trackers.siamcar.settings import Config
from vostool_trackers.siamese.inference.checkpoints import load_checkpoint

PUBLISHED = Format(
    "SiamCAR",
    {
        "backbone.": "backbone.",
        "neck.downsample2.downsample.": "adjust.0.",
        "neck.downsample3.downsample.": "adjust.1.",
        "neck.downsample4.downsample.": "adjust.2.",
        "down.": "join.",
        "car_head.cls_tower.": "head.score_tower.",
        "car_head.bbox_tower.": "head.box_tower.",
        "car_head.cls_logits.": "head.score.",
        "car_head.centerness.": "head.centerness.",
        "car_head.bbox_pred.": "head.box.",
    },
    transposed=("down.",),
)


class SiamCarTracker(Tracker):
    """Track boxes with a Siamese network, and draw them."""

    init = "box"
    summary = "SiamCAR: a Siamese network that finds boxes again without anchors; draws the box"
    Config = Config
    devices = ("cuda", "cpu")
    precisions = ("fp32", "bf16", "fp16")
    weights = "required"
    task = ".training:CarTask"
    releases = RELEASES

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        torch.manual_seed(self.runtime.seed)
        network = SiamCar(self.config.shape)
        load_checkpoint(network, self.runtime.weights, self.formats(self.config))
        self._search = Search(network, self.config, self.runtime)

    @classmethod
    def formats(cls, config: Any) -> tuple[Format, ...]:
        return (PUBLISHED,)

    def reset(self) -> None:
        self._search.forget()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        return self._search.step(frame, tuple(prompts))
