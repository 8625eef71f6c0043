"""What `vostool train siammask` trains: pairs, anchors and the masks of some cells."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vostool.tracking.base import Runtime
from vostool.training.counter_rng import uniforms
from vostool.training.task import Batch, Losses, Picture
from vostool_trackers.siamese.inference.crops import RESPONSE
from vostool_trackers.siamese.model.rpn import ANCHORS, Proposals
from vostool_trackers.siamese.training.pair_task import PairTask, PairTaskConfig
from vostool_trackers.siammask.losses import siammask_losses
from vostool_trackers.siammask.network import SiamMask
from vostool_trackers.siammask.picture import draw_samples
from vostool_trackers.siammask.search import Search
from vostool_trackers.siammask.targets import Targets, targets_of

_OTHER = 1  # added to the seed: these numbers are not those of the pairs


@dataclass(frozen=True)
class TaskConfig(PairTaskConfig):
    """How pairs are varied, and losses weighted.

    Args:
        score_weight: of the cross-entropy of the anchors.
        box_weight: of the loss of the boxes.
        mask_weight: of the loss of the masks.
        cells: most cells of a pair whose masks are learnt.
    """

    score_weight: float = 1.0
    box_weight: float = 1.2
    mask_weight: float = 36.0
    cells: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.cells <= RESPONSE**2:
            raise ValueError(f"cells is {self.cells}; it must be 1 to {RESPONSE**2}")


class MaskTask(PairTask):
    """Training of SiamMask, see `vostool.training.task.Task`."""

    Config = TaskConfig

    def fresh(self) -> SiamMask:
        return SiamMask(self.model.shape, pretrained=self.model.pretrained)

    def follower(self, network: nn.Module, runtime: Runtime) -> Search:
        assert isinstance(network, SiamMask)
        return Search(network, self.model, runtime)

    def batch(self, step: int, indices: range) -> Batch:
        count = ANCHORS * RESPONSE**2
        noise = uniforms(self.seed + _OTHER, step, indices, count, self.device)
        return {**super().batch(step, indices), "noise": noise}

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        proposals, masks, targets = self.compared(network, batch)
        parts = siammask_losses(proposals, masks, targets)
        config = self.config
        total = (
            config.score_weight * parts.score
            + config.box_weight * parts.box
            + config.mask_weight * parts.mask
        )
        return {"total": total, **parts._asdict()}

    def compared(
        self, network: nn.Module, batch: Batch
    ) -> tuple[Proposals, Tensor | None, Targets]:
        """Return what the network says about a batch, and what it should."""
        targets = targets_of(batch["mask"], batch["noise"], self.config.cells)
        given = batch["template"], batch["search"], targets.batch, targets.cells
        logits, deltas, masks = network(*given)
        return Proposals(logits, deltas), masks, targets

    @torch.no_grad()
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        return draw_samples(batch, *self.compared(network, batch))
