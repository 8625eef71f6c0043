"""Training: batches that can be split, a loss that falls, what is exported."""

import pytest
import torch

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.training.task import TrainingData
from vostool_trackers.siammask.settings import Config
from vostool_trackers.siammask.training import MaskTask, TaskConfig

from .conftest import SMALL


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = synthetic.make(tmp_path_factory.mktemp("clips"), 3, size=(96, 128), frames=4)
    clips = open_dataset(f"folder:{root}", sequences=["translation", "crowd"])
    return TrainingData((clips,), clips, tmp_path_factory.mktemp("cache"))


def task_of(data, variant="base", **changes) -> MaskTask:
    model = Config(variant=variant, **SMALL)
    return MaskTask(TaskConfig(**changes), model, data, torch.device("cpu"), 0)


@pytest.mark.parametrize("variant", ["base", "sharp"])
def test_losses_do_not_depend_on_how_a_batch_is_split(data, variant):
    task = task_of(data, variant, negative=0.5, cells=2)
    network = task.network().eval()
    whole = task.losses(network, task.batch(3, range(4)))
    parts = [task.losses(network, task.batch(3, range(i, i + 2))) for i in (0, 2)]
    for name, value in whole.items():
        mean = sum(float(part[name].detach()) for part in parts) / 2
        assert mean == pytest.approx(float(value.detach()), rel=1e-4)


@pytest.mark.parametrize("variant", ["base", "sharp"])
def test_a_fixed_batch_is_learnt_by_heart(data, variant, learns_by_heart):
    task = task_of(data, variant, cells=1, negative=0.0, mask_weight=2.0)
    torch.manual_seed(0)
    network = task.network()
    batch = task.batch(0, range(2))
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    learns_by_heart(task, network, batch, optimizer, 150)


def test_it_is_validated_and_exported(data):
    task = task_of(data)
    network = task.network().eval()
    assert set(task.validate(network)) == {"J_mean"}
    assert set(task.export(network)) == {
        name for name in network.state_dict() if not name.endswith("num_batches_tracked")
    }
    picture = task.picture(network, task.batch(0, range(3)))
    assert picture.shape == (2 * 255, 2 * (255 + 85), 3)
