"""The contour on which the likeliest cells around the best one agree."""

import torch
from torch import Tensor

from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.model.backbone import STRIDE
from vostool_trackers.siamese.polar import voted

NEIGHBOURS = 3  # cells to each side of the best one that may vote
MOST_VOTES = (2 * NEIGHBOURS + 1) ** 2


def agreed(rays: Tensor, likely: Tensor, cell: Tensor, votes: int) -> Tensor:
    """Return (N, R) rays from the best cell; its own ones where the others agree on nothing.

    Args:
        rays: (N, R, cells) pixels of the crop.
        likely: (N, cells) how likely each cell is on the object.
        cell: (N,) the best.
        votes: how many cells vote.
    """
    best = rays[torch.arange(len(cell), device=cell.device), :, cell]
    if votes == 1:
        return best
    cells = cell_centres(rays.device).reshape(-1, 2)
    centre = cells[cell]
    near = (cells - centre[:, None]).abs().amax(dim=-1) <= NEIGHBOURS * STRIDE
    weights, voters = (likely * near).topk(votes, dim=1)
    theirs = rays.gather(2, voters[:, None].expand(-1, rays.shape[1], -1)).transpose(1, 2)
    found = voted(cells[voters], theirs, weights, centre)
    return torch.where(found > 0, found, best)
