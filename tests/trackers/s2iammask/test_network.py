"""The network: its sizes, where its maps lie, and what the second stage sees."""

import pytest
import torch
from torch import nn

from vostool_trackers.s2iammask.fusion import Fusion
from vostool_trackers.s2iammask.network import JOINT_GRID, S2iamMask, Shape
from vostool_trackers.s2iammask.rois import pooled, rois_of
from vostool_trackers.siamese.model.trunk import Levels


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_sizes_are_the_published_ones():
    """Of the classes `MaskHEADRefine` and, for the first stage, of SiamMask's base."""
    assert parameters(Fusion(256)) == 2_697_505
    first = S2iamMask(Shape(stage="proposals"))
    assert parameters(first) == 18_816_735
    assert parameters(S2iamMask(Shape())) == 18_816_735 - (2_266_753 - 1_180_672) + 2_697_505


@pytest.mark.parametrize("side", [28, 56])
def test_both_stages_say_something(side):
    pair = torch.rand(1, 3, 127, 127) * 255, torch.rand(1, 3, 255, 255) * 255
    rois = torch.tensor([[40.0, 50, 90, 200], [-0.5, -0.5, 254.5, 254.5]])
    network = S2iamMask(Shape(backbone="resnet10", channels=16, side=side)).eval()
    logits, deltas, masks = network(*pair, torch.tensor([0, 0]), rois)
    assert logits.shape == (1, 2, 5, 25, 25)
    assert deltas.shape == (1, 4, 5, 25, 25)
    assert masks.shape == (2, side, side)
    assert (masks[0] - masks[1]).abs().max() > 0


def test_masks_depend_on_features_and_on_the_correlation():
    """The figure adds both; the released code pools the correlation alone."""
    torch.manual_seed(0)
    network = S2iamMask(Shape(backbone="resnet10", channels=16)).eval()
    template, other = torch.rand(2, 1, 3, 127, 127) * 255
    search = (torch.rand(1, 3, 255, 255) * 255).requires_grad_()
    given = torch.tensor([0]), torch.tensor([[40.0, 50, 90, 200]])
    found = network.pairs(template, search)
    masks = network.masks(found, *given)
    for value in (found.deep, found.joint):
        assert torch.autograd.grad(masks.sum(), value, retain_graph=True)[0].abs().sum() > 0
    with torch.no_grad():
        changed = network.masks(network.pairs(other, search), *given)
    assert (changed - masks).abs().max() > 1e-4 * masks.abs().max()


@pytest.mark.parametrize("grid", [(8, 7), (8, 0), (1, 0)])
def test_values_of_a_region_are_those_at_its_bins_middles(grid):
    stride, offset = grid
    count = 255 if stride == 1 else 32
    places = torch.arange(float(count)) * stride + offset
    ramps = torch.stack((places[None].expand(count, -1), places[:, None].expand(-1, count)))
    maps = torch.stack((ramps, 1000 + ramps))
    rois = torch.tensor([[40.0, 60, 130, 116], [20.0, 30, 76, 58]])
    values = pooled(maps, torch.tensor([1, 0]), rois, 28, grid)
    for row, extra in ((0, 1000), (1, 0)):
        for axis in (0, 1):
            low, high = rois[row, axis], rois[row, axis + 2]
            middles = extra + low + (torch.arange(28) + 0.5) * (high - low) / 28
            found = values[row, axis] if axis == 0 else values[row, axis].T
            assert torch.allclose(found, middles.expand(28, -1), atol=1e-3)


@pytest.mark.parametrize("backbone", ["atrous50", "resnet10", "resnet18"])
@pytest.mark.parametrize("place", [(103.0, 150.0), (127.0, 127.0), (84.0, 99.0)])
def test_a_blob_is_at_its_place_in_features_and_in_the_correlation(backbone, place):
    """With kernels that do nothing the response is on the cell with the blob's centre."""
    network = S2iamMask(Shape(backbone=backbone, channels=16)).eval()
    stride, offset = network.grid
    network.trunk.forward = lambda image: Levels((), sampled(image, offset))
    for layer in (network.mask.conv_kernel[0], network.mask.conv_search[0]):
        nn.init.dirac_(layer.weight)
    with torch.no_grad():
        kernel = network.mask.kernel(network.trunk.template(blob(127, (63.0, 63.0))))
        deep = network.trunk(blob(255, place)).deep
        joint = network.mask.joint(kernel, deep, 3)
    assert joint.shape[-1] == 31
    for maps, grid in ((deep, (stride, offset)), (joint, JOINT_GRID)):
        x, y = (grid[0] * p + grid[1] for p in peak(maps[0, 0]))
        assert (x, y) == pytest.approx(place, abs=1.0)


def blob(side: int, centre: tuple[float, float]) -> torch.Tensor:
    line = torch.arange(float(side))
    x, y = (torch.exp(-((line - c) ** 2) / (2 * 9.0**2)) for c in centre)
    return (y[:, None] * x)[None, None]


def sampled(image: torch.Tensor, offset: int) -> torch.Tensor:
    count = {(127, 7): 15, (255, 7): 31, (127, 0): 16, (255, 0): 32}[image.shape[-1], offset]
    rows = offset + 8 * torch.arange(count)
    return image[:, :, rows][..., rows].repeat(1, 16, 1, 1)


def peak(values: torch.Tensor) -> tuple[float, float]:
    """Return column and row of the highest point of a parabola through the logarithms there."""
    row, column = divmod(int(values.argmax()), values.shape[1])
    found = []
    for line, at in ((values[row], column), (values[:, column], row)):
        before, middle, after = line[at - 1 : at + 2].clamp(min=1e-9).log().tolist()
        found.append(at + 0.5 * (before - after) / (before - 2 * middle + after))
    return found[0], found[1]


def test_coarse_masks_are_those_of_the_unpadded_correlation():
    torch.manual_seed(0)
    shape = Shape(stage="proposals", backbone="resnet10", channels=16)
    network = S2iamMask(shape).eval()
    with torch.no_grad():
        found = network.pairs(*(torch.rand(1, 3, n, n) * 255 for n in (127, 255)))
        kernels = network.kernels(network.trunk.prepared(torch.rand(1, 3, 127, 127) * 255))
        found.joint = network.mask.joint(kernels[2], found.deep, 3)
        whole = network.mask(kernels[2], found.deep)
        cells = torch.tensor([[0, 0], [24, 7]])
        masks = network.coarse(found, torch.tensor([0, 0]), cells)
    for mask, (row, column) in zip(masks, cells.tolist(), strict=True):
        assert torch.allclose(mask.flatten(), whole[0, :, row, column], atol=1e-5)


def test_boxes_grow_and_are_cut_off_at_the_crop():
    """The original's boxes are 8-bit numbers, which wrap beyond the crop."""
    centres = torch.tensor([[100.0, 50.0], [10.0, 250.0], [-80.0, 400.0], [120.0, 120.0]])
    sizes = torch.tensor([[20.0, 40.0], [40.0, 30.0], [20.0, 20.0], [1e9, 0.0]])
    rois = rois_of(centres, sizes, 0.4)
    assert rois[0].tolist() == pytest.approx([82, 14, 118, 86])
    assert rois[1].tolist() == pytest.approx([-0.5, 223, 46, 254.5])
    assert rois[2].tolist() == pytest.approx([-0.5, 253.5, 0.5, 254.5])
    assert rois[3].tolist() == pytest.approx([-0.5, 120, 254.5, 121])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_boxes_that_are_no_numbers_do_no_harm(value):
    rois = rois_of(torch.full((1, 2), 100.0), torch.full((1, 2), value), 0.4)
    assert rois.tolist() == [[-0.5, -0.5, 254.5, 254.5]]
    assert pooled(torch.rand(1, 2, 31, 31), torch.tensor([0]), rois, 28, (8, 7)).isfinite().all()


@pytest.mark.parametrize("channels", [8, 100])
def test_channels_are_a_multiple_of_16(channels):
    with pytest.raises(ValueError, match="multiple of 16"):
        Shape(channels=channels)
