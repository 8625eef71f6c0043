"""Tracking by whole frames: every frame is searched anew, for all objects in one pass."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.siamese.inference.crops import TEMPLATE, resized
from vostool_trackers.siamese.inference.drawing import draw_polygons
from vostool_trackers.siamese.inference.folding import number_type
from vostool_trackers.siamese.inference.following import Following, Tracked, stage
from vostool_trackers.siamese.model.backbone import normalised
from vostool_trackers.siampolar.whole_frame.crops import cut_boxes
from vostool_trackers.siampolar.whole_frame.head import FrameMaps
from vostool_trackers.siampolar.whole_frame.network import FrameNetwork


class Ranking(Protocol):
    """What of the tracker's configuration decides which cell is the object."""

    @property
    def centerness(self) -> bool:
        """Cells are also ranked by how central they are."""

    @property
    def lost_below(self) -> float:
        """An object whose score (0 to 1) is lower is not drawn on that frame."""


@dataclass
class Templates(Tracked):
    """What N objects are known by: their templates, and nothing else.

    Args:
        kernels: features (N, C, h, w) per correlated level.
    """

    kernels: list[Tensor]


class FrameSearch(Following[Templates]):
    """The state of all objects of a sequence, on the device.

    There is no motion model and no update, as published. Each object is its best cell, so there is
    nothing for a non-maximum suppression to do.

    Args:
        network: in evaluation mode, on the device, of the runtime's precision (`folding.ready`).
        config: how its maps are ranked.
        runtime: device and precision.
    """

    def __init__(self, network: FrameNetwork, config: Ranking, runtime: Runtime) -> None:
        super().__init__(runtime.device)
        self._config, self._type = config, number_type(runtime)
        self.network = network
        self._points = network.shape.grid(self.device).points

    def begin(self, image: Tensor, prompts: tuple[Prompt, ...]) -> Templates:
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self.device)
        kernels = self.network.kernels(self._prepared(cut_boxes(image, boxes, TEMPLATE)))
        return Templates([p.object_id for p in prompts], kernels)

    def follow(self, image: Tensor, objects: Templates) -> tuple[Templates, Tensor]:
        points, rays, scores = self.find(image, objects)
        size = image.shape[1], image.shape[2]
        height, width = self.network.shape.size
        with stage("drawing"):
            step = width / size[1], height / size[0]
            return objects, draw_polygons(points, rays, scores, objects.ids, size, step)

    def find(self, image: Tensor, objects: Templates) -> tuple[Tensor, Tensor, Tensor]:
        """Return every object's point (N, 2) and rays (N, R), as the network sees, and score."""
        with stage("crops"):
            search = self._prepared(resized(image[None], self.network.shape.size))
        with stage("network"):
            maps = self.network.search(objects.kernels, self.network.features(search))
        with stage("choice"):
            cell, score = self._best(maps)
            chosen = torch.arange(len(cell), device=cell.device)
            score = torch.where(score >= self._config.lost_below, score, 0.0)
            return self._points[cell], maps.rays[chosen, cell], score

    def _prepared(self, images: Tensor) -> Tensor:
        """Return (N, 3, H, W) RGB of 0 to 255 as the network wants it."""
        return normalised(images).to(self._type, memory_format=torch.channels_last)

    def _best(self, maps: FrameMaps) -> tuple[Tensor, Tensor]:
        """Return each object's best cell and its score."""
        score = maps.score.sigmoid()
        if self._config.centerness:
            score = (score * maps.centerness.sigmoid()).sqrt()
        best = score.max(dim=1)
        return best.indices, best.values
