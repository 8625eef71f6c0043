"""Following boxes with SiamMask: all objects of a frame in one pass of the network."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.siamese.inference.boxed import Boxed, BoxFollowing, crop_pixels, search_side
from vostool_trackers.siamese.inference.crops import OFFSET, RESPONSE, SEARCH, TEMPLATE
from vostool_trackers.siamese.inference.drawing import filled_boxes, label_map, paste
from vostool_trackers.siamese.inference.following import stage
from vostool_trackers.siamese.inference.ranking import Choice, choose, cosine_window, rank_boxes
from vostool_trackers.siamese.model.backbone import STRIDE
from vostool_trackers.siammask.network import Found, SiamMask
from vostool_trackers.siammask.settings import Config

_OUTSIDE = -1.0  # below any threshold


@dataclass
class Objects(Boxed):
    """What is known of N objects.

    Args:
        score: (N,) in [0, 1], 1 on the frame on which they began.
    """

    score: Tensor


class Search(BoxFollowing[Objects]):
    """The state of all objects of a sequence, on the device.

    Args:
        network: it is copied.
        config: how boxes are ranked.
        runtime: device and precision.
    """

    def __init__(self, network: SiamMask, config: Config, runtime: Runtime) -> None:
        super().__init__(network, runtime)
        self._config = config
        self._window = cosine_window(RESPONSE, self.device)

    def begin(self, image: Tensor, prompts: tuple[Prompt, ...]) -> Objects:
        sure = torch.ones(len(prompts), device=self.device)
        return Objects(**vars(self.begun(image, prompts)), score=sure)

    def follow(self, image: Tensor, objects: Objects) -> tuple[Objects, Tensor]:
        old, frame = objects, (image.shape[1], image.shape[2])
        with stage("crops"):
            crops = self.crops(image, old)
        with stage("network"):
            found = self.network.search(old.kernels, crops)
        with stage("choice"):
            scale = search_side(old.sizes) / SEARCH
            rules = self._config
            ranked = rank_boxes(found.proposals, old.sizes / scale[:, None], rules, self._window)
            choice = choose(ranked, old.centres, old.sizes, scale, frame, rules)
            seen = (choice.score >= rules.lost_below)[:, None]
            new = replace(
                old,
                score=choice.score,
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
        masks = self.network.masks(found.joint, found.levels, which, choice.cell).sigmoid()
        origin, step = mask_place(old.centres, old.sizes, choice.cell, masks.shape[-1])
        return paste(masks, origin, step, frame, _OUTSIDE)


def mask_place(centres: Tensor, sizes: Tensor, cells: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return where the masks of cells lie on the frame.

    Args:
        centres: (N, 2) of the search crops, pixels of the frame.
        sizes: (N, 2) of the objects when the crops were cut.
        cells: (N, 2) row and column.
        side: values of a side of a mask, the first and the last on the border pixels of the
            127 x 127 of the crop that it shows.

    Returns:
        Origins and steps (N, 2), see `drawing.paste`.
    """
    origin, scale = crop_pixels(centres, sizes)
    first = cells.flip(1) * STRIDE + (OFFSET - (TEMPLATE - 1) // 2)  # pixel of the crop
    origin = origin + first * scale[:, None]
    step = scale * ((TEMPLATE - 1) / (side - 1))
    return origin, step[:, None].expand(-1, 2)
