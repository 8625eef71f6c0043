"""SiamPolarMask as a tracker: all objects of a frame in one pass, from boxes alone."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vostool.sequence import Frame, Labels, Prompt
from vostool.tracker import Runtime, Tracker

from ..siamese.backbone import normalised
from ..siamese.crops import SEARCH, TEMPLATE, context_side, cut
from ..siamese.ranking import change_penalty, cosine_window
from .network import RESPONSE, Maps, Shape, SiamPolarCar, cell_centres
from .polar import extent, fill
from .weights import load_weights

_MIDDLE = (SEARCH - 1) / 2
_SMALLEST = 8.0  # pixels of a side
BUNDLED = Path(__file__).with_name("car_r18.safetensors")  # of the default configuration


@dataclass(frozen=True)
class Config(Shape):
    """Settings of SiamPolarMask, beside those of its network's shape.

    Args:
        pretrained: training starts from torchvision's ImageNet weights.
        penalty: how strongly changes of size and shape are held against a cell.
        window: share of the cosine window in the ranking, in [0, 1].
        smoothing: how fast size follows what is seen, in [0, 1].
        centerness: cells are also ranked by how central they are.
        lost_below: an object whose score (0 to 1) is lower is not drawn, and waits where it is.
    """

    pretrained: bool = False
    penalty: float = 0.1
    window: float = 0.3
    smoothing: float = 0.4
    centerness: bool = True
    lost_below: float = 0.05

    @property
    def shape(self) -> Shape:
        """What decides the tensors."""
        return Shape(*(getattr(self, field.name) for field in fields(Shape)))


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


class Search:
    """The state of all objects of a sequence, on the device.

    Args:
        network: in evaluation mode and on the device; it is lent, nothing of it is changed.
        config: how its maps are ranked.
        runtime: device and precision.
    """

    def __init__(self, network: SiamPolarCar, config: Config, runtime: Runtime) -> None:
        self._config = config
        self._device = torch.device(runtime.device)
        self._type = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(runtime.precision)
        self.network = network
        self._window = cosine_window(RESPONSE, self._device)
        self._cells = cell_centres(self._device)
        self.forget()

    def forget(self) -> None:
        self._ids: list[int] = []
        self._centres = torch.zeros(0, 2, device=self._device)
        self._sizes = torch.zeros(0, 2, device=self._device)
        self._kernels: list[Tensor] = []

    @torch.inference_mode()
    def step(self, frame: Frame, prompts: tuple[Prompt, ...]) -> Labels:
        """Follow the objects there are, then take in new ones; returns the label map."""
        if not self._ids and not prompts:
            return np.zeros(frame.shape[:2], np.uint8)
        image = torch.from_numpy(frame.copy()).to(self._device).permute(2, 0, 1).float()
        height, width = frame.shape[:2]
        if self._ids:
            points, rays, scores = self._follow(image)
            labels = self._drawn(points, rays, scores, (height, width))
        else:
            labels = torch.zeros(height, width, dtype=torch.uint8, device=self._device)
        if prompts:
            self._take_in(image, prompts)
            for prompt in prompts:
                _draw_box(labels, prompt)
        return labels.cpu().numpy()

    def _take_in(self, image: Tensor, prompts: tuple[Prompt, ...]) -> None:
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self._device)
        sizes = boxes[:, 2:].clamp(min=1.0)
        centres = boxes[:, :2] + (sizes - 1) / 2
        new = self._template(image, centres, sizes)
        kept = [
            i for i, known in enumerate(self._ids) if known not in {p.object_id for p in prompts}
        ]
        self._ids = [self._ids[i] for i in kept] + [p.object_id for p in prompts]
        self._centres = torch.cat((self._centres[kept], centres))
        self._sizes = torch.cat((self._sizes[kept], sizes))
        old = [kernel[kept] for kernel in self._kernels] or [kernel[:0] for kernel in new]
        self._kernels = [torch.cat(pair) for pair in zip(old, new, strict=True)]

    def _template(self, image: Tensor, centres: Tensor, sizes: Tensor) -> list[Tensor]:
        crops = cut(image, centres, context_side(sizes), TEMPLATE)
        with self._precision():
            kernels: list[Tensor] = self.network.kernels(_laid_out(crops))
        return kernels

    def _follow(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find every object; returns its point (N, 2), rays (N, R) and score (N,)."""
        config = self._config
        scale = context_side(self._sizes) / TEMPLATE  # pixels of the frame per pixel of the crop
        crops = cut(image, self._centres, scale * SEARCH, SEARCH)
        with self._precision():
            maps = self.network.search(self._kernels, _laid_out(crops))
        cell, score = self._best(maps, scale)
        chosen = torch.arange(len(cell), device=cell.device)
        rays = maps.rays.flatten(2)[chosen, :, cell] * scale[:, None]
        points = self._centres + (self._cells.reshape(-1, 2)[cell] - _MIDDLE) * scale[:, None]
        box = extent(rays)
        size = (box[:, 2:] - box[:, :2]).clamp(min=_SMALLEST)
        change = change_penalty(size, self._sizes, config.penalty)
        found = score >= config.lost_below
        rate = torch.where(found, config.smoothing * score * change, 0.0)[:, None]
        middle = points + (box[:, 2:] + box[:, :2]) / 2
        limit = torch.tensor(image.shape[:0:-1], device=self._device, dtype=torch.float32)
        moved = torch.minimum(middle.clamp(min=0), limit - 1)
        self._centres = torch.where(found[:, None], moved, self._centres)
        self._sizes = torch.minimum(self._sizes + rate * (size - self._sizes), limit)
        return points, rays, torch.where(found, score, 0.0)

    def _best(self, maps: Maps, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Return each object's best cell, as a number in the flattened map, and its score."""
        config = self._config
        score = maps.score.sigmoid()
        if config.centerness:
            score = (score * maps.centerness.sigmoid()).sqrt()
        box = extent(maps.rays.permute(0, 2, 3, 1))
        size = (box[..., 2:] - box[..., :2]).clamp(min=1.0)
        previous = (self._sizes / scale[:, None])[:, None, None]
        penalty = change_penalty(size, previous, config.penalty)
        ranked = (1 - config.window) * penalty * score + config.window * self._window
        cell = ranked.flatten(1).argmax(dim=1)
        return cell, score.flatten(1).gather(1, cell[:, None])[:, 0]

    def _drawn(self, points: Tensor, rays: Tensor, scores: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the label map: each pixel is that of the object with the best score over it."""
        labels = torch.zeros(size, dtype=torch.uint8, device=self._device)
        found = (scores > 0).nonzero()[:, 0]
        if not len(found):
            return labels
        order = found[scores[found].argsort(stable=True)]  # the best comes last
        corners, window = _windows(points[order], rays[order], size)
        shapes = fill(points[order], rays[order], corners, window)
        # All windows are written at once: a pixel keeps the largest rank.
        rank = torch.arange(1, len(order) + 1, dtype=torch.int32, device=self._device)
        row = corners[:, 1, None] + torch.arange(window[0], device=self._device)
        column = corners[:, 0, None] + torch.arange(window[1], device=self._device)
        place = row[:, :, None] * size[1] + column[:, None, :]
        best = torch.zeros(size[0] * size[1], dtype=torch.int32, device=self._device)
        best.scatter_reduce_(0, place.flatten(), (shapes * rank[:, None, None]).flatten(), "amax")
        ids = torch.tensor([0, *self._ids], dtype=torch.uint8, device=self._device)
        ids = torch.cat((ids[:1], ids[1 + order]))
        return ids[best.reshape(size).long()]

    def _precision(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, dtype=self._type or torch.bfloat16, enabled=self._type is not None
        )


def _windows(points: Tensor, rays: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Return (N, 2) int64 x, y of windows in a frame that hold its polygons, and their one size."""
    box = extent(rays)
    limit = torch.tensor([size[1], size[0]], device=points.device)
    first = (points + box[:, :2]).floor().clamp(min=0).minimum(limit)
    behind = (points + box[:, 2:]).floor().clamp(min=-1).minimum(limit - 1) + 1
    width, height = (behind - first).clamp(min=0).amax(dim=0).to(torch.int64).tolist()
    window = torch.tensor([width, height], device=points.device)
    return torch.minimum(first, limit - window).to(torch.int64), (height, width)


def _laid_out(crops: Tensor) -> Tensor:
    return normalised(crops).contiguous(memory_format=torch.channels_last)


def _draw_box(labels: Tensor, prompt: Prompt) -> None:
    x, y, w, h = prompt.box
    left, top = max(0, round(x)), max(0, round(y))
    labels[top : max(top, round(y + h)), left : max(left, round(x + w))] = prompt.object_id
