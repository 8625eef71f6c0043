"""What `vostool train polarmask` trains: instances of whole frames, all of one class."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vostool.errors import ConfigError, DatasetError
from vostool.tracking.base import Runtime
from vostool.training.task import Batch, Losses, Picture, TrainingData
from vostool_trackers.polarmask.bank import build_instance_bank
from vostool_trackers.polarmask.frames import FrameConfig, draw_frames
from vostool_trackers.polarmask.head import Maps
from vostool_trackers.polarmask.losses import instance_losses
from vostool_trackers.polarmask.network import PolarMask, prepared
from vostool_trackers.polarmask.picture import draw_instances
from vostool_trackers.polarmask.search import InstanceSearch
from vostool_trackers.polarmask.settings import Config as TrackerConfig
from vostool_trackers.polarmask.targets import Targets, instance_targets
from vostool_trackers.polarmask.tracker import PolarMaskTracker
from vostool_trackers.siamese.model.pyramid import grid_of
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.validation import mean_overlap


@dataclass(frozen=True)
class TaskConfig(FrameConfig):
    """How frames are varied, losses weighted, and the network validated.

    Args:
        score_weight: of the focal loss of the cells.
        box_weight: of the IoU loss of boxes.
        ray_weight: of the polar IoU loss.
        centerness_weight: of the loss of the centerness.
        every: validation looks at every so many frames only to score them; all are tracked.
    """

    score_weight: float = 1.0
    box_weight: float = 1.0
    ray_weight: float = 1.0
    centerness_weight: float = 1.0
    every: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every < 1:
            raise ValueError(f"every is {self.every}; it must be at least 1")


class InstanceTask:
    """Training of PolarMask, see `vostool.training.task.Task`.

    Raises:
        ConfigError: the network is to tell classes apart, which the data do not have.
        DatasetError: there is nothing to learn from, or more than the memory holds.
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
        self._config, self._model, self._device, self._seed = config, model_config, device, seed
        self._validation = data.validation
        if model_config.classes != 1:
            raise ConfigError(
                f"The data here have objects of no class, and the network {model_config.classes} "
                "classes. Train polarmask/r50, polarmask/r101 or polarmask/small."
            )
        if not data.datasets:
            raise DatasetError("There is nothing to learn from. Name data with --data NAME:SPLIT.")
        size = model_config.height, model_config.width
        self._bank = build_instance_bank(data.datasets, size).to(device)
        padded = (
            size[0] + -size[0] % model_config.divisor,
            size[1] + -size[1] % model_config.divisor,
        )
        self._grid = grid_of(padded, model_config.strides, device=device)

    def network(self) -> nn.Module:
        torch.manual_seed(self._seed)
        return PolarMask(self._model.shape, pretrained=self._model.pretrained)

    def batch(self, step: int, indices: range) -> Batch:
        draws = Draws(self._seed, step, indices, self._device)
        return draw_frames(self._bank, self._config, draws)._asdict()

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        parts = instance_losses(*self._compared(network, batch))
        config = self._config
        total = (
            config.score_weight * parts.score
            + config.box_weight * parts.box
            + config.ray_weight * parts.rays
            + config.centerness_weight * parts.centerness
        )
        return {"total": total, **parts._asdict()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the mean J of the validation's objects, tracked from the first frame's boxes."""
        if self._validation is None:
            return {}
        assert isinstance(network, PolarMask)
        precision = PolarMaskTracker.precisions[0]  # what `vostool run` takes
        runtime = Runtime(device=str(self._device), precision=precision, seed=self._seed)
        search = InstanceSearch(network, self._model, runtime)
        score = mean_overlap(search, self._validation, self._config.every)
        return {} if score is None else {"J_mean": score}

    @torch.no_grad()
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        maps, targets = self._compared(network, batch)
        return draw_instances(batch["image"], targets, maps, self._grid)

    def export(self, network: nn.Module) -> dict[str, Tensor]:
        return {
            name: tensor
            for name, tensor in network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }

    def _compared(self, network: nn.Module, batch: Batch) -> tuple[Maps, Targets]:
        targets = instance_targets(batch["masks"], self._grid, self._model.rays)
        image = prepared(batch["image"], self._model.style, self._model.divisor)
        return Maps(*network(image)), targets
