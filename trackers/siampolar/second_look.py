"""Learning the second look: what makes the first look worse, and what it should become."""

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool.training.task import Batch
from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.model.backbone import normalised
from vostool_trackers.siamese.polar import cast_rays, within_box
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.losses import polar_iou_loss
from vostool_trackers.siamese.training.pairs import Pairs
from vostool_trackers.siamese.training.polar_targets import edges_of
from vostool_trackers.siampolar.guidance import waves
from vostool_trackers.siampolar.network import Maps, SiamPolarCar
from vostool_trackers.siampolar.refinement import Look, lengths_of, reached
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.voting import agreed

_ZOOM = 0.35  # most change of the logarithm of a contour's size
_WAVES = 0.25  # of its shape
_ASIDE = 6.0  # pixels that its point is moved
_BLIND = 0.3  # of pairs whose pixels of the first look are taken away: on objects that the network
# has not learnt from they are not as good as on those it has
_SHORTEST = 0.5  # pixels of a ray


def doubts_of(pairs: Pairs, rays: int, draws: Draws) -> Batch:
    """Draw what makes the first look worse.

    Returns:
        `doubt` (B, R) logarithms of factors of the rays, `aside` (B, 2) pixels, `blind` (B,) bool
        and `start` (B,) bool, of pairs that show the first frame.
    """
    assert pairs.memory is not None
    zoom = draws.signed(_ZOOM)[:, None]
    doubt = zoom + draws.uniform(0.0, _WAVES)[:, None] * waves(rays, draws)
    aside = torch.stack((draws.signed(_ASIDE), draws.signed(_ASIDE)), dim=-1)
    return {
        "doubt": doubt,
        "aside": aside,
        "blind": draws.chance(_BLIND),
        "start": pairs.memory.start,
    }


def second_look_loss(network: SiamPolarCar, maps: Maps, batch: Batch, config: Config) -> Tensor:
    """Compare refined contours with the masks'; the first look learns nothing from it.

    Pairs count whose point is on the object.

    Returns:
        A scalar: cross-entropy of the places along the rays, plus the polar IoU loss.
    """
    assert network.refinement is not None
    look = _first_look(maps, batch, config)
    mask = batch["mask"]
    column, row = look.points.round().long().unbind(1)
    counts = mask[torch.arange(len(mask), device=mask.device), row, column].float()
    logits, reach = network.refinement.look(look)
    target = cast_rays(mask, look.points[:, None], network.refinement.rays)[:, 0]
    target = target.clamp(min=_SHORTEST)
    places = reached(target, reach)
    cross = F.binary_cross_entropy_with_logits(logits, places, reduction="none").mean(dim=(1, 2))
    shape = polar_iou_loss(lengths_of(logits, reach).clamp(min=_SHORTEST), target)
    return ((4 * cross + shape) * counts).sum() / counts.sum().clamp(min=1)


def _first_look(maps: Maps, batch: Batch, config: Config) -> Look:
    assert maps.dense is not None
    guide = batch["search_guide"]
    likely = (maps.score.sigmoid() * maps.centerness.sigmoid()).detach().flatten(1)
    centres = cell_centres(likely.device).reshape(-1, 2)
    column, row = centres.long().unbind(1)
    # The best cell on the object: a network that has just begun would look quite elsewhere.
    cell = (likely * (batch["mask"][:, row, column] + 1e-6)).argmax(dim=1)
    rays = agreed(maps.rays.detach().flatten(2), likely, cell, config.votes)
    rays = rays * batch["doubt"].exp()
    last = maps.rays.new_tensor(guide.shape[-1] - 1)
    points = centres[cell] + batch["aside"]
    points = torch.minimum(points.clamp(min=0), last)
    box = edges_of(guide[:, 0] > 0)
    start = batch["start"]
    inside = torch.minimum(points.maximum(box[:, :2]), box[:, 2:])
    points = torch.where(start[:, None], inside, points)
    points = torch.minimum(points.clamp(min=0), last)
    rays = torch.where(start[:, None], within_box(points, rays, box), rays)
    dense = torch.where(batch["blind"][:, None, None], 0.0, maps.dense.detach())
    return Look(normalised(batch["search"]), guide, dense, points, rays, start)
