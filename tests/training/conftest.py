"""A workspace with a tracker that is trained in seconds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch

from vostool.training.distributed import Ranks
from vostool.training.job import TrainJob, TrainRequest, prepare_training
from vostool.training.loop import Outcome, train
from vostool.training.stop import Stop
from vostool.workspace import Workspace


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The networks are so small that threads only get in each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Bench:
    """Trains the tiny tracker in one workspace."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.results = home / "results"
        shutil.copytree(Path(__file__).parent / "tiny", home / "trackers" / "tiny")

    def job(self, *overrides: str, name: str = "t", **asked: object) -> TrainJob:
        request = TrainRequest("tiny/small", name, overrides, "cpu", **asked)
        return prepare_training(request, Workspace(self.home))

    def train(
        self, *overrides: str, name: str = "t", stop: Stop | None = None, **asked: object
    ) -> Outcome:
        job = self.job(*overrides, name=name, **asked)
        return train(job, job.folder(self.results), Ranks(), stop or Stop())

    def folder(self, name: str = "t") -> Path:
        return self.results / "train" / name

    def curve(self, name: str = "t") -> pd.DataFrame:
        """Return the training curve, to the last bit."""
        return pd.read_csv(self.folder(name) / "metrics.csv", dtype=str).astype(float)

    def start(self, *arguments: object, **environment: object) -> subprocess.Popen[str]:
        """Start `vostool train tiny/small ARGUMENTS` in a process of its own."""
        command = [sys.executable, "-m", "vostool", "--home", self.home, "train", "tiny/small"]
        added = {name: str(value) for name, value in environment.items()}
        return subprocess.Popen(
            [*map(str, command), "--device", "cpu", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **added},
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def stop_after() -> Callable[[int], Stop]:
    """Return a function that makes a `Stop` which is wanted after some steps."""

    class After(Stop):
        def __init__(self, steps: int) -> None:
            super().__init__()
            self.left = steps

        @property
        def wanted(self) -> bool:
            self.left -= 1
            return self.left < 0

    return After
