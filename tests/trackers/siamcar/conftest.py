"""A small network, and objects to learn from."""

from collections.abc import Callable

import pytest
import torch

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.training.task import TrainingData
from vostool_trackers.siamcar.settings import Config
from vostool_trackers.siamcar.training import CarTask, TaskConfig


@pytest.fixture(scope="session")
def small() -> Config:
    return Config(backbone="resnet10", stages=("layer2",), channels=32, depth=1)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Return a few short synthetic clips, opened."""
    root = synthetic.make(tmp_path_factory.mktemp("clips"), 3, size=(96, 128), frames=4)
    return open_dataset(f"folder:{root}", sequences=["translation", "crowd"])


@pytest.fixture(scope="session")
def make_task(small, clips, tmp_path_factory) -> Callable[..., CarTask]:
    """Return a function that makes the task of the small network, with changed settings."""
    cache = tmp_path_factory.mktemp("cache")

    def make(**changes: object) -> CarTask:
        data = TrainingData((clips,), clips, cache)
        return CarTask(TaskConfig(**changes), small, data, torch.device("cpu"), 0)

    return make
