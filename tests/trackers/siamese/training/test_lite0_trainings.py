"""The trainings on lite0 name layers that there are, and let the others learn."""

import pytest
from torch import nn

from vostool.config import build_config
from vostool.tracking.plugins import load_tracker
from vostool.training.optimizer import make_optimizer, set_training
from vostool.training.settings import TrainSettings
from vostool.workspace import Workspace
from vostool_trackers.siammask.network import SiamMask
from vostool_trackers.siampolar.network import SiamPolarCar

CASES = [("siampolar", "car_lite0", SiamPolarCar), ("siammask", "sharp_lite0", SiamMask)]


@pytest.mark.parametrize(("tracker", "config", "build"), CASES)
def test_what_is_fixed_and_what_learns(tracker, config, build, tmp_path):
    plugin = load_tracker(tracker, Workspace(tmp_path))
    values = plugin.train_table(config, {})
    values.pop("task")
    settings = build_config(TrainSettings, values, config)
    network: nn.Module = build(plugin.config(config).shape)
    make_optimizer(network, settings, next(network.parameters()).device)
    set_training(network, settings.fixed, settings.frozen_norms)
    prefix = next(name for name in settings.slow if "layer3" in name).removesuffix("layer3.")
    learning = {n.removeprefix(prefix) for n, p in network.named_parameters() if p.requires_grad}
    assert not any(name.startswith(("stem.", "layer1.", "layer2.")) for name in learning)
    last = {name for name in learning if name.startswith("layer3.5.")}
    kernels = {"layer3.5.layers.0.weight", "layer3.5.layers.6.weight"}  # 1 x 1
    assert kernels <= last
    assert len(last) == len(kernels) + 2 * 3  # and factors of three norms
    norms = [m for n, m in network.named_modules() if n.startswith(prefix + "layer3.")]
    assert not any(m.training for m in norms if isinstance(m, nn.BatchNorm2d))
    assert sum(p.numel() for p in network.parameters()) * 2 < 6e6  # bytes in fp16
