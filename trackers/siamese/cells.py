"""The cells of a response map: where on the search crop they lie."""

import torch
from torch import Tensor

from .backbone import STRIDE

RESPONSE = 25  # cells of a side, of a search crop of 255 pixels
OFFSET = 31  # pixel of the search crop on which the centre of cell 0 lies


def cell_centres(device: torch.device | str = "cpu") -> Tensor:
    """Return the (25, 25, 2) x and y of the cells, pixels of the search crop."""
    line = torch.arange(RESPONSE, device=device, dtype=torch.float32) * STRIDE + OFFSET
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x, y), dim=-1)
