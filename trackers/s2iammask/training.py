"""What `vostool train s2iammask` trains: the first stage, the second, or both together."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vostool.tracking.base import Runtime
from vostool.training.counter_rng import uniforms
from vostool.training.task import Batch, Losses, Picture
from vostool_trackers.s2iammask.losses import losses_of
from vostool_trackers.s2iammask.network import S2iamMask
from vostool_trackers.s2iammask.picture import draw_samples
from vostool_trackers.s2iammask.search import Search
from vostool_trackers.s2iammask.targets import TOP, RoiTargets, noise_of, roi_targets
from vostool_trackers.siamese.inference.crops import RESPONSE
from vostool_trackers.siamese.model.rpn import ANCHORS, Proposals
from vostool_trackers.siamese.training.cell_masks import CellMasks, cell_masks
from vostool_trackers.siamese.training.pair_task import PairTask, PairTaskConfig
from vostool_trackers.siamese.training.rpn_targets import RpnTargets, rpn_targets

_ANCHOR_NOISE, _ROI_NOISE = 1, 2  # added to the seed: these numbers are not those of the pairs


@dataclass(frozen=True)
class TaskConfig(PairTaskConfig):
    """How pairs are varied, and losses weighted.

    Args:
        score_weight: of the cross-entropy of the anchors.
        box_weight: of the loss of the boxes.
        mask_weight: of the loss of the masks.
        regions: cells (of stage `proposals`), or regions of a pair whose masks are learnt.
    """

    score_weight: float = 1.0
    box_weight: float = 1.2
    mask_weight: float = 36.0
    regions: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.regions <= TOP:
            raise ValueError(f"regions is {self.regions}; it must be 2 to {TOP}")


@dataclass
class Compared:
    """What the network says about a batch, and what it should.

    Args:
        proposals: boxes.
        rpn: what they should be.
        masks: logits of what is asked.
        asked: cells or regions, and their masks.
    """

    proposals: Proposals
    rpn: RpnTargets
    masks: Tensor
    asked: CellMasks | RoiTargets


class RoiTask(PairTask):
    """Training of S2iamMask, see `vostool.training.task.Task`."""

    Config = TaskConfig

    def fresh(self) -> S2iamMask:
        return S2iamMask(self.model.shape, pretrained=self.model.pretrained)

    def follower(self, network: nn.Module, runtime: Runtime) -> Search:
        assert isinstance(network, S2iamMask)
        return Search(network, self.model, runtime)

    def batch(self, step: int, indices: range) -> Batch:
        counts = {"anchors": ANCHORS * RESPONSE**2, "rois": noise_of(self.config.regions)}
        noise = {
            name: uniforms(self.seed + own, step, indices, count, self.device)
            for own, (name, count) in zip((_ANCHOR_NOISE, _ROI_NOISE), counts.items(), strict=True)
        }
        return {**super().batch(step, indices), **noise}

    def losses(self, network: nn.Module, batch: Batch) -> Losses:
        seen = self.compared(network, batch)
        parts = losses_of(seen.proposals, seen.rpn, seen.masks, seen.asked)
        config = self.config
        total = (
            config.score_weight * parts.score
            + config.box_weight * parts.box
            + config.mask_weight * parts.mask
        )
        return {"total": total, **parts._asdict()}

    def compared(self, network: nn.Module, batch: Batch) -> Compared:
        """Run the network on a batch, and derive the targets."""
        assert isinstance(network, S2iamMask)
        rpn = rpn_targets(batch["mask"], batch["anchors"])
        found = network.pairs(batch["template"], batch["search"])
        count = self.config.regions
        if self.model.stage == "proposals":
            cells = cell_masks(batch["mask"], rpn.cell, batch["anchors"][:, : RESPONSE**2], count)
            masks = network.coarse(found, cells.batch, cells.cells)
            return Compared(found.proposals, rpn, masks, cells)
        given = batch["mask"], found.proposals, batch["rois"]
        rois = roi_targets(*given, count, self.model.enlarge, network.side)
        masks = network.masks(found, rois.batch, rois.rois)
        return Compared(found.proposals, rpn, masks, rois)

    @torch.no_grad()
    def picture(self, network: nn.Module, batch: Batch) -> Picture:
        seen = self.compared(network, batch)
        return draw_samples(batch, seen.proposals, seen.rpn, seen.masks, seen.asked)
