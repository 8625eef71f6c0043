"""What `vostool train siamcar` trains: pairs from the bank, boxes of their masks, and the loss."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vostool.errors import DatasetError
from vostool.tracker import Runtime
from vostool.training.task import Batch, Losses, Picture, TrainingData

from ..siamese.bank import build_bank
from ..siamese.draws import Draws
from ..siamese.pairs import PairConfig, draw_pairs
from ..siamese.validation import mean_overlap
from .losses import car_losses
from .network import Maps, SiamCar
from .picture import draw_samples
from .search import Search
from .settings import Config as TrackerConfig
from .targets import Targets, targets_of
from .tracker import SiamCarTracker


@dataclass(frozen=True)
class TaskConfig(PairConfig):
    """How pairs are varied, losses weighted, and the network validated.

    Args:
        score_weight: of the cross-entropy of the cells.
        box_weight: of the IoU loss of the boxes.
        centerness_weight: of the loss of the centerness.
        every: validation looks at every so many frames only to score them; all are tracked.
    """

    score_weight: float = 1.0
    box_weight: float = 3.0
    centerness_weight: float = 1.0
    every: int = 2

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every is {self.every}; it must be at least 1")
        if self.memory or self.start:
            raise ValueError("memory and start are for guided networks; leave them at 0")


class CarTask:
    """Training of SiamCAR, see `vostool.training.task.Task`.

    Raises:
        DatasetError: there is nothing to learn from.
    """

    Config = TaskConfig

    def __init__(
        self,
        config: TaskConfig,
        model_config: TrackerConfig,
        data: TrainingData,
        device: torch.device,
        seed: int,
    ) -> None:
        self.config, self._model, self._device, self._seed = config, model_config, device, seed
        self._validation = data.validation
        if not data.datasets:
            raise DatasetError("There is nothing to learn from. Name data with --data NAME:SPLIT.")
        self._bank = build_bank(data.datasets, data.cache / "bank").to(device)

    def network(self) -> SiamCar:
        torch.manual_seed(self._seed)
        return SiamCar(self._model.shape, pretrained=self._model.pretrained)

    def batch(self, step: int, indices: range) -> Batch:
        pairs = draw_pairs(self._bank, self.config, Draws(self._seed, step, indices, self._device))
        return {"template": pairs.template, "search": pairs.search, "mask": pairs.mask}

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        parts = car_losses(*compared(network, batch))
        config = self.config
        total = (
            config.score_weight * parts.score
            + config.box_weight * parts.box
            + config.centerness_weight * parts.centerness
        )
        return {"total": total, **parts._asdict()}

    @torch.no_grad()
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        maps, targets = compared(network, batch)
        return draw_samples(batch, targets, maps)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the mean J of the validation's objects, tracked from the first frame's boxes."""
        if self._validation is None:
            return {}
        assert isinstance(network, SiamCar)
        precision = SiamCarTracker.precisions[0]  # what `vostool run` takes
        runtime = Runtime(device=str(self._device), precision=precision, seed=self._seed)
        search = Search(network, self._model, runtime)
        score = mean_overlap(search, self._validation, self.config.every)
        return {} if score is None else {"J_mean": score}

    def export(self, network: nn.Module) -> dict[str, Tensor]:
        return {
            name: tensor
            for name, tensor in network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }


def compared(network: nn.Module, batch: Batch) -> tuple[Maps, Targets]:
    """Return the maps of a batch and what they should be."""
    maps = network(batch["template"], batch["search"])
    return Maps(*maps), targets_of(batch["mask"])
