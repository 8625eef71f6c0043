"""What a guided network is told in training: masks as wrong as a tracker's own, and colors."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vostool_trackers.siamese.inference.likelihood import bins_of, colors_of
from vostool_trackers.siamese.polar import cast_rays, fill
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.pairs import Pairs
from vostool_trackers.siamese.training.polar_targets import centre_of_mass
from vostool_trackers.siampolar.planes import guide_of

_WAVES = 5  # around a contour, with which it is wrong
# Logarithm of how much too large a polygon is. Rather too small: a network that trusts its last
# contour loses a little of the object on every frame, until nothing is left.
_ZOOM = (-0.6, 0.3)
_FAR = 0.12  # of pairs whose last mask is far off, as after an occlusion


class Guides(NamedTuple):
    """Guides of a batch of pairs.

    Args:
        template: (B, GUIDES, 127, 127).
        search: (B, GUIDES, 255, 255).
    """

    template: Tensor
    search: Tensor


def guides_of(pairs: Pairs, rays: int, draws: Draws) -> Guides:
    """Derive what a tracker would know of pairs that come with a memory.

    It knows the object as a polygon that is more or less wrong, in the template and in the memory,
    and where it begins as a box. Colors are learnt from both of these.

    Args:
        pairs: with a memory.
        rays: of the polygons.
        draws: random numbers.
    """
    assert pairs.memory is not None
    start = pairs.memory.start[:, None, None]
    first = torch.where(
        start, filled_box(pairs.template_mask), roughened(pairs.template_mask, rays, 0.0, draws)
    )
    last = torch.where(
        start, filled_box(pairs.memory.mask), roughened(pairs.memory.mask, rays, _FAR, draws)
    )
    bins = bins_of(pairs.template)
    colors = colors_of(bins, first)
    recent = colors_of(bins_of(pairs.memory.image), last)
    share = torch.where(pairs.memory.start, 0.5, draws.uniform(0.2, 0.8))
    both = colors.mixed(recent, share)
    return Guides(
        guide_of(first, colors.likelihood(bins)),
        guide_of(last, both.likelihood(bins_of(pairs.search))),
    )


def roughened(mask: Tensor, rays: int, far: float, draws: Draws) -> Tensor:
    """Return masks as polygons of rays that are wrong in place, size and contour.

    Args:
        mask: (B, H, W) bool.
        rays: of the polygons.
        far: probability that a polygon lies quite elsewhere.
        draws: random numbers.
    """
    area, mass = centre_of_mass(mask)
    lengths = cast_rays(mask, mass[:, None], rays)[:, 0].clamp(min=1.0)
    # A network's own contours are smoother than the object's.
    lengths = torch.lerp(lengths, _smoothed(lengths), draws.uniform()[:, None])
    lost = draws.chance(far)
    unit = area.sqrt().clamp(min=4.0)
    aside = torch.stack((draws.signed(1.0), draws.signed(1.0)), dim=-1)
    points = mass + aside * (unit * torch.where(lost, 0.8, 0.2))[:, None]
    zoom = draws.uniform(*_ZOOM)
    strength = draws.uniform(0.0, 0.4)
    lengths = lengths * (zoom[:, None] + strength[:, None] * waves(rays, draws)).exp()
    corner = torch.zeros_like(points)
    polygon = fill(points, lengths, corner, (mask.shape[1], mask.shape[2]))
    return polygon & (area > 0)[:, None, None]


def waves(rays: int, draws: Draws) -> Tensor:
    """Return (B, rays) random smooth numbers around a contour, of about -3 to 3."""
    total: Tensor | float = 0.0
    for number in range(1, _WAVES + 1):
        phase = draws.uniform(0.0, 2 * torch.pi)[:, None]
        height = draws.signed(1.0)[:, None] / number**0.5
        angle = torch.arange(rays, device=phase.device) * (2 * torch.pi / rays)
        total = total + height * torch.cos(number * angle + phase)
    assert isinstance(total, Tensor)
    return total


def _smoothed(lengths: Tensor) -> Tensor:
    """Return (B, R) rays as means over a quarter of a turn."""
    reach = max(1, lengths.shape[1] // 8)
    ring = torch.cat((lengths[:, -reach:], lengths, lengths[:, :reach]), dim=1)
    return F.avg_pool1d(ring[:, None], 2 * reach + 1, stride=1)[:, 0]


def filled_box(mask: Tensor) -> Tensor:
    """Return the boxes around (B, H, W) masks, filled."""
    rows, columns = mask.any(dim=2), mask.any(dim=1)
    return _span(rows)[:, :, None] & _span(columns)[:, None, :]


def _span(line: Tensor) -> Tensor:
    """Return (B, n) bool: from the first to the last element that is set."""
    before = line.int().cummax(1).values
    after = line.int().flip(1).cummax(1).values.flip(1)
    return (before > 0) & (after > 0)
