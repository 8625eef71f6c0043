"""How much a pixel's color speaks for the object: histograms of inside and outside, compared.

As in the color trackers (Possegger et al., "In Defense of Color-based Model-free Tracking", CVPR
2015, eq. 2), but over a grid that is blurred, so that few pixels suffice, and with both histograms
normalised, so that a small object is not outvoted by its surroundings.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 16  # per channel
_UNKNOWN = 0.25 / BINS**3  # of each histogram; a color that neither has seen becomes one half


@dataclass
class Colors:
    """Normalised color histograms of some objects.

    Args:
        inside: (N, BINS ** 3), each sums to 1, or to 0 where no pixel was inside.
        outside: likewise.
    """

    inside: Tensor
    outside: Tensor

    def mixed(self, other: "Colors", share: Tensor | float) -> "Colors":
        """Return these histograms with a share in [0, 1] of the other ones.

        Args:
            other: of the same objects.
            share: a number, or (N,).
        """
        if isinstance(share, Tensor):
            share = share[:, None]
        return Colors(
            torch.lerp(self.inside, other.inside, share),
            torch.lerp(self.outside, other.outside, share),
        )

    def likelihood(self, bins: Tensor) -> Tensor:
        """Return (N, H, W) in (0, 1), above one half where a color is rather the object's.

        Args:
            bins: (N, H, W) of `bins_of`.
        """
        inside, outside = self.inside + _UNKNOWN, self.outside + _UNKNOWN
        return (inside / (inside + outside)).gather(1, bins.flatten(1)).reshape(bins.shape)


def bins_of(image: Tensor) -> Tensor:
    """Return the (N, H, W) int64 numbers of the bins of (N, 3, H, W) RGB of 0 to 255."""
    level = (image * (BINS / 256)).clamp(0, BINS - 1).to(torch.int64)
    return (level[:, 0] * BINS + level[:, 1]) * BINS + level[:, 2]


def colors_of(bins: Tensor, mask: Tensor) -> Colors:
    """Count the colors inside and outside of masks.

    Args:
        bins: (N, H, W) of `bins_of`.
        mask: (N, H, W) bool.
    """
    flat, weight = bins.flatten(1), mask.flatten(1).to(torch.float32)
    empty = weight.new_zeros(len(flat), BINS**3)
    every = empty.scatter_add(1, flat, torch.ones_like(weight))
    inside = empty.scatter_add(1, flat, weight)
    return Colors(_smoothed(inside), _smoothed(every - inside))


def _smoothed(counts: Tensor) -> Tensor:
    """Blur along each channel with (1, 2, 1) / 4, the ends kept in, and normalise."""
    grid = counts.reshape(-1, BINS, BINS, BINS)
    for axis in (1, 2, 3):
        first, last = grid.narrow(axis, 0, 1), grid.narrow(axis, BINS - 1, 1)
        before = torch.cat((first, grid.narrow(axis, 0, BINS - 1)), dim=axis)
        after = torch.cat((grid.narrow(axis, 1, BINS - 1), last), dim=axis)
        grid = 0.5 * grid + 0.25 * (before + after)
    flat = grid.flatten(1)
    return flat / flat.sum(dim=1, keepdim=True).clamp(min=1e-6)
