"""Whole-frame networks: the template matters, and one frame serves many objects."""

import copy
import dataclasses
import functools

import pytest
import torch
import torch.nn.functional as F
from torchvision import models

from vostool_trackers.siamese.model import pyramid
from vostool_trackers.siamese.model.pyramid import FixedNorm, Neck, Pyramid
from vostool_trackers.siampolar.whole_frame.correlation import Attention, Fusion
from vostool_trackers.siampolar.whole_frame.head import FrameHead
from vostool_trackers.siampolar.whole_frame.network import FrameNetwork
from vostool_trackers.siampolar.whole_frame.shape import FrameShape

SYM = FrameShape(backbone="resnet18", width=192, height=160, channels=16, depth=1, rays=12)
ASYM = dataclasses.replace(
    SYM, variant="asym", template_backbone="resnet18", extra="pool", levels=4
)
SHAPES = {
    "sym": SYM,
    "asym": ASYM,
    "light": dataclasses.replace(ASYM, neck="single", levels=1, template_backbone="resnet34"),
    "all": dataclasses.replace(
        ASYM, correlate=("C2", "C3", "C4", "C5"), finest="C2", neck="semi", extra="conv", levels=5
    ),
}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(params=SHAPES.values(), ids=SHAPES)
def network(request) -> FrameNetwork:
    return built(request.param).eval()


@functools.cache
def built(shape: FrameShape) -> FrameNetwork:
    torch.manual_seed(0)
    return FrameNetwork(shape)


def images(count: int, height: int = 127, width: int = 127) -> torch.Tensor:
    return torch.rand(count, 3, height, width) * 255


def test_maps_have_a_place_for_every_cell(network):
    with torch.no_grad():
        maps = network(images(2), images(2, 160, 192))
    cells = len(network.shape.grid().points)
    assert maps.score.shape == maps.centerness.shape == (2, cells)
    assert maps.rays.shape == (2, cells, 12)
    assert ((maps.rays >= 0.2 - 1e-6) & (maps.rays <= 384 + 1e-3)).all()


def test_the_template_matters(network):
    """To the published code of SiamPolar it does not."""
    search = images(2, 160, 192)
    with torch.no_grad():
        one, other = (network(images(2), search) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert (a - b).abs().max() > 1e-5 * a.abs().max()


def test_gradients_reach_all_that_learns(network):
    network = copy.deepcopy(network)
    template = images(2).requires_grad_()
    maps = network.train()(template, images(2, 160, 192))
    (maps.score.sum() + maps.centerness.sum() + maps.rays.log().sum()).backward()
    assert template.grad.abs().sum() > 0
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
    backbone = getattr(network, "template_backbone", network.backbone)
    assert backbone.stem[0].weight.grad.abs().sum() > 0


def test_one_frame_serves_many_templates(network):
    templates, search = images(2) / 255, images(1, 160, 192) / 255
    with torch.no_grad():
        features = network.features(search)
        together = network.search(network.kernels(templates), features)
        for index in range(2):
            alone = network.search(network.kernels(templates[index : index + 1]), features)
            repeated = {name: f.expand(2, -1, -1, -1) for name, f in features.items()}
            pairs = network.search(network.kernels(templates[[index, index]]), repeated)
            for a, b, c in zip(together, alone, pairs, strict=True):
                assert torch.allclose(a[index], b[0], rtol=1e-3, atol=1e-4)
                assert torch.allclose(a[index], c[1], rtol=1e-3, atol=1e-4)


def test_fusion_is_the_published_convolution_of_both():
    """1 x 1 over the features and the match map laid behind them."""
    torch.manual_seed(0)
    fusion = Fusion(8).eval()
    x, kernel = torch.rand(2, 8, 6, 9), torch.rand(2, 8, 3, 4)
    with torch.no_grad():
        response = torch.cat([F.conv2d(x[i : i + 1], kernel[i : i + 1]) for i in range(2)])
        assert response.shape == (2, 1, 4, 6)
        norm = fusion.match.norm
        normalised = response / (8 * 12) / (norm.running_var + norm.eps).sqrt()
        matched = F.interpolate(normalised, (6, 9), mode="bilinear")
        expected = fusion.gen_block5(torch.cat((x, matched), dim=1))
        assert torch.allclose(fusion(x, kernel), expected, atol=1e-4)


def test_attention_by_hand():
    """Kernels of one pixel: the map is the product, and its soft-max times 4 has the mean 1."""
    attention = Attention().eval()
    x = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    with torch.no_grad():
        found = attention(x, torch.ones(1, 1, 1, 1))
        share = 4 * (x.flatten() / (1 + 1e-5) ** 0.5).softmax(0).reshape(x.shape)
        assert torch.allclose(found, x * (1 + share), atol=1e-5)
        attention.gama.zero_()
        assert torch.equal(attention(x, torch.ones(1, 1, 1, 1)), x)


def test_the_neck_adds_coarser_levels():
    """With weights of one, by hand: 1 of C5 arrives everywhere, and pooling skips cells."""
    neck = Neck([1, 1], 1, 3, smooth=False, learned=False)
    for lateral in neck.laterals:
        torch.nn.init.ones_(lateral.weight)
    coarse = torch.arange(4.0).reshape(1, 1, 2, 2)
    fine, middle, last = neck([torch.zeros(1, 1, 4, 4), coarse])
    assert fine[0, 0, :2].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
    assert torch.equal(middle, coarse)
    assert last.flatten().tolist() == [0]


@pytest.mark.parametrize(("bias", "length"), [(-9.0, 0.2), (9.0, 50.0)])
def test_rays_are_bounded_but_can_come_back(bias, length):
    head = FrameHead(8, 1, 4, 2, 50.0)
    torch.nn.init.constant_(head.rays.bias, bias)
    torch.nn.init.zeros_(head.rays.weight)
    rays = head([torch.rand(1, 8, 4, 4), torch.rand(1, 8, 2, 2)]).rays
    assert rays.flatten().tolist() == pytest.approx([length] * 80, rel=1e-4)
    rays.log().sum().backward()
    assert head.rays.bias.grad.tolist() == pytest.approx([20.0] * 4, rel=1e-4)


def test_every_level_scales_its_rays():
    head = FrameHead(8, 1, 4, 2, 500.0)
    torch.nn.init.zeros_(head.rays.weight)
    torch.nn.init.constant_(head.rays.bias, 2.0)
    with torch.no_grad():
        head.scales[1] = 1.5
    rays = head([torch.rand(1, 8, 2, 2), torch.rand(1, 8, 1, 1)]).rays[0, :, 0]
    assert rays.log().tolist() == pytest.approx([2.0] * 4 + [3.0])


def test_strides_of_the_pyramid():
    features = Pyramid("resnet18", pretrained=False)(torch.rand(1, 3, 127, 127))
    assert {name: f.shape[-1] for name, f in features.items()} == {
        "C2": 32,
        "C3": 16,
        "C4": 8,
        "C5": 4,
    }


def test_norms_of_imagenet_stay_as_they_are(monkeypatch):
    torch.manual_seed(0)
    given = models.resnet18()
    for module in given.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.2, 0.4)
    plain = Pyramid("resnet18", pretrained=False)
    monkeypatch.setattr(pyramid, "imagenet", lambda depth: given)
    fixed = Pyramid("resnet18", pretrained=True).train()
    assert any(isinstance(module, FixedNorm) for module in fixed.modules())
    assert all(parameter.ndim == 4 for parameter in fixed.parameters())
    names = [n for n in plain.state_dict() if not n.endswith("num_batches_tracked")]
    assert list(fixed.state_dict()) == names
    plain.load_state_dict(fixed.state_dict(), strict=False)
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        for a, b in zip(fixed(x).values(), plain.eval()(x).values(), strict=True):
            assert torch.allclose(a, b, rtol=1e-4, atol=1e-4)
