"""Training: batches that depend on nothing else, a loss that falls, pictures and validation."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vostool.config import build_config, read_toml
from vostool.errors import ConfigError
from vostool.training.optimizer import frozen_at, learning_rate, set_training
from vostool.training.settings import TrainSettings
from vostool_trackers.siamcar import tracker as module
from vostool_trackers.siamcar.network import Shape, SiamCar
from vostool_trackers.siamcar.training import TaskConfig, compared

STEPS = 150
FOLDER = Path(module.__file__).parent


def test_a_sample_is_the_same_whoever_asks(make_task):
    task = make_task()
    whole, part = task.batch(5, range(6)), task.batch(5, range(2, 4))
    for name, values in part.items():
        assert torch.allclose(values.float(), whole[name][2:4].float(), atol=1e-3), name
    assert not torch.equal(whole["search"], task.batch(6, range(6))["search"])


def test_the_loss_on_one_batch_falls(make_task, learns_by_heart):
    """To less than 5 % of its start above the entropy of the centerness."""
    task = make_task(negative=0.0)
    batch = task.batch(0, range(2))
    network = task.network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, betas=(0.9, 0.95))
    floor = task.config.centerness_weight * entropy(compared(network, batch)[1])
    assert floor > 0.3
    learns_by_heart(task, network, batch, optimizer, STEPS, floor)


def entropy(targets) -> float:
    p = targets.centerness.clamp(1e-6, 1 - 1e-6)
    each = -(p * p.log() + (1 - p) * (1 - p).log()) * targets.positive
    count = targets.positive.sum((1, 2)).clamp(min=1)
    return float((each.sum((1, 2)) / count).mean())


def test_the_total_is_the_weighted_sum(make_task):
    task = make_task(score_weight=2.0, box_weight=3.0, centerness_weight=0.5)
    losses = task.losses(task.network(), task.batch(0, range(3)))
    expected = 2 * losses["score"] + 3 * losses["box"] + 0.5 * losses["centerness"]
    assert losses["total"].item() == pytest.approx(expected.item(), rel=1e-6)


def test_pictures_show_samples_targets_and_maps(make_task):
    task = make_task(negative=0.0)
    network, batch = task.network().eval(), task.batch(0, range(3))
    image = task.picture(network, batch)
    assert image.shape == (2 * 255, 2 * (85 + 255), 3)
    assert image.dtype == np.uint8
    assert (image[:255, 85:340] == (0, 255, 0)).all(-1).sum() > 50  # the target's box
    assert not image[255:, 340:].any()  # there is no fourth


def test_validation_tracks_whole_clips(make_task):
    task = make_task()
    scores = task.validate(task.network().eval())
    assert set(scores) == {"J_mean"}
    assert 0 <= scores["J_mean"] <= 1
    tensors = task.export(task.network())
    assert not any(name.endswith("num_batches_tracked") for name in tensors)


def test_the_recipe_is_the_published_one():
    """20 epochs of 7500 steps of 80 pairs: 1e-3 to 5e-3 in five, then to 5e-4; half frozen."""
    table = read_toml(FOLDER / "r50.toml")["train"]
    task = build_config(TaskConfig, table.pop("task"), "r50")
    settings = build_config(TrainSettings, table, "r50")
    assert settings.steps * settings.batch == 20 * 600_000
    rates = [learning_rate(settings, 7500 * epoch) for epoch in (0, 5, 20)]
    assert rates == pytest.approx([1e-3, 5e-3, 5e-4])
    assert (task.score_weight, task.box_weight, task.centerness_weight) == (1, 3, 1)
    assert (task.negative, task.grey, task.flip, task.search_scale) == (0, 0, 0, 0.18)
    with torch.device("meta"):
        network = SiamCar(Shape())
    learns = {}
    for epoch in (9, 10):
        set_training(network, frozen_at(settings, 7500 * epoch))
        learns[epoch] = {
            ".".join(name.split(".")[:2]) if name.startswith("backbone") else name.split(".")[0]
            for name, parameter in network.named_parameters()
            if parameter.requires_grad
        }
    assert learns[9] == {"adjust", "join", "head"}
    assert learns[10] == learns[9] | {f"backbone.layer{n}" for n in (2, 3, 4)}
    assert network.backbone.layer2[0].bn1.training
    assert not network.backbone.layer1[0].bn1.training


@pytest.mark.parametrize("values", [{"every": 0}, {"memory": 3}, {"start": 0.1}])
def test_settings_that_cannot_be_meant(values):
    with pytest.raises(ConfigError):
        build_config(TaskConfig, values, "siamcar")
