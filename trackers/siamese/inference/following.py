"""From frame to frame: upload once, follow the objects there are, take in new ones, draw."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, Literal, Self, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.profiler import record_function

from vostool.types import Frame, Labels, Prompt
from vostool_trackers.siamese.inference.drawing import draw_box

Stage = Literal["upload", "crops", "guide", "network", "choice", "drawing", "download"]
PREFIX = "stage: "


def stage(name: Stage) -> record_function:
    """Return a context that torch's profiler shows as a part of a step; without one it is free."""
    return record_function(PREFIX + name)


@dataclass
class Tracked:
    """What is known of N objects; subclasses add fields.

    A field is a tensor whose first dimension is N, a list of such, a dataclass of such, or None.

    Args:
        ids: their labels.
    """

    ids: list[int]

    def without(self, ids: set[int]) -> Self | None:
        """Return those that have other ids, None if none have."""
        kept = [i for i, own in enumerate(self.ids) if own not in ids]
        if not kept:
            return None
        rows = {f.name: _rows(getattr(self, f.name), kept) for f in fields(self) if f.name != "ids"}
        return replace(self, ids=[self.ids[i] for i in kept], **rows)

    def joined(self, other: Self) -> Self:
        """Return these objects, then the other ones."""
        both = {
            f.name: _both(getattr(self, f.name), getattr(other, f.name))
            for f in fields(self)
            if f.name != "ids"
        }
        return replace(self, ids=self.ids + other.ids, **both)


def _rows(value: Any, kept: list[int]) -> Any:
    if isinstance(value, Tensor):
        return value[kept]
    if isinstance(value, list):
        return [tensor[kept] for tensor in value]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: getattr(value, f.name)[kept] for f in fields(value)})
    return None


def _both(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor):
        return torch.cat((a, b))
    if isinstance(a, list):
        return [torch.cat(pair) for pair in zip(a, b, strict=True)]
    if is_dataclass(a) and not isinstance(a, type):
        pairs = {f.name: (getattr(a, f.name), getattr(b, f.name)) for f in fields(a)}
        return replace(a, **{name: torch.cat(pair) for name, pair in pairs.items()})
    return None


State = TypeVar("State", bound=Tracked)


class Following(ABC, Generic[State]):
    """The state of all objects of a sequence, on the device.

    Args:
        device: of the network.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.forget()

    def forget(self) -> None:
        """Forget all objects."""
        self.objects: State | None = None

    @abstractmethod
    def begin(self, image: Tensor, prompts: tuple[Prompt, ...]) -> State:
        """Take in objects by their boxes.

        Args:
            image: (3, H, W) float RGB of 0 to 255.
            prompts: of this frame, at least one.
        """

    @abstractmethod
    def follow(self, image: Tensor, objects: State) -> tuple[State, Tensor]:
        """Find all objects again.

        Args:
            image: (3, H, W) float RGB of 0 to 255.
            objects: as of the frame before.

        Returns:
            The objects as of this frame, and its (H, W) uint8 label map.
        """

    @torch.inference_mode()
    def step(self, frame: Frame, prompts: tuple[Prompt, ...]) -> Labels:
        """Follow the objects there are, then take in new ones; returns the label map."""
        size = frame.shape[:2]
        labels = torch.zeros(size, dtype=torch.uint8, device=self.device)
        if self.objects is None and not prompts:
            return labels.cpu().numpy()
        with stage("upload"):
            image = torch.from_numpy(np.array(frame)).to(self.device).permute(2, 0, 1).float()
        if self.objects is not None and prompts:
            self.objects = self.objects.without({prompt.object_id for prompt in prompts})
        if self.objects is not None:
            self.objects, labels = self.follow(image, self.objects)
        if prompts:
            new = self.begin(image, prompts)
            self.objects = self.objects.joined(new) if self.objects is not None else new
            for prompt in prompts:
                draw_box(labels, prompt)
        with stage("download"):
            return labels.cpu().numpy()
