"""Following boxes with S2iamMask: all objects of a frame in one pass of the network."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.s2iammask.network import Found, S2iamMask
from vostool_trackers.s2iammask.settings import Config
from vostool_trackers.s2iammask.voting import best_rois, box_of_mask, vote, with_overlap
from vostool_trackers.siamese.inference.boxed import Boxed, BoxFollowing, crop_pixels, search_side
from vostool_trackers.siamese.inference.crops import RESPONSE, SEARCH
from vostool_trackers.siamese.inference.drawing import filled_boxes, label_map, paste
from vostool_trackers.siamese.inference.following import stage
from vostool_trackers.siamese.inference.ranking import choose, cosine_window, rank_boxes

_NOTHING = -1.0  # below any probability


@dataclass
class Objects(Boxed):
    """What is known of N objects.

    Args:
        sure: (N,) bool: the object was seen on the last frame, where its box is.
    """

    sure: Tensor


class Search(BoxFollowing[Objects]):
    """The state of all objects of a sequence, on the device.

    Args:
        network: it is copied.
        config: how boxes are ranked, and masks vote.
        runtime: device and precision.
    """

    def __init__(self, network: S2iamMask, config: Config, runtime: Runtime) -> None:
        super().__init__(network, runtime)
        self._config = config
        self._window = cosine_window(RESPONSE, self.device)

    def begin(self, image: Tensor, prompts: tuple[Prompt, ...]) -> Objects:
        sure = torch.ones(len(prompts), dtype=torch.bool, device=self.device)
        return Objects(**vars(self.begun(image, prompts)), sure=sure)

    def follow(self, image: Tensor, objects: Objects) -> tuple[Objects, Tensor]:
        old, frame, rules = objects, (image.shape[1], image.shape[2]), self._config
        with stage("crops"):
            crops = self.crops(image, old)
        with stage("network"):
            found = self.network.search(old.kernels, crops)
        with stage("choice"):
            scale = search_side(old.sizes) / SEARCH
            sizes = old.sizes / scale[:, None]
            ranked = rank_boxes(found.proposals, sizes, rules, self._window)
            ranked = with_overlap(ranked, sizes, old.sure, rules.overlap)
            choice = choose(ranked, old.centres, old.sizes, scale, frame, rules)
            seen = choice.score >= rules.lost_below
            moved = _moved(old, choice.centres, choice.sizes, seen)
            new = replace(moved, sure=seen)
            rois = best_rois(ranked, rules.candidates, rules.enlarge)
        if rules.stage == "proposals":
            shown = filled_boxes(new.centres, new.sizes, frame)
        else:
            shown, new = self._masked(found, rois, old, new, frame)
        with stage("drawing"):
            shown = torch.where(seen[:, None, None], shown, _NOTHING)
            return new, label_map(shown, old.ids, 0.0)

    def _masked(
        self, found: Found, rois: Tensor, old: Objects, new: Objects, frame: tuple[int, int]
    ) -> tuple[Tensor, Objects]:
        """Let the masks of boxes vote.

        Args:
            found: of the search crops.
            rois: (N, K, 4).
            old: as of the frame before, when the crops were cut.
            new: as the best boxes say.
            frame: (H, W).

        Returns:
            The (N, H, W) mean probability of pixels that have the votes, below 0 elsewhere, and the
            objects where their masks are, if these are large enough.
        """
        rules, (count, boxes) = self._config, rois.shape[:2]
        with stage("network"):
            which = torch.arange(count, device=self.device).repeat_interleave(boxes)
            masks = self.network.masks(found, which, rois.flatten(0, 1)).sigmoid()
        with stage("drawing"):
            verdict = vote(masks.unflatten(0, (count, boxes)), rois, rules.threshold)
            origin, step = crop_pixels(old.centres, old.sizes)
            won = verdict.votes > rules.votes
            centres, sizes, area = box_of_mask(won, origin, step, frame)
            new = _moved(new, centres, sizes, new.sure & (area > rules.area))
            both = torch.cat((verdict.votes, verdict.mean))
            place = origin.repeat(2, 1), step[:, None].expand(-1, 2).repeat(2, 1)
            votes, mean = paste(both, *place, frame, 0.0).chunk(2)
            # Between pixels of the crop there are fractions of votes.
            return torch.where(votes > rules.votes + 0.5, mean, _NOTHING), new


def _moved(objects: Objects, centres: Tensor, sizes: Tensor, which: Tensor) -> Objects:
    """Return objects of which some are at new places."""
    some = which[:, None]
    return replace(
        objects,
        centres=torch.where(some, centres, objects.centres),
        sizes=torch.where(some, sizes, objects.sizes),
    )
