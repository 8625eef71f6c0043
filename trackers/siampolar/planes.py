"""Planes of pixels that go into the guided network beside colors, and those that come out."""

import torch
from torch import Tensor

from vostool_trackers.siamese.inference.crops import OFFSET, RESPONSE
from vostool_trackers.siamese.model.backbone import STRIDE

GUIDES = 2  # channels: the last mask, and the likelihood of the colors
DENSE = slice(OFFSET - STRIDE // 2, OFFSET - STRIDE // 2 + STRIDE * RESPONSE)  # of `Maps.dense`


def guide_of(mask: Tensor, likelihood: Tensor) -> Tensor:
    """Return what a guided network is told about a crop.

    Args:
        mask: (B, H, W) bool, where the object was last.
        likelihood: (B, H, W) in [0, 1] of the colors, see `siamese.inference.likelihood`.

    Returns:
        (B, GUIDES, H, W), of about the range of normalised colors.
    """
    return torch.stack((2 * mask.to(likelihood.dtype), 4 * likelihood - 2), dim=1)
