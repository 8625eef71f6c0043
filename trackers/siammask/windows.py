"""Windows around cells, cut out of features of search crops."""

import torch
from torch import Tensor


def windows(features: Tensor, batch: Tensor, starts: Tensor, side: int) -> Tensor:
    """Cut (M, C, side, side) windows out of (B, C, H, W) features; zeros lie around these.

    Args:
        features: of B crops.
        batch: (M,) int64, which crop.
        starts: (M, 2) int64 row and column where a window begins, maybe outside.
        side: of the windows.
    """
    line = torch.arange(side, device=features.device)
    places = [starts[:, axis, None] + line for axis in (0, 1)]
    limits = features.shape[2:]
    inside = [(p >= 0) & (p < n) for p, n in zip(places, limits, strict=True)]
    rows, columns = (p.clamp(0, n - 1) for p, n in zip(places, limits, strict=True))
    cut = features.permute(0, 2, 3, 1)[batch[:, None, None], rows[:, :, None], columns[:, None, :]]
    kept = (inside[0][:, :, None] & inside[1][:, None, :])[..., None]
    return (cut * kept).permute(0, 3, 1, 2)
