"""The second look at a contour: the crop unrolled around the object's point, and traced anew.

The head reads rays off features of stride 8, and from one cell. Unrolled into angle by radius, the
crop shows the contour as a line from side to side, so a small network can follow its edge at full
resolution, with all that the first look has said as further channels.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vostool_trackers.siamese.inference.crops import SEARCH
from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.polar import directions
from vostool_trackers.siampolar.planes import DENSE, GUIDES

BINS = 64  # along a ray
_CHANNELS = 3 + GUIDES + 3  # colors, guides, pixels of the first look, its contour, first frame
_WIDTHS = (16, 32, 64, 96)
_BEYOND = 1.5  # how far the unrolled crop reaches, in longest rays of the first look
_LEAST = 12.0  # pixels that it reaches at least
_SURE = 6.0  # logits of pixels beyond which they say no more


@dataclass
class Look:
    """What is known of N search crops at the second look.

    Args:
        search: (N, 3, 255, 255) normalised RGB.
        guide: (N, GUIDES, 255, 255) of `guide_of`.
        dense: (N, 200, 200) logits of the pixels, see `Maps`.
        points: (N, 2) x and y where the rays begin, pixels of the crop.
        rays: (N, R) of the first look.
        start: (N,) bool: the guide's mask is the box of the first frame, not the last contour.
    """

    search: Tensor
    guide: Tensor
    dense: Tensor
    points: Tensor
    rays: Tensor
    start: Tensor


class Refinement(nn.Module):
    """Says for each place of the unrolled crop whether the object reaches that far."""

    def __init__(self, rays: int) -> None:
        super().__init__()
        self.rays = rays
        inputs = (_CHANNELS, *_WIDTHS[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(
                *_convolved(before, width, 1 if level == 0 else 2), *_convolved(width, width)
            )
            for level, (before, width) in enumerate(zip(inputs, _WIDTHS, strict=True))
        )
        self.up = nn.ModuleList(
            nn.Sequential(*_convolved(below + width, width)) for width, below in pairwise(_WIDTHS)
        )
        self.last = nn.Conv2d(_WIDTHS[0], 1, 1)

    def forward(self, unrolled: Tensor) -> Tensor:
        """Return (N, rays, BINS) logits of an (N, _CHANNELS, rays, BINS) unrolled crop."""
        levels = []
        for down in self.down:
            unrolled = down(unrolled)
            levels.append(unrolled)
        x = levels.pop()
        for up in reversed(list(self.up)):
            beside = levels.pop()
            x = F.interpolate(x, beside.shape[2:], mode="nearest")
            x = up(torch.cat((x, beside), dim=1))
        logits: Tensor = self.last(x)[:, 0].float()
        return logits

    def look(self, look: Look) -> tuple[Tensor, Tensor]:
        """Return (N, rays, BINS) logits, and the (N,) pixels to which they reach."""
        reach = (_BEYOND * look.rays.amax(dim=1)).clamp(_LEAST, SEARCH / 2)
        planes = torch.cat((look.search, look.guide), dim=1)
        dense = F.pad(
            look.dense.clamp(-_SURE, _SURE) / _SURE,
            (DENSE.start, SEARCH - DENSE.stop, DENSE.start, SEARCH - DENSE.stop),
            value=-1.0,
        )
        planes = torch.cat((planes, dense[:, None].to(planes.dtype)), dim=1)
        polar = unrolled(planes, look.points, reach, self.rays, BINS)
        radius = _radii(reach, BINS)[:, None]  # (N, 1, K)
        rays = resampled(look.rays, self.rays)[..., None]
        contour = (4 * (rays - radius) / reach[:, None, None]).clamp(-1, 1)
        start = (2.0 * look.start - 1)[:, None, None].expand_as(contour)
        told = torch.stack((contour, start), dim=1).to(polar.dtype)
        return self(torch.cat((polar, told), dim=1)), reach

    def refined(self, look: Look) -> Tensor:
        """Return (N, rays) pixels of the crop."""
        return lengths_of(*self.look(look))


def lengths_of(logits: Tensor, reach: Tensor) -> Tensor:
    """Return (N, R) rays: the sum of how sure it is that the object reaches each place."""
    return logits.sigmoid().mean(dim=-1) * reach[:, None]


def reached(rays: Tensor, reach: Tensor) -> Tensor:
    """Return (N, R, BINS) in [0, 1]: the share of each place that rays reach."""
    place = torch.arange(BINS, device=rays.device)
    return (rays[..., None] * (BINS / reach)[:, None, None] - place).clamp(0, 1)


def resampled(rays: Tensor, count: int) -> Tensor:
    """Interpolate (N, R) rays linearly at other angles; returns (N, count)."""
    number = rays.shape[1]
    place = torch.arange(count, device=rays.device) * (number / count)
    before = place.floor()
    part = place - before
    index = before.long()
    return torch.lerp(rays[:, index % number], rays[:, (index + 1) % number], part)


def unrolled(planes: Tensor, points: Tensor, reach: Tensor, rays: int, bins: int) -> Tensor:
    """Interpolate images along rays, linearly; around an image is nothing.

    Args:
        planes: (N, C, H, W).
        points: (N, 2) x and y where the rays begin.
        reach: (N,) pixels to which they are followed.
        rays: number of rays, at the angles of `polar.directions`.
        bins: number of places along each.

    Returns:
        (N, C, rays, bins).
    """
    height, width = planes.shape[2:]
    ways = directions(rays, planes.device)[:, None]  # (R, 1, 2)
    ends = points[:, None, None] + _radii(reach, bins)[:, None, :, None] * ways
    size = constant((width, height), planes.device)
    grid = (2 * ends + 1) / size - 1
    # In fp32 whatever the precision of the network: bf16 cannot name places to a pixel, and torch
    # 2.14 samples garbage with it on a CPU.
    return F.grid_sample(planes.float(), grid, align_corners=False).to(planes.dtype)


def _radii(reach: Tensor, bins: int) -> Tensor:
    """Return (N, bins): the middles of the places along a ray."""
    return reach[:, None] * ((torch.arange(bins, device=reach.device) + 0.5) / bins)


class _Ring(nn.Module):
    """Pads (N, C, rays, bins): the last ray is next to the first."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x[:, :, -1:], x, x[:, :, :1]), dim=2)


def _convolved(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    return [
        _Ring(),
        nn.Conv2d(before, after, 3, stride, padding=(0, 1), bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    ]
