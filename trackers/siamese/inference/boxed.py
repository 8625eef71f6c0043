"""Following boxes in crops of whole pixels: what SiamMask and S2iamMask do alike."""

from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.siamese.inference.crops import (
    SEARCH,
    TEMPLATE,
    context_side,
    cut_windows,
    window_corners,
)
from vostool_trackers.siamese.inference.folding import number_type, ready
from vostool_trackers.siamese.inference.following import Following, Tracked


@dataclass
class Boxed(Tracked):
    """What is known of N objects.

    Args:
        centres: (N, 2) x and y; the first pixel of a frame reaches from 0 to 1.
        sizes: (N, 2) width and height, pixels of the frame.
        kernels: of the network's correlations, (N, C, k, k) each.
        fill: (N, 3) mean color of the frame on which they began.
    """

    centres: Tensor
    sizes: Tensor
    kernels: list[Tensor]
    fill: Tensor


State = TypeVar("State", bound=Boxed)


class BoxFollowing(Following[State]):
    """The state of all objects of a sequence, and the crops around them.

    Args:
        network: with `trunk` and `kernels`; it is copied.
        runtime: device and precision.
    """

    def __init__(self, network: nn.Module, runtime: Runtime) -> None:
        super().__init__(runtime.device)
        self._type = number_type(runtime)
        self.network: Any = ready(network, runtime)

    def begun(self, image: Tensor, prompts: tuple[Prompt, ...]) -> Boxed:
        """Take in objects by their boxes, see `Following.begin`."""
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self.device)
        sizes = boxes[:, 2:].clamp(min=1.0)
        centres = boxes[:, :2] + sizes / 2
        fill = image.mean(dim=(1, 2)).floor().expand(len(boxes), -1)
        crops = cut_windows(image, centres, context_side(sizes), TEMPLATE, fill)
        kernels = self.network.kernels(self.prepared(crops))
        return Boxed([p.object_id for p in prompts], centres, sizes, kernels, fill)

    def crops(self, image: Tensor, objects: State) -> Tensor:
        """Return the (N, 3, 255, 255) search crops of objects, as the network wants them."""
        sides = search_side(objects.sizes)
        return self.prepared(cut_windows(image, objects.centres, sides, SEARCH, objects.fill))

    def prepared(self, crops: Tensor) -> Tensor:
        """Return crops of 0 to 255 as the network wants them."""
        images: Tensor = self.network.trunk.prepared(crops).to(self._type)
        return images.contiguous(memory_format=torch.channels_last)


def search_side(sizes: Tensor) -> Tensor:
    """Return the (N,) sides of search crops around (N, 2) sizes, before they are rounded."""
    return context_side(sizes) * (SEARCH / TEMPLATE)


def crop_pixels(centres: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the pixels of search crops lie on the frame.

    Args:
        centres: (N, 2) of the objects when the crops were cut.
        sizes: (N, 2).

    Returns:
        Origins (N, 2): x and y of the first pixel's centre, in pixels of the frame of which the
        first one's centre is 0; and steps (N,), pixels of the frame from one to the next.
    """
    corners, pixels = window_corners(centres, search_side(sizes))
    step = (pixels / SEARCH).float()
    return corners.float() + 0.5 * step[:, None] - 0.5, step
