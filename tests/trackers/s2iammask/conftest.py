"""A small network, and objects to learn from."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.training.task import TrainingData
from vostool_trackers.s2iammask.settings import Config
from vostool_trackers.s2iammask.training import RoiTask, TaskConfig


@pytest.fixture(scope="session")
def small() -> Config:
    return Config(backbone="resnet10", channels=16)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Return a few short synthetic clips, opened."""
    root = synthetic.make(tmp_path_factory.mktemp("clips"), 3, size=(96, 128), frames=4)
    return open_dataset(f"folder:{root}", sequences=["translation", "crowd"])


@pytest.fixture(scope="session")
def make_task(small, clips, tmp_path_factory) -> Callable[..., RoiTask]:
    """Return a function that makes the task of the small network, with changed settings."""
    cache = tmp_path_factory.mktemp("cache")

    def make(stage: str = "masks", **changes: object) -> RoiTask:
        data = TrainingData((clips,), clips, cache)
        config = replace(small, stage=stage)
        return RoiTask(TaskConfig(**changes), config, data, torch.device("cpu"), 0)

    return make


@pytest.fixture
def ellipse() -> np.ndarray:
    """Return a (255, 255) mask that is neither in the middle nor even."""
    y, x = np.mgrid[:255, :255]
    return ((x - 150) / 40) ** 2 + ((y - 90) / 25) ** 2 <= 1
