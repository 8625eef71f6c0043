"""Regions to learn masks of: proposals that are on the object, and its own box, jittered."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vostool_trackers.s2iammask.rois import pooled, rois_of
from vostool_trackers.siamese.inference.components import boxes_of
from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.model.rpn import Proposals, box_overlap, decode

TOP = 64  # best proposals of a pair, of which some are drawn
_ENOUGH = 0.5  # intersection over union with the object's box
_SHIFT = 0.15  # most shift of the object's box, fraction of its size
_SCALE = 0.25  # most change of the logarithm of its size
_SAMPLES = 4  # of a side of a bin, of the mask
_PIXELS = (1, 0)  # grid of the mask itself
_NUMBERS = 4  # per jittered box


@dataclass
class RoiTargets:
    """Targets of a batch; M = B x regions per pair.

    Args:
        batch: (M,) int64, which pair.
        rois: (M, 4), see `rois`.
        weight: (M,) that of a region in the loss: the regions of a pair sum to 1, or to 0.
        signs: (M, side, side) 1 on the object, -1 beside it.
    """

    batch: Tensor
    rois: Tensor
    weight: Tensor
    signs: Tensor


def noise_of(regions: int) -> int:
    """Return how many random numbers a pair needs."""
    return TOP + _NUMBERS * regions


def roi_targets(
    mask: Tensor, proposals: Proposals, noise: Tensor, regions: int, enlarge: float, side: int
) -> RoiTargets:
    """Choose regions, and cut out what their masks should be.

    The first half of a pair's regions is drawn among the best proposals, the others are its box
    jittered; those that overlap with it by less than a half have no weight. All are enlarged as in
    tracking, and their targets are the pixels of the mask in exactly these regions.

    Args:
        mask: (B, 255, 255) bool.
        proposals: of the network; no gradient passes through them.
        noise: (B, `noise_of(regions)`) uniform in [0, 1).
        regions: of a pair, at least 2.
        enlarge: see `rois.rois_of`.
        side: of the targets.
    """
    centre, size, present = boxes_of(mask)
    drawn = regions // 2
    boxes = [
        _proposed(proposals, centre, size, noise[:, :TOP], drawn),
        _jittered(centre, size, noise[:, TOP:].reshape(len(mask), -1, _NUMBERS)[:, drawn:regions]),
    ]
    centres, sizes = (torch.cat(parts, dim=1) for parts in zip(*boxes, strict=True))
    fit = box_overlap(centres, sizes, centre[:, None], size[:, None])
    used = ((fit >= _ENOUGH) & present[:, None]).float()
    weight = used / used.sum(dim=1, keepdim=True).clamp(min=1)
    rois = rois_of(centres, sizes, enlarge).flatten(0, 1)
    batch = torch.arange(len(mask), device=mask.device).repeat_interleave(regions)
    inside = pooled(mask[:, None].float(), batch, rois, side, _PIXELS, _SAMPLES)[:, 0]
    return RoiTargets(batch, rois, weight.flatten(), (inside > 0.5) * 2.0 - 1)


def _proposed(
    proposals: Proposals, centre: Tensor, size: Tensor, noise: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """Return (B, count, 2) centres and sizes of good proposals, and of others if they are few."""
    found = decode(proposals.deltas.detach(), cell_centres(noise.device))
    top = proposals.score.detach().flatten(1).nan_to_num().topk(TOP, dim=1).indices
    boxes = [_taken(t.flatten(1, 3), top) for t in found]
    fit = box_overlap(boxes[0], boxes[1], centre[:, None], size[:, None])
    rank = torch.where(fit >= _ENOUGH, noise, 2.0)
    drawn = rank.topk(count, dim=1, largest=False).indices
    return _taken(boxes[0], drawn), _taken(boxes[1], drawn)


def _taken(values: Tensor, index: Tensor) -> Tensor:
    return values.gather(1, index[..., None].expand(-1, -1, 2))


def _jittered(centre: Tensor, size: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B, R, 2) centres and sizes beside those given, by (B, R, 4) numbers."""
    signed = 2 * noise - 1
    sizes = size[:, None] * (_SCALE * signed[..., 2:]).exp()
    return centre[:, None] + _SHIFT * signed[..., :2] * size[:, None], sizes
