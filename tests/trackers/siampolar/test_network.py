"""The network: geometry of its maps, and that the template matters."""

from dataclasses import replace

import pytest
import torch

from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siampolar.losses import dense_loss
from vostool_trackers.siampolar.network import PolarHead, Shape, SiamPolarCar
from vostool_trackers.siampolar.planes import DENSE


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "resnet101", "lite0"])
def test_maps_of_every_backbone(backbone):
    stages = ("layer2", "layer3") if backbone == "lite0" else ("layer2", "layer3", "layer4")
    shape = Shape(backbone, stages, channels=16, depth=1, rays=18, guided=False)
    network = SiamPolarCar(shape).eval()
    with torch.no_grad():
        maps = network(torch.rand(1, 3, 127, 127) * 255, torch.rand(1, 3, 255, 255) * 255)
    assert maps.score.shape == maps.centerness.shape == (1, 25, 25)
    assert maps.rays.shape == (1, 18, 25, 25)
    assert (maps.rays > 0).all()


@pytest.mark.parametrize("guided", [False, True])
def test_the_template_matters(small, guided):
    torch.manual_seed(0)
    network = SiamPolarCar(replace(small.shape, guided=guided)).eval()
    search = torch.rand(1, 3, 255, 255) * 255
    guides = (torch.rand(1, 2, 127, 127), torch.rand(1, 2, 255, 255)) if guided else ()
    with torch.no_grad():
        one, other = (network(torch.rand(1, 3, 127, 127) * 255, search, *guides) for _ in range(2))
    for a, b in zip(one[:3], other[:3], strict=True):
        assert (a - b).abs().max() > 1e-4 * a.abs().max()


def test_gradients_reach_the_backbone_through_both_crops(small):
    network = SiamPolarCar(replace(small.shape, guided=False))
    template = (torch.rand(2, 3, 127, 127) * 255).requires_grad_()
    search = (torch.rand(2, 3, 255, 255) * 255).requires_grad_()
    maps = network(template, search)
    (maps.score.sum() + maps.rays.sum()).backward()
    assert template.grad.abs().sum() > 0
    assert search.grad.abs().sum() > 0


@pytest.mark.parametrize(("bias", "length"), [(-9.0, 32 * 2.718282**-5), (9.0, 32 * 2.718282**3)])
def test_rays_are_bounded_but_can_come_back(bias, length):
    head = PolarHead(8, 1, 4)
    torch.nn.init.constant_(head.rays.bias, bias)
    torch.nn.init.zeros_(head.rays.weight)
    rays = head(torch.rand(1, 8, 5, 5)).rays
    assert rays.flatten().tolist() == pytest.approx([length] * 100, rel=1e-4)
    rays.log().sum().backward()
    assert head.rays.bias.grad.tolist() == pytest.approx([25.0] * 4, rel=1e-4)


def test_the_middle_cell_is_the_middle_of_the_crop():
    assert cell_centres()[12, 12].tolist() == [127, 127]
    assert cell_centres()[0, 24].tolist() == [31 + 24 * 8, 31]


def test_a_shift_of_the_search_crop_shifts_the_response(small):
    """Eight pixels are one cell: the maps of a periodic pattern move with it."""
    torch.manual_seed(1)
    network = SiamPolarCar(replace(small.shape, guided=False)).eval()
    scene = torch.rand(1, 3, 255, 263) * 255
    with torch.no_grad():
        kernels = network.kernels(torch.rand(1, 3, 127, 127))
        left = network.search(kernels, scene[..., :255]).score[0, 8:17, 9:17]
        right = network.search(kernels, scene[..., 8:]).score[0, 8:17, 8:16]
    assert torch.allclose(left, right, atol=1e-4)


def test_dense_pixels_of_a_cell_lie_around_it():
    """Those of cell (r, c) are the 8 x 8 pixels nearest to its centre in the search crop."""
    head = PolarHead(8, 1, 4).train()
    torch.nn.init.zeros_(head.dense.weight)
    x = torch.zeros(1, 8, 25, 25)
    assert head(x).dense.shape == (1, 200, 200)
    line = torch.arange(255)[DENSE]
    assert len(line) == 200
    for cell in (0, 12, 24):
        centre = cell_centres()[cell, cell, 0]
        own = line[8 * cell : 8 * cell + 8].float()
        assert (own - centre).abs().max() <= 4
    assert head.eval()(x).dense is None


def test_dense_loss_by_hand():
    mask = torch.zeros(1, 2, 2, dtype=torch.bool)
    mask[0, 0, 0] = True
    sure = torch.where(mask, 50.0, -50.0)
    assert dense_loss(sure, mask).item() == pytest.approx(0, abs=1e-6)
    unsure = dense_loss(torch.zeros(1, 2, 2), mask).item()  # half of each pixel: dice (1+1)/(2+1+1)
    assert unsure == pytest.approx(0.693147 + 1 - 2 / 4, rel=1e-4)
    assert dense_loss(torch.zeros(1, 2, 2), mask & False).item() == pytest.approx(
        0.693147, rel=1e-4
    )
