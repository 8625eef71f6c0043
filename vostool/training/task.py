"""What the engine asks of a tracker that can be trained.

The tracker names its task by a text, so that running it never imports training code:

    class Mine(Tracker):
        task = ".training:MyTask"       # beside the tracker's module; or "package.module:MyTask"
"""

import dataclasses
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vostool.datasets.dataset import Dataset
from vostool.errors import ContractError, UsageError, missing_extra
from vostool.tracking.plugins import Plugin

Batch = dict[str, Tensor]
Losses = dict[str, Tensor]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What is trained on and validated with.

    Args:
        datasets: to draw samples from; sequences that validation uses are taken out. Maybe empty.
        validation: whole clips to track now and then, or None.
        cache: folder where a task may keep crops and the like; it may not exist yet.
        weights: share of samples from each dataset; in proportion to their size if empty.
    """

    datasets: tuple[Dataset, ...]
    validation: Dataset | None
    cache: Path
    weights: tuple[float, ...] = ()


class Task(Protocol):
    """One tracker's training: its network, samples, losses and validation.

    Every random choice follows from `seed` and the arguments, never from a global generator or
    from what was drawn before: that is why a resumed training continues exactly on a CPU (on a GPU
    but for the order in which its kernels sum), and why several processes draw what one draws.
    `draws.uniforms` gives such numbers.
    """

    Config: ClassVar[type]
    """Frozen dataclass of the task's own settings, filled from the table `[train.task]`."""

    def __init__(
        self, config: Any, model_config: Any, data: TrainingData, device: torch.device, seed: int
    ) -> None:
        """Prepare the data.

        Args:
            config: the task's `Config`.
            model_config: the tracker's `Config`.
            data: what the user asked to train on.
            device: where batches and network are to be.
            seed: of every random choice.
        """

    def network(self) -> nn.Module:
        """Return a fresh fp32 network, initialised from the seed, on any device."""

    def batch(self, step: int, indices: range) -> Batch:
        """Return some samples of the batch of one step, on the device.

        Sample `i` of step `s` is always the same, whichever others are asked for with it.

        Args:
            step: of the optimiser, from 0.
            indices: of the samples in that step's batch.
        """

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        """Return scalar losses; `total` is what is minimised, the others are reported.

        It runs under autocast. Terms must be means over samples. Then the gradient does not depend
        on how a batch is split over devices and accumulations, but for batch norms that learn:
        they see the samples of one part only.
        """

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return scores of the network in evaluation mode, e.g. `{"J_mean": 0.5}`; maybe none.

        The network is lent: its tensors, their layout and device must stay as they are.
        """

    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        """Return an (H, W, 3) uint8 RGB image of samples, their targets and predictions."""

    def export(self, network: nn.Module) -> dict[str, Tensor]:
        """Return the tensors that the tracker loads as its weights."""


def load_task(plugin: Plugin) -> type[Task]:
    """Import the task of a tracker.

    Raises:
        UsageError: the tracker cannot be trained.
        ContractError: what it names is no task, or cannot be imported.
    """
    where = plugin.cls.task
    if where is None:
        raise UsageError(f"{plugin.name} has nothing to train.")
    module, separator, name = where.partition(":")
    if not separator:
        raise ContractError(f"Tracker '{plugin.name}' says task = {where!r}; it is 'module:Class'.")
    try:
        package = plugin.cls.__module__.rpartition(".")[0]
        task = getattr(importlib.import_module(module, package), name)
    except Exception as error:
        if needed := missing_extra(error, f"Training '{plugin.name}'"):
            raise needed from error
        raise ContractError(
            f"The task of tracker '{plugin.name}', {where}, cannot be imported: {error!r}."
        ) from error
    methods = ("network", "batch", "losses", "validate", "picture", "export")
    missing = [method for method in methods if not callable(getattr(task, method, None))]
    if missing:
        raise ContractError(f"The task {where} lacks {', '.join(missing)}.")
    if not dataclasses.is_dataclass(getattr(task, "Config", None)):
        raise ContractError(f"The task {where} needs a Config that is a dataclass.")
    return cast(type[Task], task)
