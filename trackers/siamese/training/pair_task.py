"""The part of a training that all trackers of crops share: pairs, validation and export."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vostool.errors import DatasetError
from vostool.tracking.base import Runtime
from vostool.training.task import Batch, Losses, Picture, TrainingData
from vostool_trackers.siamese.training.bank import build_bank
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.pairs import PairConfig, draw_pairs
from vostool_trackers.siamese.training.validation import Follower, mean_overlap


@dataclass(frozen=True)
class PairTaskConfig(PairConfig):
    """How pairs are varied, and the network validated.

    Args:
        every: validation looks at every so many frames only to score them; all are tracked.
    """

    every: int = 2

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every is {self.every}; it must be at least 1")
        if self.memory or self.start:
            raise ValueError("memory and start are for guided networks; leave them at 0")


class PairTask(ABC):
    """Training on pairs of crops, see `vostool.training.task.Task`.

    Raises:
        DatasetError: there is nothing to learn from.
    """

    Config: ClassVar[type] = PairTaskConfig

    def __init__(
        self, config: Any, model_config: Any, data: TrainingData, device: torch.device, seed: int
    ) -> None:
        self.config, self.model, self.device, self.seed = config, model_config, device, seed
        self._validation = data.validation
        if not data.datasets:
            raise DatasetError("There is nothing to learn from. Name data with --data NAME:SPLIT.")
        self._bank = build_bank(data.datasets, data.cache / "bank", data.weights).to(device)

    @abstractmethod
    def fresh(self) -> nn.Module:
        """Return a network; torch's generator is seeded."""

    @abstractmethod
    def follower(self, network: nn.Module, runtime: Runtime) -> Follower:
        """Return what tracks with the network."""

    @abstractmethod
    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        """See `Task.losses`."""

    @abstractmethod
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        """See `Task.picture`."""

    def network(self) -> nn.Module:
        torch.manual_seed(self.seed)
        return self.fresh()

    def batch(self, step: int, indices: range) -> Batch:
        pairs = draw_pairs(self._bank, self.config, Draws(self.seed, step, indices, self.device))
        return {"template": pairs.template, "search": pairs.search, "mask": pairs.mask}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the mean J of the validation's objects, tracked from the first frame's boxes."""
        if self._validation is None:
            return {}
        runtime = Runtime(device=str(self.device), seed=self.seed)
        search = self.follower(network, runtime)
        score = mean_overlap(search, self._validation, self.config.every)
        return {} if score is None else {"J_mean": score}

    def export(self, network: nn.Module) -> dict[str, Tensor]:
        return {
            name: tensor
            for name, tensor in network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
