"""Correlation against sums written out."""

import torch

from vostool_trackers.siamese.model.correlation import depthwise, full


def written_out(search, template):
    """Return (B, C, H', W') sums over each window, channel by channel."""
    h, w = template.shape[2:]
    rows, columns = search.shape[2] - h + 1, search.shape[3] - w + 1
    result = torch.empty(*search.shape[:2], rows, columns)
    for i in range(rows):
        for j in range(columns):
            result[:, :, i, j] = (search[:, :, i : i + h, j : j + w] * template).sum((2, 3))
    return result


def test_both_against_sums():
    torch.manual_seed(0)
    search, template = torch.randn(3, 4, 9, 8), torch.randn(3, 4, 3, 4)
    expected = written_out(search, template)
    assert torch.allclose(depthwise(search, template), expected, atol=1e-5)
    assert torch.allclose(full(search, template), expected.sum(1, keepdim=True), atol=1e-5)


def test_gradients_of_the_correlation_are_those_of_its_definition():
    torch.manual_seed(0)
    search = torch.rand(2, 3, 9, 8, dtype=torch.double, requires_grad=True)
    template = torch.rand(2, 3, 4, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(depthwise, (search, template))
    fixed = search.detach()
    assert torch.autograd.gradcheck(lambda kernels: depthwise(fixed, kernels), (template,))
