import pytest
import torch
import torch.nn.functional as F

from vostool_trackers.siamese.model.depthwise_conv import DepthwiseConv


@pytest.mark.parametrize(
    ("kernel", "stride", "side"), [(5, 1, 16), (5, 1, 9), (3, 2, 16), (3, 2, 15), (5, 2, 16)]
)
def test_gradients_are_those_of_torch(kernel: int, stride: int, side: int) -> None:
    torch.manual_seed(0)
    layer = DepthwiseConv(8, kernel, stride)
    image = torch.randn(2, 8, side, side).bfloat16()
    ours, theirs = image.clone().requires_grad_(), image.float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(ours)
    kernels = layer.weight.detach().bfloat16().float().requires_grad_()
    expected = F.conv2d(theirs, kernels, None, stride, kernel // 2, groups=8)
    torch.testing.assert_close(found.float(), expected, rtol=0.01, atol=0.01)
    gradient = torch.randn_like(found)
    (found * gradient).sum().backward()
    (expected * gradient.float()).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad.float(), theirs.grad, rtol=0.02, atol=0.05)
    error = (layer.weight.grad - kernels.grad).abs().max() / kernels.grad.abs().max()
    assert error < 0.02


def test_in_fp32_it_is_the_layer_of_torch() -> None:
    layer = DepthwiseConv(4, 5)
    assert layer(torch.rand(1, 4, 9, 9)).grad_fn.name() == "ConvolutionBackward0"
