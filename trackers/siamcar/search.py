"""Following boxes with crops: all objects of a frame in one pass of the network."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.siamcar.choice import Choice, choose, hann_window
from vostool_trackers.siamcar.network import SiamCar
from vostool_trackers.siamcar.settings import Config
from vostool_trackers.siamese.inference.crops import SEARCH, TEMPLATE, context_side, cut_windows
from vostool_trackers.siamese.inference.drawing import filled_boxes, label_map
from vostool_trackers.siamese.inference.folding import number_type, ready
from vostool_trackers.siamese.inference.following import Following, Tracked, stage
from vostool_trackers.siamese.inference.likelihood import Colors, bins_of, colors_of
from vostool_trackers.siamese.inference.ranking import change_penalty
from vostool_trackers.siamese.model.backbone import constant

_SMALLEST = 10.0  # pixels of a side
_UP = 1e-6  # pixels; a window between two pixels begins at the second, as in the published program
_BLUR = 5  # pixels of a side over which colors are averaged
_FEW = 0.1  # of a box; if fewer pixels speak for the object, the box is drawn


@dataclass
class Objects(Tracked):
    """What is known of N objects.

    Args:
        centres: (N, 2) x and y, pixels of the frame; the centre of the first one is at 0.
        sizes: (N, 2) width and height.
        fill: (N, 3) colors outside of the frame.
        kernels: of the correlation, (N, C, h, w) per stage.
        colors: of the first frame, None if nothing asks for them.
    """

    centres: Tensor
    sizes: Tensor
    fill: Tensor
    kernels: list[Tensor]
    colors: Colors | None

    @property
    def scale(self) -> Tensor:
        """(N,) pixels of the frame per pixel of a crop."""
        return context_side(self.sizes) / TEMPLATE


class Search(Following[Objects]):
    """The state of all objects of a sequence, on the device.

    Args:
        network: it is lent; what tracks is a copy.
        config: how its maps are ranked.
        runtime: device and precision.
    """

    def __init__(self, network: SiamCar, config: Config, runtime: Runtime) -> None:
        super().__init__(runtime.device)
        self._config, self._type = config, number_type(runtime)
        fast = ready(network, runtime)
        assert isinstance(fast, SiamCar)
        self.network = fast
        self._window = hann_window(self.device)

    def begin(self, image: Tensor, prompts: tuple[Prompt, ...]) -> Objects:
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self.device)
        sizes = boxes[:, 2:].clamp(min=1.0)
        centres = boxes[:, :2] + (sizes - 1) / 2
        sides = context_side(sizes)
        fill = image.mean(dim=(1, 2)).floor().expand(len(prompts), -1)
        templates = cut_windows(image, centres.double() + _UP, sides, TEMPLATE, fill)
        kernels = self.network.kernels(self._prepared(templates))
        colors = None
        if self._config.mask == "colour":
            inside = _box(sizes * (TEMPLATE / sides)[:, None], TEMPLATE)
            colors = colors_of(bins_of(templates), inside)
        ids = [prompt.object_id for prompt in prompts]
        return Objects(ids, centres, sizes, fill, kernels, colors)

    def follow(self, image: Tensor, objects: Objects) -> tuple[Objects, Tensor]:
        scale = objects.scale
        with stage("crops"):
            places = objects.centres.double() + _UP
            crops = cut_windows(image, places, scale * SEARCH, SEARCH, objects.fill)
        with stage("network"):
            maps = self.network.search(objects.kernels, self._prepared(crops))
        with stage("choice"):
            sizes = objects.sizes / scale[:, None]
            choice = choose(maps, sizes, self._config, self._window)
            seen = choice.score >= self._config.lost_below
            objects = self._moved(objects, choice, seen, image)
        with stage("drawing"):
            size = image.shape[1], image.shape[2]
            boxes = filled_boxes(objects.centres + 0.5, objects.sizes, size)
            if objects.colors is not None:
                boxes = _colored(boxes, objects.colors, image)
            shown = (choice.score * seen)[:, None, None]
            return objects, label_map(boxes * shown, objects.ids, 0.0)

    def _prepared(self, crops: Tensor) -> Tensor:
        crops = self.network.prepared(crops).to(self._type)
        return crops.contiguous(memory_format=torch.channels_last)

    def _moved(self, old: Objects, choice: Choice, seen: Tensor, image: Tensor) -> Objects:
        """Return the objects at their new places, where they are seen; their sizes follow."""
        scale = old.scale[:, None]
        limit = constant((float(image.shape[2]), float(image.shape[1])), self.device)
        centres = torch.minimum((old.centres + choice.offsets * scale).clamp(min=0), limit - 1)
        sizes = (choice.sizes * scale).clamp(min=1.0)
        change = change_penalty(sizes, old.sizes, self._config.penalty)
        rate = (self._config.rate * choice.score * change)[:, None]
        sizes = torch.minimum(torch.lerp(old.sizes, sizes, rate).clamp(min=_SMALLEST), limit)
        return replace(
            old,
            centres=torch.where(seen[:, None], centres, old.centres),
            sizes=torch.where(seen[:, None], sizes, old.sizes),
        )


def _box(sizes: Tensor, side: int) -> Tensor:
    """Return (N, side, side) bool crops with boxes of (N, 2) sizes in their middle."""
    middle = torch.full_like(sizes, side / 2)
    return filled_boxes(middle, sizes, (side, side)) > 0


def _colored(boxes: Tensor, colors: Colors, image: Tensor) -> Tensor:
    """Return (N, H, W) boxes without the pixels whose color speaks against the object."""
    bins = bins_of(image[None]).expand(len(boxes), -1, -1)
    likely = F.avg_pool2d(colors.likelihood(bins), _BLUR, 1, _BLUR // 2)
    kept = boxes * (likely > 0.5)
    enough = kept.sum(dim=(1, 2)) > _FEW * boxes.sum(dim=(1, 2))
    return torch.where(enough[:, None, None], kept, boxes)
