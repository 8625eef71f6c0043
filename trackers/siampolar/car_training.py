"""What the crop-based variant trains: pairs from the bank, polar targets, and their loss."""

from dataclasses import dataclass, replace

import torch
from torch import nn

from vostool.errors import ConfigError, DatasetError
from vostool.training.task import Batch, Losses, Picture, TrainingData
from vostool_trackers.siamese.training.bank import build_bank
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.pairs import PairConfig, draw_pairs
from vostool_trackers.siampolar.guidance import guides_of
from vostool_trackers.siampolar.losses import polar_losses
from vostool_trackers.siampolar.network import Maps, SiamPolarCar
from vostool_trackers.siampolar.picture import draw_samples
from vostool_trackers.siampolar.second_look import doubts_of, second_look_loss
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.targets import Targets, targets_of


@dataclass(frozen=True)
class CarTaskConfig(PairConfig):
    """How pairs are varied, and how the loss is weighted.

    Args:
        score_weight: of the focal loss of the cells.
        ray_weight: of the polar IoU loss.
        centerness_weight: of the loss of the centerness.
        dense_weight: of the loss of the pixels.
        contour_weight: of the loss of the second look.
    """

    score_weight: float = 4.0
    ray_weight: float = 1.0
    centerness_weight: float = 0.5
    dense_weight: float = 1.0
    contour_weight: float = 1.0
    memory: int = 3
    start: float = 0.15


class CarTask:
    """The part of `vostool.training.task.Task` that crops do in their own way.

    Args:
        config: how pairs are varied and losses weighted.
        model: settings of the tracker.
        data: what is trained on.
        device: where batches are to be.
        seed: of every random choice.

    Raises:
        ConfigError: a guided network is to learn without memories.
        DatasetError: there is nothing to learn from.
    """

    def __init__(
        self,
        config: CarTaskConfig,
        model: Config,
        data: TrainingData,
        device: torch.device,
        seed: int,
    ) -> None:
        if not model.guided:
            config = replace(config, memory=0, start=0.0)
        elif not config.memory:
            raise ConfigError(
                "A guided network learns from memories, so train.task.memory must be above 0."
            )
        self.config, self._model, self._device, self._seed = config, model, device, seed
        if not data.datasets:
            raise DatasetError("There is nothing to learn from. Name data with --data NAME:SPLIT.")
        self._bank = build_bank(data.datasets, data.cache / "bank", data.weights).to(device)

    def network(self, *, pretrained: bool) -> SiamPolarCar:
        torch.manual_seed(self._seed)
        return SiamPolarCar(self._model.shape, pretrained=pretrained)

    def batch(self, step: int, indices: range) -> Batch:
        draws = Draws(self._seed, step, indices, self._device)
        pairs = draw_pairs(self._bank, self.config, draws)
        batch = {"template": pairs.template, "search": pairs.search, "mask": pairs.mask}
        if self._model.guided:
            guides = guides_of(pairs, self._model.rays, draws)
            batch |= {"template_guide": guides.template, "search_guide": guides.search}
        if self._model.second_look:
            batch |= doubts_of(pairs, self._model.rays, draws)
        return batch

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        maps, targets = self.compared(network, batch)
        parts = polar_losses(maps, targets, batch["mask"])
        config = self.config
        total = (
            config.score_weight * parts.score
            + config.ray_weight * parts.rays
            + config.centerness_weight * parts.centerness
            + config.dense_weight * parts.dense
        )
        found = {"total": total, **parts._asdict()}
        if self._model.second_look:
            assert isinstance(network, SiamPolarCar)
            found["contour"] = second_look_loss(network, maps, batch, self._model)
            found["total"] = total + config.contour_weight * found["contour"]
        return found

    def compared(self, network: nn.Module, batch: Batch) -> tuple[Maps, Targets]:
        guides = batch.get("template_guide"), batch.get("search_guide")
        maps = network(batch["template"], batch["search"], *guides)
        return Maps(*maps), targets_of(batch["mask"], self._model.rays)

    @torch.no_grad()
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        maps, targets = self.compared(network, batch)
        return draw_samples(batch, targets, maps)
