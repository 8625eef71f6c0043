"""The correlation of SiamRPN++ and SiamMask: both sides prepared, correlated, then interpreted."""

from torch import Tensor, nn

from .correlation import depthwise


class Correlated(nn.Module):
    """Depth-wise correlation behind a convolution on either side (SiamRPN++, section 4).

    Args:
        channels: of the features.
        hidden: of the correlation.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.conv_kernel = _convolved(channels, hidden, 3)
        self.conv_search = _convolved(channels, hidden, 3)

    def kernel(self, template: Tensor) -> Tensor:
        """Return the (B, hidden, h - 2, w - 2) kernels of (B, C, h, w) features of templates."""
        kernel: Tensor = self.conv_kernel(template)
        return kernel

    def joint(self, kernel: Tensor, search: Tensor, padding: int = 0) -> Tensor:
        """Correlate (B, C, H, W) features of search crops with kernels of (B, hidden, k, k).

        Returns:
            (B, hidden, H - 2 - (k - 1) + 2 padding, ...).
        """
        return depthwise(self.conv_search(search), kernel, padding)


class DepthCorr(Correlated):
    """A correlation and a small head.

    Args:
        channels: of the features.
        hidden: of the correlation.
        out: of the head.
    """

    def __init__(self, channels: int, hidden: int, out: int) -> None:
        super().__init__(channels, hidden)
        self.head = nn.Sequential(*_convolved(hidden, hidden, 1), nn.Conv2d(hidden, out, 1))

    def forward(self, kernel: Tensor, search: Tensor) -> Tensor:
        """Return the (B, out, ...) maps of the head."""
        maps: Tensor = self.head(self.joint(kernel, search))
        return maps


def _convolved(channels: int, hidden: int, side: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hidden, side, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(inplace=True),
    )
