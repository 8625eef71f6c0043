"""The network: the published tensors, the geometry of its maps, and that the template matters."""

from dataclasses import replace

import pytest
import torch

from vostool.config import build_config
from vostool.errors import ConfigError
from vostool_trackers.siamcar.network import BoxHead, Shape, SiamCar
from vostool_trackers.siamcar.settings import Config


def test_the_published_one_has_as_many_parameters():
    """As counted in the original, whose checkpoints have 320 tensors beside counters."""
    with torch.device("meta"):
        network = SiamCar(Shape())
    counted = {n: sum(p.numel() for p in m.parameters()) for n, m in network.named_children()}
    assert sum(counted.values()) == 51_384_903
    assert counted["backbone"] == 45_528_128
    assert counted["adjust"] == 131_584 + 262_656 + 524_800
    assert counted["join"] == 196_864
    assert sum("num_batches" not in name for name in network.state_dict()) == 320


@pytest.mark.parametrize("backbone", ["atrous50", "resnet10", "resnet18"])
@pytest.mark.parametrize("stages", [("layer3",), ("layer2", "layer4")])
def test_maps_of_every_backbone(backbone, stages):
    network = SiamCar(Shape(backbone, stages, channels=16, depth=1)).eval()
    with torch.no_grad():
        maps = network(torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255)
    assert maps.score.shape == (2, 2, 25, 25)
    assert maps.centerness.shape == (2, 25, 25)
    assert maps.box.shape == (2, 4, 25, 25)
    assert (maps.box > 0).all()


@pytest.mark.parametrize("backbone", ["atrous50", "resnet10"])
def test_a_shift_of_the_search_crop_shifts_the_response(small, backbone):
    """Eight pixels are one cell, in the middle, where no padding is felt; before group norms."""
    torch.manual_seed(1)
    network = SiamCar(replace(small.shape, backbone=backbone)).eval()
    scene = torch.rand(1, 3, 255, 263) * 255
    with torch.no_grad():
        kernels = network.kernels(network.prepared(torch.rand(1, 3, 127, 127) * 255))
        joined = []
        network.join.register_forward_hook(lambda _, __, out: joined.append(out[0]))
        for crop in (scene[..., :255], scene[..., 8:]):
            network.search(kernels, network.prepared(crop))
    left, right = joined
    assert left[:, 8:17, 9:17].std() > 0.01 * left.abs().max()
    near = 1e-4 * left.abs().max()
    assert torch.allclose(left[:, 8:17, 9:17], right[:, 8:17, 8:16], atol=near)


def test_the_template_matters(small):
    torch.manual_seed(0)
    network = SiamCar(small.shape).eval()
    search = torch.rand(1, 3, 255, 255) * 255
    with torch.no_grad():
        one, other = (network(torch.rand(1, 3, 127, 127) * 255, search) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert (a - b).abs().max() > 1e-4 * a.abs().max()


def test_before_training_hardly_a_cell_is_either_class():
    """Both logits begin at -ln 99, so the soft-max says one half; lengths begin at a pixel."""
    head = BoxHead(8, 1)
    maps = head(torch.zeros(1, 8, 25, 25))
    assert maps.score.unique().tolist() == pytest.approx([-4.59512], abs=1e-5)
    assert maps.box.unique().tolist() == pytest.approx([1.0], abs=1e-5)


@pytest.mark.parametrize(("bias", "length"), [(-9.0, 2.718282**-5), (9.0, 2.718282**7)])
def test_lengths_are_bounded_but_can_come_back(bias, length):
    head = BoxHead(8, 1)
    torch.nn.init.constant_(head.box.bias, bias)
    torch.nn.init.zeros_(head.box.weight)
    lengths = head(torch.rand(1, 8, 5, 5)).box
    assert lengths.flatten().tolist() == pytest.approx([length] * 100, rel=1e-4)
    lengths.log().sum().backward()
    assert head.box.bias.grad.tolist() == pytest.approx([25.0] * 4, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stages": ["layer3", "layer2"]}, "must ascend"),
        ({"stages": []}, "must ascend"),
        ({"channels": 12}, "multiple of 8"),
        ({"depth": 0}, "depth at least 1"),
        ({"window": 1.5}, "window is 1.5"),
        ({"penalty": -1}, "penalty is -1"),
        ({"mask": "polygon"}, "'mask' takes"),
    ],
)
def test_settings_that_cannot_be_meant(values, message):
    with pytest.raises(ConfigError, match=message):
        build_config(Config, values, "siamcar")
