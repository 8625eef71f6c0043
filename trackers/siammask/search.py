"""Following boxes with SiamMask: all objects of a frame in one pass of the network."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vostool.sequence import Prompt
from vostool.tracker import Runtime

from ..siamese.backbone import STRIDE
from ..siamese.box_ranking import Choice, choose, rank_boxes
from ..siamese.cells import OFFSET, RESPONSE
from ..siamese.crops import SEARCH, TEMPLATE, context_side, cut_windows, window_corners
from ..siamese.folding import number_type, ready
from ..siamese.following import Following
from ..siamese.pasting import filled_boxes, label_map, paste
from ..siamese.ranking import cosine_window
from ..siamese.stages import stage
from ..siamese.tracked import Tracked
from .network import Found, SiamMask
from .settings import Config

_OUTSIDE = -1.0  # below any threshold


@dataclass
class Objects(Tracked):
    """What is known of N objects.

    Args:
        centres: (N, 2) x and y, pixels of the frame.
        sizes: (N, 2) width and height.
        kernels: of score, box and mask, (N, C, k, k) each.
        fill: (N, 3) mean colour of the frame on which they began.
    """

    centres: Tensor
    sizes: Tensor
    kernels: list[Tensor]
    fill: Tensor


class Search(Following[Objects]):
    """The state of all objects of a sequence, on the device.

    Args:
        network: it is copied.
        config: how boxes are ranked.
        runtime: device and precision.
    """

    def __init__(self, network: SiamMask, config: Config, runtime: Runtime) -> None:
        super().__init__(runtime.device)
        self._config, self._type = config, number_type(runtime)
        self._network = ready(network, runtime)
        self._window = cosine_window(RESPONSE, self.device)

    def begin(self, image: Tensor, prompts: tuple[Prompt, ...]) -> Objects:
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self.device)
        sizes = boxes[:, 2:].clamp(min=1.0)
        centres = boxes[:, :2] + sizes / 2
        fill = image.mean(dim=(1, 2)).floor().expand(len(boxes), -1)
        crops = cut_windows(image, centres, context_side(sizes), TEMPLATE, fill)
        kernels = self._network.kernels(self._prepared(crops))
        return Objects([p.object_id for p in prompts], centres, sizes, kernels, fill)

    def follow(self, image: Tensor, objects: Objects) -> tuple[Objects, Tensor]:
        old, frame = objects, (image.shape[1], image.shape[2])
        exact = context_side(old.sizes) * (SEARCH / TEMPLATE)
        with stage("crops"):
            crops = cut_windows(image, old.centres, exact, SEARCH, old.fill)
            crops = self._prepared(crops)
        with stage("network"):
            found = self._network.search(old.kernels, crops)
        with stage("choice"):
            scale = exact / SEARCH
            rules = self._config
            ranked = rank_boxes(found.proposals, old.sizes / scale[:, None], rules, self._window)
            choice = choose(ranked, old.centres, old.sizes, scale, frame, rules)
            seen = (choice.score >= rules.lost_below)[:, None]
            new = replace(
                old,
                centres=torch.where(seen, choice.centres, old.centres),
                sizes=torch.where(seen, choice.sizes, old.sizes),
            )
        with stage("drawing"):
            shown = self._probabilities(found, choice, old, new, frame)
            shown = torch.where(seen[:, :, None], shown, _OUTSIDE)
            return new, label_map(shown, old.ids, rules.threshold)

    def _probabilities(
        self, found: Found, choice: Choice, old: Objects, new: Objects, frame: tuple[int, int]
    ) -> Tensor:
        """Return the (N, H, W) probabilities of the pixels, or the boxes filled."""
        if found.joint is None:
            return filled_boxes(new.centres, new.sizes, frame)
        which = torch.arange(len(old.ids), device=self.device)
        masks = self._network.masks(found, which, choice.cell).sigmoid()
        origin, step = mask_place(old.centres, old.sizes, choice.cell, masks.shape[-1])
        return paste(masks, origin, step, frame, _OUTSIDE)

    def _prepared(self, crops: Tensor) -> Tensor:
        images: Tensor = self._network.trunk.prepared(crops).to(self._type)
        return images.contiguous(memory_format=torch.channels_last)


def mask_place(centres: Tensor, sizes: Tensor, cells: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return where the masks of cells lie on the frame.

    Args:
        centres: (N, 2) of the search crops, pixels of the frame.
        sizes: (N, 2) of the objects when the crops were cut.
        cells: (N, 2) row and column.
        side: values of a side of a mask, the first and the last on the border pixels of the
            127 x 127 of the crop that it shows.

    Returns:
        Origins and steps (N, 2), see `siamese.pasting.paste`.
    """
    corners, pixels = window_corners(centres, context_side(sizes) * (SEARCH / TEMPLATE))
    scale = (pixels / SEARCH).float()
    first = cells.flip(1) * STRIDE + (OFFSET - (TEMPLATE - 1) // 2)  # pixel of the crop
    origin = corners.float() + (first + 0.5) * scale[:, None] - 0.5
    step = scale * ((TEMPLATE - 1) / (side - 1))
    return origin, step[:, None].expand(-1, 2)
