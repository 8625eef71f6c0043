"""Cross-correlation of search features with template features, a batch of pairs at once."""

import torch.nn.functional as F
from torch import Tensor


def depthwise(search: Tensor, template: Tensor, padding: int = 0) -> Tensor:
    """Correlate channel by channel (Li et al., SiamRPN++, CVPR 2019, section 4).

    Args:
        search: (B, C, H, W).
        template: (B, C, h, w), the kernels.
        padding: zeros on each side of the search features.

    Returns:
        (B, C, H - h + 1 + 2 padding, W - w + 1 + 2 padding).
    """
    batch, channels = search.shape[:2]
    kernels = template.reshape(batch * channels, 1, *template.shape[2:])
    merged = search.reshape(1, batch * channels, *search.shape[2:])
    response = F.conv2d(merged, kernels, padding=padding, groups=batch * channels)
    return response.reshape(batch, channels, *response.shape[2:])


def full(search: Tensor, template: Tensor) -> Tensor:
    """Correlate over all channels at once (Bertinetto et al., SiamFC, ECCVW 2016, eq. 2).

    Args:
        search: (B, C, H, W).
        template: (B, C, h, w), the kernels.

    Returns:
        (B, 1, H - h + 1, W - w + 1).
    """
    batch, channels = search.shape[:2]
    merged = search.reshape(1, batch * channels, *search.shape[2:])
    response = F.conv2d(merged, template, groups=batch)
    return response.reshape(batch, 1, *response.shape[2:])
