"""Tracking by whole frames: every frame is searched anew, for all objects in one pass."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vostool.sequence import Frame, Labels, Prompt
from vostool.tracker import Runtime

from ...siamese.crops import TEMPLATE
from ...siamese.drawing import draw_box, draw_polygons
from ...siamese.precision import autocast, laid_out
from ...siamese.resizing import resized
from ...siamese.stages import stage
from .crops import cut_boxes
from .head import FrameMaps
from .network import FrameNetwork


class Ranking(Protocol):
    """What of the tracker's configuration decides which cell is the object."""

    @property
    def centerness(self) -> bool:
        """Cells are also ranked by how central they are."""

    @property
    def lost_below(self) -> float:
        """An object whose score (0 to 1) is lower is not drawn on that frame."""


class FrameSearch:
    """The state of all objects of a sequence, on the device: their templates, and nothing else.

    There is no motion model and no update, as published. Each object is its best cell, so there is
    nothing for a non-maximum suppression to do.

    Args:
        network: in evaluation mode and on the device; it is lent, nothing of it is changed.
        config: how its maps are ranked.
        runtime: device and precision.
    """

    def __init__(self, network: FrameNetwork, config: Ranking, runtime: Runtime) -> None:
        self._config = config
        self._runtime, self._device = runtime, torch.device(runtime.device)
        self.network = network
        self._points = network.shape.grid(self._device).points
        self.forget()

    def forget(self) -> None:
        self._ids: list[int] = []
        self._kernels: list[Tensor] = []

    @torch.inference_mode()
    def step(self, frame: Frame, prompts: tuple[Prompt, ...]) -> Labels:
        """Find the objects there are, then take in new ones; returns the label map."""
        size = (frame.shape[0], frame.shape[1])
        if not self._ids and not prompts:
            return np.zeros(size, np.uint8)
        with stage("upload"):
            image = torch.from_numpy(frame.copy()).to(self._device).permute(2, 0, 1).float()
        self._leave({prompt.object_id for prompt in prompts})
        if self._ids:
            points, rays, scores = self._find(image)
            height, width = self.network.shape.size
            step = width / size[1], height / size[0]
            with stage("drawing"):
                labels = draw_polygons(points, rays, scores, self._ids, size, step)
        else:
            labels = torch.zeros(size, dtype=torch.uint8, device=self._device)
        if prompts:
            self._take_in(image, prompts)
            for prompt in prompts:
                draw_box(labels, prompt)
        with stage("download"):
            return labels.cpu().numpy()

    def _leave(self, ids: set[int]) -> None:
        """Forget objects: those that are begun anew."""
        if ids.isdisjoint(self._ids):
            return
        kept = [i for i, known in enumerate(self._ids) if known not in ids]
        self._ids = [self._ids[i] for i in kept]
        self._kernels = [kernel[kept] for kernel in self._kernels]

    def _take_in(self, image: Tensor, prompts: tuple[Prompt, ...]) -> None:
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self._device)
        crops = cut_boxes(image, boxes, TEMPLATE)
        with autocast(self._runtime):
            new = self.network.kernels(laid_out(crops))
        self._ids = self._ids + [p.object_id for p in prompts]
        old = self._kernels or [kernel[:0] for kernel in new]
        self._kernels = [torch.cat(pair) for pair in zip(old, new, strict=True)]

    def _find(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return every object's point (N, 2) and rays (N, R), as the network sees, and score."""
        with stage("crops"):
            search = laid_out(resized(image[None], self.network.shape.size))
        with stage("network"), autocast(self._runtime):
            maps = self.network.search(self._kernels, self.network.features(search))
        with stage("choice"):
            cell, score = self._best(maps)
            chosen = torch.arange(len(cell), device=cell.device)
            score = torch.where(score >= self._config.lost_below, score, 0.0)
            return self._points[cell], maps.rays[chosen, cell], score

    def _best(self, maps: FrameMaps) -> tuple[Tensor, Tensor]:
        """Return each object's best cell and its score."""
        score = maps.score.sigmoid()
        if self._config.centerness:
            score = (score * maps.centerness.sigmoid()).sqrt()
        best = score.max(dim=1)
        return best.indices, best.values
