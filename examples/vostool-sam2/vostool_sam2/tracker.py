"""SAM 2 as a tracker: from the masks of the first frames, or from boxes alone."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from vostool.tracking.base import Runtime, Tracker, prompt_probability
from vostool.types import Frame, Labels, Prompt

from .network import box_points, build, image_tensor, mask_tensor
from .releases import RELEASES
from .settings import Config
from .streaming import Features, Stream

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Sam2(Tracker):
    """Segment anything in a video, from the mask that each object starts with."""

    init: ClassVar[Literal["mask", "box"]] = "mask"
    summary = "SAM 2 (Ravi et al., 2024) from the package sam2, frame by frame"
    Config = Config
    devices = ("cuda", "cpu")
    precisions = ("fp32", "bf16", "fp16")
    weights = "required"
    releases = RELEASES
    packages = ("sam2",)

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        torch.manual_seed(self.runtime.seed)
        weights: Path | None = self.runtime.weights
        self._stream = Stream(build(self.config, weights, self.runtime.device))

    def reset(self) -> None:
        self._stream.forget()

    @torch.inference_mode()
    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        self._stream.advance()
        started = {prompt.object_id: prompt for prompt in prompts}
        followed = [i for i in self._stream.tracks if i not in started]
        if not started and not followed:
            return np.zeros(frame.shape[:2], np.uint8)
        with self._autocast():
            image = image_tensor(frame, self.config.image_size, self.runtime.device)
            features = Features(self._stream.network, image)
            logits = {i: self._stream.follow(i, features) for i in followed}
            logits |= {i: self._start(p, frame, features) for i, p in started.items()}
        labels = _label_map(logits, (frame.shape[0], frame.shape[1]))
        return _with_prompts(labels, started.values())

    def _start(self, prompt: Prompt, frame: Frame, features: Features) -> Tensor:
        side, device = self.config.image_size, self.runtime.device
        if prompt.mask is not None:
            mask = mask_tensor(prompt.mask, side, device)
            return self._stream.start(prompt.object_id, features, mask=mask)
        points = box_points(prompt.box, (frame.shape[0], frame.shape[1]), side, device)
        return self._stream.start(prompt.object_id, features, points=points)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.runtime.precision == "fp32":
            return nullcontext()
        kind = self.runtime.device.partition(":")[0]
        return torch.autocast(kind, dtype=_AUTOCAST[self.runtime.precision])


class Sam2Box(Sam2):
    """Segment anything in a video, from boxes alone."""

    init = "box"
    summary = "SAM 2 (Ravi et al., 2024) from the package sam2, started from boxes alone"


def _label_map(logits: dict[int, Tensor], size: tuple[int, int]) -> Labels:
    """Give each pixel to the object with the highest logit, to the background if all are negative.

    Args:
        logits: object id -> (1, 1, h, w).
        size: (H, W) of the frame.
    """
    stacked = torch.cat(list(logits.values())).float()
    scaled = torch.nn.functional.interpolate(
        stacked, size=size, mode="bilinear", align_corners=False
    )[:, 0]
    best, winner = scaled.max(dim=0)
    ids = torch.tensor(list(logits), dtype=torch.uint8, device=scaled.device)
    return (ids[winner] * (best > 0)).cpu().numpy()


def _with_prompts(labels: Labels, prompts: Iterable[Prompt]) -> Labels:
    """Draw what is given: masks as they are, and the box of an object that was not found in it."""
    for prompt in prompts:
        given = prompt_probability(prompt, (labels.shape[0], labels.shape[1])) > 0
        if prompt.mask is not None or not (labels == prompt.object_id).any():
            labels[given] = prompt.object_id
    return labels
