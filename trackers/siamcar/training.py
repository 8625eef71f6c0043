"""What `vostool train siamcar` trains: boxes of the masks of pairs, and the loss."""

from dataclasses import dataclass

import torch
from torch import nn

from vostool.tracking.base import Runtime
from vostool.training.task import Batch, Losses, Picture
from vostool_trackers.siamcar.losses import car_losses
from vostool_trackers.siamcar.network import Maps, SiamCar
from vostool_trackers.siamcar.picture import draw_samples
from vostool_trackers.siamcar.search import Search
from vostool_trackers.siamcar.targets import Targets, targets_of
from vostool_trackers.siamese.training.pair_task import PairTask, PairTaskConfig


@dataclass(frozen=True)
class TaskConfig(PairTaskConfig):
    """How pairs are varied, losses weighted, and the network validated.

    Args:
        score_weight: of the cross-entropy of the cells.
        box_weight: of the IoU loss of the boxes.
        centerness_weight: of the loss of the centerness.
    """

    score_weight: float = 1.0
    box_weight: float = 3.0
    centerness_weight: float = 1.0


class CarTask(PairTask):
    """Training of SiamCAR, see `vostool.training.task.Task`."""

    Config = TaskConfig

    def fresh(self) -> SiamCar:
        return SiamCar(self.model.shape, pretrained=self.model.pretrained)

    def follower(self, network: nn.Module, runtime: Runtime) -> Search:
        assert isinstance(network, SiamCar)
        return Search(network, self.model, runtime)

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


def compared(network: nn.Module, batch: Batch) -> tuple[Maps, Targets]:
    """Return the maps of a batch and what they should be."""
    maps = network(batch["template"], batch["search"])
    return Maps(*maps), targets_of(batch["mask"])
