"""SiamMask as a tracker: all objects of a frame in one pass, from boxes alone."""

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import torch

from vostool.geometry import largest_contour, rotated_box
from vostool.tracking.base import Runtime, Tracker
from vostool.tracking.export import Exported, Scene
from vostool.tracking.tensor_files import Format
from vostool.types import Box, Frame, Labels, Mask, Prompt, Region
from vostool_trackers.siamese.inference.checkpoints import load_checkpoint
from vostool_trackers.siammask.export import exportable
from vostool_trackers.siammask.network import SiamMask
from vostool_trackers.siammask.releases import RELEASES
from vostool_trackers.siammask.search import Search
from vostool_trackers.siammask.settings import Config

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
_SMALLEST = 100  # pixels of a mask that has a rotated box
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
        load_checkpoint(network, self.runtime.weights, self.formats(self.config), HEADS)
        self._search = Search(network, self.config, self.runtime)

    def exportable(self, scene: Scene) -> Mapping[str, Exported]:
        return exportable(self._search.network, self.config, scene)

    def regions(self) -> Mapping[int, Region]:
        """Return boxes, scores, and the smallest rotated boxes around masks of some size."""
        objects = self._search.objects
        if objects is None:
            return {}
        numbers = torch.cat((objects.centres, objects.sizes, objects.score[:, None]), dim=1)
        return {
            number: self._region(self._labels == number, *row)
            for number, row in zip(objects.ids, numbers.tolist(), strict=True)
        }

    def _region(self, mask: Mask, x: float, y: float, w: float, h: float, score: float) -> Region:
        box = Box(x - w / 2, y - h / 2, w, h)
        contour = largest_contour(mask)
        large = contour is not None and cv2.contourArea(contour) > _SMALLEST
        drawn = self.config.variant != "box" and large
        return Region(box, rotated_box(mask) if drawn else None, confidence=score)

    @classmethod
    def formats(cls, config: Any) -> tuple[Format, ...]:
        return FORMATS

    def reset(self) -> None:
        self._search.forget()

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        self._labels = self._search.step(frame, tuple(prompts))
        return self._labels.copy()
