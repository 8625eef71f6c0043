"""A small network, and objects to learn from."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.training.task import TrainingData
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.training import PolarTask, TaskConfig


@pytest.fixture(scope="session")
def small() -> Config:
    return Config(stages=("layer2",), channels=32, depth=1, refined=0)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Return a few short synthetic clips, opened."""
    root = synthetic.make(tmp_path_factory.mktemp("clips"), 3, size=(96, 128), frames=4)
    return open_dataset(f"folder:{root}", sequences=["translation", "crowd"])


@pytest.fixture(scope="session")
def make_task(small, clips, tmp_path_factory) -> Callable[..., PolarTask]:
    """Return a function that makes the task of the small network, with changed settings."""
    cache = tmp_path_factory.mktemp("cache")

    def make(**changes: object) -> PolarTask:
        data = TrainingData((clips,), clips, cache)
        return PolarTask(TaskConfig(**changes), small, data, torch.device("cpu"), 0)

    return make


@pytest.fixture
def ellipse() -> np.ndarray:
    """Return a (255, 255) mask that is neither in the middle nor even."""
    y, x = np.mgrid[:255, :255]
    body = ((x - 150) / 50) ** 2 + ((y - 90) / 25) ** 2 <= 1
    head = ((x - 190) / 15) ** 2 + ((y - 70) / 20) ** 2 <= 1
    return body | head
