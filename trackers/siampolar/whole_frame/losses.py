"""The loss of the whole-frame networks: score, centerness and polar IoU."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.training.losses import focal, polar_iou_loss
from vostool_trackers.siamese.training.polar_targets import FrameTargets
from vostool_trackers.siampolar.whole_frame.head import FrameMaps


class FrameLosses(NamedTuple):
    """The three parts, each a scalar.

    Args:
        score: focal loss of the cells.
        centerness: binary cross-entropy at the middle cells; its targets are no zeros and ones, so
            it does not go below their entropy.
        rays: polar IoU loss, weighted by the centerness of the target.
    """

    score: Tensor
    centerness: Tensor
    rays: Tensor


def frame_losses(maps: FrameMaps, targets: FrameTargets) -> FrameLosses:
    """Compare maps with their targets; all are means over samples.

    PolarMask divides sums over the batch by numbers of its cells; a mean over samples instead does
    not depend on how a batch is split.
    """
    used = targets.used.float()
    logits = maps.centerness.gather(1, targets.cells)
    cross = F.binary_cross_entropy_with_logits(logits, targets.centerness, reduction="none")
    at = targets.cells[..., None].expand_as(targets.rays)
    apart = polar_iou_loss(maps.rays.gather(1, at), targets.rays)
    weight = targets.centerness * used
    return FrameLosses(
        score=focal(maps.score, targets.score).mean(),
        centerness=((cross * used).sum(1) / used.sum(1).clamp(min=1)).mean(),
        rays=((apart * weight).sum(1) / weight.sum(1).clamp(min=1e-6)).mean(),
    )
