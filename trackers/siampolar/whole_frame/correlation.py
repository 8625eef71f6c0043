"""How a whole frame's features learn of the template: joined by a convolution, or attention."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vostool_trackers.siamese.model.correlation import full


class Fusion(nn.Module):
    """Join the match map to the features by a 1 x 1 convolution, as SiamPolarMask does at C5.

    The convolution is split into what concerns the features and what concerns the map, which is
    the same sum. One frame's features are then convolved once, however many objects there are.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.match = Match()
        self.gen_block5 = nn.Conv2d(channels + 1, channels, 1)
        nn.init.kaiming_normal_(self.gen_block5.weight, mode="fan_out", nonlinearity="relu")
        assert self.gen_block5.bias is not None
        nn.init.zeros_(self.gen_block5.bias)

    def forward(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Return new features (N, C, H, W).

        Args:
            x: (N, C, H, W), or (1, C, H, W) of one frame for all templates.
            kernel: (N, C, h, w) of the templates.
        """
        weight, bias = self.gen_block5.weight, self.gen_block5.bias
        matched = self.match(x, kernel).to(weight.dtype)
        return F.conv2d(x, weight[:, :-1], bias) + F.conv2d(matched, weight[:, -1:])


class Attention(nn.Module):
    """Strengthen the features where the template matches: x + gama A(m) x ("re-cross correlation").

    A is the soft-max of the match map m over its positions, times their number, so its mean is 1.
    The published code takes the soft-max over channels that all hold the same map, which is a
    constant: its output does not depend on the template. Of the two ways to mend that, soft-max
    and sigmoid, soft-max is the published function along another axis, and it compares positions
    with each other. That suits m: features after a ReLU match everywhere to some degree, and only
    the differences tell where. A sigmoid would be saturated wherever their common part is large.

    `gama` begins at 1. The paper begins at 0, but then no gradient reaches the template's backbone
    in the first step, and a network that has not been trained knows nothing of its template.
    """

    def __init__(self) -> None:
        super().__init__()
        self.match = Match()
        self.gama = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Return new features (N, C, H, W); arguments as for `Fusion`."""
        matched: Tensor = self.match(x, kernel)
        share = matched.flatten(1).softmax(dim=1).reshape(matched.shape)
        weight = 1 + self.gama * share * matched[0].numel()
        return x * weight.to(x.dtype)


class Match(nn.Module):
    """Correlate features with templates over all channels, and normalise the map as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Return the match map (N, 1, H, W) in fp32; arguments as for `Fusion`."""
        # Means of products instead of their sums, which the norm would take back: soft-max and
        # fusion then begin with reasonable numbers, and 2048 x 16 products do not overflow fp16.
        factor = kernel[0].numel() ** -0.5
        kernel = kernel * factor
        response = F.conv2d(x, kernel).transpose(0, 1) if len(x) == 1 else full(x, kernel)
        matched: Tensor = self.norm(response.float() * factor)
        return F.interpolate(matched, x.shape[-2:], mode="bilinear", align_corners=False)
