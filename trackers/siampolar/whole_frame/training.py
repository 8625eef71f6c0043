"""What the whole-frame variants train: their network, samples, losses and pictures."""

from dataclasses import dataclass

import torch
from torch import nn

from vostool.errors import DatasetError
from vostool.training.task import Batch, Losses, Picture, TrainingData
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.polar_targets import FrameTargets, frame_targets
from vostool_trackers.siampolar.whole_frame.bank import build_frame_bank
from vostool_trackers.siampolar.whole_frame.head import FrameMaps
from vostool_trackers.siampolar.whole_frame.losses import FrameLosses, frame_losses
from vostool_trackers.siampolar.whole_frame.network import FrameNetwork
from vostool_trackers.siampolar.whole_frame.pairs import FramePairConfig, draw_frame_pairs
from vostool_trackers.siampolar.whole_frame.picture import draw_frames
from vostool_trackers.siampolar.whole_frame.shape import FrameShape


@dataclass(frozen=True)
class FrameTaskConfig(FramePairConfig):
    """How pairs are varied, and how the loss is weighted.

    Args:
        score_weight: of the focal loss of the cells.
        ray_weight: of the polar IoU loss.
        centerness_weight: of the loss of the centerness.
    """

    score_weight: float = 1.0
    ray_weight: float = 1.0
    centerness_weight: float = 1.0


class FrameTask:
    """The part of `vostool.training.task.Task` that whole frames do differently.

    Args:
        config: how pairs are varied and losses weighted.
        shape: of the network.
        data: what is trained on.
        device: where batches are to be.
        seed: of every random choice.

    Raises:
        DatasetError: there is nothing to learn from, or more than the memory holds.
    """

    def __init__(
        self,
        config: FrameTaskConfig,
        shape: FrameShape,
        data: TrainingData,
        device: torch.device,
        seed: int,
    ) -> None:
        self._config, self._shape, self._device, self._seed = config, shape, device, seed
        if not data.datasets:
            raise DatasetError("There is nothing to learn from. Name data with --data NAME:SPLIT.")
        self._bank = build_frame_bank(data.datasets, shape.size).to(device)
        self._grid = shape.grid(device)

    def network(self, *, pretrained: bool) -> FrameNetwork:
        torch.manual_seed(self._seed)
        return FrameNetwork(self._shape, pretrained=pretrained)

    def batch(self, step: int, indices: range) -> Batch:
        draws = Draws(self._seed, step, indices, self._device)
        pairs = draw_frame_pairs(self._bank, self._config, draws)
        return {"template": pairs.template, "search": pairs.search, "mask": pairs.mask}

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        parts: FrameLosses = frame_losses(*self._compared(network, batch))
        config = self._config
        total = (
            config.score_weight * parts.score
            + config.ray_weight * parts.rays
            + config.centerness_weight * parts.centerness
        )
        return {"total": total, **parts._asdict()}

    @torch.no_grad()
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        maps, targets = self._compared(network, batch)
        return draw_frames(batch, targets, maps, self._grid)

    def _compared(self, network: nn.Module, batch: Batch) -> tuple[FrameMaps, FrameTargets]:
        maps = network(batch["template"], batch["search"])
        shape = self._shape
        targets = frame_targets(batch["mask"], self._grid, shape.rays, shape.centerness_target)
        return FrameMaps(*maps), targets
