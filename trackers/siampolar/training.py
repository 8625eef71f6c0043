"""What `vostool train siampolar` trains, whichever the variant."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vostool.errors import ConfigError
from vostool.tracking.base import Runtime
from vostool.training.task import Batch, Losses, Picture, TrainingData
from vostool_trackers.siamese.training.validation import mean_overlap
from vostool_trackers.siampolar.car_training import CarTask, CarTaskConfig
from vostool_trackers.siampolar.settings import Config as TrackerConfig
from vostool_trackers.siampolar.tracker import SiamPolar, search_with
from vostool_trackers.siampolar.whole_frame.training import FrameTask, FrameTaskConfig


@dataclass(frozen=True)
class TaskConfig(CarTaskConfig):
    """How pairs are varied, losses weighted, and the network validated.

    The whole-frame variants take those settings that `FrameTaskConfig` has too.

    Args:
        every: validation looks at every so many frames only to score them; all are tracked.
    """

    every: int = 2

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every is {self.every}; it must be at least 1.")


class PolarTask:
    """Training of SiamPolarMask, see `vostool.training.task.Task`."""

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
        self.part: CarTask | FrameTask
        if model_config.variant == "car":
            self.part = CarTask(config, model_config, data, device, seed)
        else:
            own = FrameTaskConfig.of(config)
            self.part = FrameTask(own, model_config.frame_shape, data, device, seed)

    def network(self) -> nn.Module:
        return self.part.network(pretrained=self._model.pretrained)

    def batch(self, step: int, indices: range) -> Batch:
        return self.part.batch(step, indices)

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        return self.part.losses(network, batch)

    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        return self.part.picture(network, batch)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the mean J of the validation's objects, tracked from the first frame's boxes."""
        if self._validation is None:
            return {}
        precision = SiamPolar.precisions[0]  # what `vostool run` takes
        runtime = Runtime(device=str(self._device), precision=precision, seed=self._seed)
        search = search_with(network, self._model, runtime)
        score = mean_overlap(search, self._validation, self._config.every)
        return {} if score is None else {"J_mean": score}

    def export(self, network: nn.Module) -> dict[str, Tensor]:
        return {
            name: tensor
            for name, tensor in network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
