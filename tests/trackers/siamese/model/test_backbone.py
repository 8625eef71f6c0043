"""Backbones: where their features lie, whatever their strides."""

import pytest
import torch

from vostool.errors import WeightsError
from vostool_trackers.siamese.model.backbone import Backbone, _widened, enlarged, imagenet


@pytest.mark.parametrize("depth", ["resnet10", "resnet18"])
@pytest.mark.parametrize("dilated", [True, False])
def test_all_stages_have_stride_eight(depth, dilated):
    network = Backbone(depth, ("layer2", "layer4"), pretrained=False, dilated=dilated).eval()
    with torch.no_grad():
        sizes = [[f.shape[1:] for f in network(torch.rand(1, 3, s, s))] for s in (127, 255)]
    assert sizes == [[(128, 16, 16), (512, 16, 16)], [(128, 32, 32), (512, 32, 32)]]


@pytest.mark.parametrize(("coarse", "fine"), [(16, 32), (16, 31), (8, 32), (8, 31), (8, 29)])
def test_enlarged_features_stay_on_their_pixels(coarse, fine):
    """Coarse feature j says where it lies, in features of the finer grid: so must they all."""
    factor = 2 if coarse == 16 else 4
    line = factor * torch.arange(coarse, dtype=torch.float32)
    x = line.expand(1, 1, coarse, coarse).contiguous()
    found = enlarged(x, (fine, fine))[0, 0, 3]
    last = factor * (coarse - 1)
    expected = torch.arange(fine, dtype=torch.float32).clamp(max=last)
    assert torch.allclose(found, expected, atol=1e-4)


def test_further_channels_leave_the_colours_as_they_were():
    narrow = torch.nn.Conv2d(3, 8, 7, 2, 3, bias=False)
    wide = _widened(narrow, 2)
    image = torch.rand(1, 3, 32, 32)
    padded = torch.cat((image, torch.zeros(1, 2, 32, 32)), dim=1)
    assert torch.allclose(wide(padded), narrow(image), atol=1e-6)


def test_there_are_no_imagenet_weights_of_the_small_one():
    with pytest.raises(WeightsError, match="pretrained=false"):
        imagenet("resnet10")
