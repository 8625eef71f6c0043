"""Tracking by instances: every frame is segmented anew, and the objects are found among them."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vostool.tracking.base import Runtime
from vostool.types import Frame, Labels, Prompt
from vostool_trackers.polarmask.detection import Instances, detect
from vostool_trackers.polarmask.matching import (
    COARSE,
    assigned,
    box_overlap,
    coarse_shapes,
    shape_overlap,
)
from vostool_trackers.polarmask.network import PolarMask, prepared
from vostool_trackers.polarmask.settings import Config
from vostool_trackers.siamese.inference.crops import resized
from vostool_trackers.siamese.inference.drawing import draw_box, draw_polygons
from vostool_trackers.siamese.inference.folding import number_type, ready
from vostool_trackers.siamese.inference.following import stage
from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.model.pyramid import Grid


@dataclass
class Objects:
    """What is known of N objects since they were last seen.

    Args:
        ids: their labels.
        shapes: (N, h, w) bool, see `matching.coarse_shapes`.
        boxes: (N, 4) left, top, right, bottom, pixels of the frame.
        away: (N,) frames since then.
    """

    ids: list[int]
    shapes: Tensor
    boxes: Tensor
    away: Tensor

    def without(self, ids: set[int]) -> "Objects | None":
        """Return those that have other ids, None if none have."""
        kept = [i for i, own in enumerate(self.ids) if own not in ids]
        if not kept:
            return None
        return Objects(
            [self.ids[i] for i in kept], self.shapes[kept], self.boxes[kept], self.away[kept]
        )

    def joined(self, other: "Objects") -> "Objects":
        """Return these objects, then the other ones."""
        return Objects(
            self.ids + other.ids,
            torch.cat((self.shapes, other.shapes)),
            torch.cat((self.boxes, other.boxes)),
            torch.cat((self.away, other.away)),
        )


class InstanceSearch:
    """The state of all objects of a sequence, on the device.

    An object is the instance that overlaps best with what it was on the frame before; on its first
    frame, the one whose box overlaps best with its own. Each instance is one object at most. An
    object without an instance keeps its shape and waits: every frame the place where its box may be
    found grows.

    Args:
        network: it is lent, nothing of it is changed.
        config: which cells are instances, and which instances objects.
        runtime: device and precision.
    """

    def __init__(self, network: PolarMask, config: Config, runtime: Runtime) -> None:
        self._config, self._runtime = config, runtime
        self._device = torch.device(runtime.device)
        self._network = ready(network, runtime)
        self._grids: dict[torch.Size, Grid] = {}
        self.forget()

    def forget(self) -> None:
        self.objects: Objects | None = None

    @torch.inference_mode()
    def step(self, frame: Frame, prompts: tuple[Prompt, ...]) -> Labels:
        """Find the objects there are and take in new ones, in one pass; returns the label map."""
        size = (frame.shape[0], frame.shape[1])
        if self.objects is not None and prompts:
            self.objects = self.objects.without({prompt.object_id for prompt in prompts})
        if self.objects is None and not prompts:
            return np.zeros(size, np.uint8)
        with stage("upload"):
            image = torch.from_numpy(frame.copy()).to(self._device).permute(2, 0, 1).float()
        seen = self._config.seen_size(size)
        step = seen[1] / size[1], seen[0] / size[0]
        found = self._instances(image, seen, step)
        with stage("choice"):
            shapes = coarse_shapes(found.points, found.rays, seen)
            old = self.objects
            new = self._prompted(prompts, seen, step) if prompts else None
            chosen, has = self._chosen(old, new, found, shapes)
            self.objects = _updated(old, new, found, shapes, chosen, has)
        with stage("drawing"):
            labels = self._drawn(found, chosen, has, old, size, step)
            for prompt in prompts:
                draw_box(labels, prompt)
        with stage("download"):
            return labels.cpu().numpy()

    def _instances(
        self, image: Tensor, seen: tuple[int, int], step: tuple[float, float]
    ) -> Instances:
        with stage("crops"):
            config = self._config
            given = prepared(resized(image[None], seen), config.style, config.divisor)
            given = given.to(number_type(self._runtime), memory_format=torch.channels_last)
        with stage("network"):
            maps = self._network(given)
        if given.shape not in self._grids:
            self._grids[given.shape] = self._network.grid(given)
        with stage("choice"):
            grid = self._grids[given.shape]
            return detect(maps, grid, seen, step, self._config, per_class=False)

    def _prompted(
        self, prompts: tuple[Prompt, ...], seen: tuple[int, int], step: tuple[float, float]
    ) -> Objects:
        """Return objects that are no more than their boxes."""
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self._device)
        low, size = boxes[:, :2], boxes[:, 2:]
        edges = torch.cat((low, low + size), dim=1) * constant((*step, *step), self._device)
        lines = (torch.arange(0, side, COARSE, device=self._device) for side in seen)
        y, x = (line + COARSE / 2 for line in lines)
        across = (x >= edges[:, :1]) & (x < edges[:, 2:3])
        down = (y >= edges[:, 1:2]) & (y < edges[:, 3:])
        shapes = down[:, :, None] & across[:, None]
        away = torch.zeros(len(prompts), device=self._device)
        between = torch.cat((low, low + size - 1), dim=1)  # the centres of pixels, as instances
        return Objects([p.object_id for p in prompts], shapes, between, away)

    def _chosen(
        self, old: Objects | None, new: Objects | None, found: Instances, shapes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the instance of each object, old ones first, and whether it has one."""
        rows = []
        if old is not None:
            moved = self._config.drift * old.away
            again = box_overlap(old.boxes, found.boxes, moved)
            still = shape_overlap(old.shapes, shapes)
            rows.append(torch.where(old.away[:, None] > 0, again, still))
        if new is not None:
            rows.append(box_overlap(new.boxes, found.boxes))
        return assigned(torch.cat(rows), self._config.overlap_above)

    def _drawn(
        self,
        found: Instances,
        chosen: Tensor,
        has: Tensor,
        old: Objects | None,
        size: tuple[int, int],
        step: tuple[float, float],
    ) -> Tensor:
        """Return the label map of the objects that there were before this frame."""
        if old is None or not len(found.score):
            return torch.zeros(size, dtype=torch.uint8, device=self._device)
        own, there = chosen[: len(old.ids)], has[: len(old.ids)]
        score = torch.where(there, found.score[own], 0.0)
        return draw_polygons(found.points[own], found.rays[own], score, old.ids, size, step)


def _updated(
    old: Objects | None,
    new: Objects | None,
    found: Instances,
    shapes: Tensor,
    chosen: Tensor,
    has: Tensor,
) -> Objects:
    """Return the objects with what was seen of them on this frame."""
    if old is not None:
        known = old.joined(new) if new is not None else old
    else:
        assert new is not None
        known = new
    if not len(shapes):
        return replace(known, away=known.away + 1)
    return Objects(
        known.ids,
        torch.where(has[:, None, None], shapes[chosen], known.shapes),
        torch.where(has[:, None], found.boxes[chosen], known.boxes),
        torch.where(has, 0.0, known.away + 1),
    )
