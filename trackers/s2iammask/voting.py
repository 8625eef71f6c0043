"""Which boxes are asked for masks, how these vote, and where their verdict moves the object."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vostool_trackers.s2iammask.rois import rois_of
from vostool_trackers.siamese.inference.components import boxes_of, largest_part
from vostool_trackers.siamese.inference.crops import SEARCH
from vostool_trackers.siamese.inference.drawing import paste
from vostool_trackers.siamese.inference.ranking import Ranked
from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.model.rpn import box_overlap

_MIDDLE = (SEARCH - 1) / 2
_BLOCK = 5  # pixels of the crop; parts of an object that are nearer are one
_SMALLEST = 10.0  # pixels of a side


def with_overlap(ranked: Ranked, sizes: Tensor, sure: Tensor, share: float) -> Ranked:
    """Let the overlap with the last output count in the ranking.

    The last output is taken as the upright box around its mask. The original takes the mask's
    rotated box; but all boxes that are ranked are upright, and of these one that is too small
    overlaps best with a slanting box, while the best one with an upright box is that box.

    Args:
        ranked: all boxes of N objects.
        sizes: (N, 2) of the last outputs, pixels of the crop, in whose middle they are.
        sure: (N,) bool: there was a last output; else its overlap is left out.
        share: of the overlap, in [0, 1].
    """
    middle = torch.zeros_like(sizes[:, None])
    overlap = box_overlap(ranked.centres, ranked.sizes, middle, sizes[:, None]).nan_to_num()
    rank = ranked.rank.nan_to_num(nan=-1.0)
    mixed = (1 - share) * rank + share * overlap
    return replace(ranked, rank=torch.where(sure[:, None], mixed, rank))


def best_rois(ranked: Ranked, count: int, enlarge: float) -> Tensor:
    """Return the (N, count, 4) enlarged best boxes of N objects, see `rois.rois_of`."""
    index = ranked.rank.topk(count, dim=1).indices[..., None].expand(-1, -1, 2)
    centres, sizes = (t.gather(1, index) for t in (ranked.centres, ranked.sizes))
    return rois_of(centres + _MIDDLE, sizes, enlarge)


@dataclass
class Verdict:
    """What the masks of N objects say together, over the pixels of the search crop.

    Args:
        votes: (N, 255, 255) how many are above the threshold.
        mean: (N, 255, 255) their mean probability.
    """

    votes: Tensor
    mean: Tensor


def vote(masks: Tensor, rois: Tensor, threshold: float) -> Verdict:
    """Put masks into their regions, and count.

    Args:
        masks: (N, K, s, s) probabilities.
        rois: (N, K, 4).
        threshold: see `Verdict`.
    """
    objects, count, side = masks.shape[:3]
    step = (rois[..., 2:] - rois[..., :2]) / side
    origin = rois[..., :2] + step / 2
    flat = masks.flatten(0, 1), origin.flatten(0, 1), step.flatten(0, 1)
    placed = paste(*flat, (SEARCH, SEARCH), 0.0).reshape(objects, count, SEARCH, SEARCH)
    return Verdict((placed > threshold).sum(dim=1).float(), placed.mean(dim=1))


def box_of_mask(
    mask: Tensor, origin: Tensor, step: Tensor, frame: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the boxes around the largest connected parts of masks.

    Args:
        mask: (N, 255, 255) bool, pixels of the crop.
        origin: (N, 2) where the crop lies, see `boxed.crop_pixels`.
        step: (N,).
        frame: (H, W); what lies outside of it is left out.

    Returns:
        Centres and sizes (N, 2) as of `boxed.Boxed`, and areas (N,), pixels of the frame.
    """
    line = torch.arange(SEARCH, device=mask.device)
    places = origin[:, :, None] + step[:, None, None] * line
    limit = constant((float(frame[1]), float(frame[0])), mask.device)
    inside = (places >= -0.5) & (places <= limit[:, None] - 0.5)
    mask = mask & inside[:, 1, :, None] & inside[:, 0, None, :]
    mask = largest_part(mask, _BLOCK)
    area = mask.flatten(1).sum(dim=1) * step**2
    centres, sizes, _ = boxes_of(mask)
    centres = torch.minimum((origin + centres * step[:, None] + 0.5).clamp(min=0), limit)
    sizes = torch.minimum((sizes * step[:, None]).clamp(min=_SMALLEST), limit)
    return centres, sizes, area
