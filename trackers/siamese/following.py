"""From frame to frame: upload once, follow the objects there are, take in new ones, draw."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from vostool.sequence import Frame, Labels, Prompt

from .drawing import draw_box
from .stages import stage
from .tracked import Tracked

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
