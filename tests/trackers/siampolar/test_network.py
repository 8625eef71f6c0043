"""The network: geometry of its maps, and that the template matters."""

from dataclasses import replace

import pytest
import torch

from vostool_trackers.siampolar.network import PolarHead, Shape, SiamPolarCar, cell_centres


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "resnet50", "resnet101"])
def test_maps_of_every_backbone(backbone):
    stages = ("layer2", "layer3", "layer4")
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
