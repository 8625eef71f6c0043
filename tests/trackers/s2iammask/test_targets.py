"""Regions to learn from, each test against a bug of the original's second stage."""

import numpy as np
import pytest
import torch

from vostool_trackers.s2iammask.rois import rois_of
from vostool_trackers.s2iammask.targets import TOP, RoiTargets, noise_of, roi_targets
from vostool_trackers.siamese.inference.components import boxes_of
from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.model.rpn import Proposals, encode
from vostool_trackers.siamese.training.rpn_targets import rpn_targets

REGIONS = 6


def targets_of(masks: torch.Tensor, proposals: Proposals, seed: int = 0) -> RoiTargets:
    noise = torch.rand(len(masks), noise_of(REGIONS), generator=torch.manual_seed(seed))
    return roi_targets(masks, proposals, noise, REGIONS, 0.4, 28)


def saying(centres: torch.Tensor, sizes: torch.Tensor, labels: torch.Tensor) -> Proposals:
    """Return proposals that all are these boxes, the better the higher the label of the anchor."""
    deltas = encode(centres, sizes, cell_centres())
    return Proposals(torch.stack((torch.zeros_like(labels), labels), dim=1), deltas)


@pytest.fixture
def masks(ellipse) -> torch.Tensor:
    """Return two masks that are not at the same place."""
    return torch.from_numpy(np.stack((ellipse, np.roll(ellipse.T, (-30, 20), (0, 1)))))


@pytest.fixture
def proposals(masks) -> Proposals:
    """Return what a perfect first stage says."""
    centres, sizes, _ = boxes_of(masks)
    return saying(centres, sizes, rpn_targets(masks, torch.rand(2, 3125)).label)


def test_regions_of_proposals_are_the_decoded_boxes(masks, proposals):
    """Not plain anchors, nor those of another generator or in another order than the labels'."""
    targets = targets_of(masks, proposals)
    centres, sizes, _ = boxes_of(masks)
    rois = targets.rois.reshape(2, REGIONS, 4)[:, : REGIONS // 2]
    assert torch.allclose(rois, rois_of(centres, sizes, 0.4)[:, None].expand_as(rois), atol=1e-3)


def test_the_best_anchors_are_those_with_the_label(masks):
    """An anchor's score and box are read at the same place."""
    rpn = rpn_targets(masks, torch.rand(2, 3125))
    centres, sizes, _ = boxes_of(masks)
    right = encode(centres, sizes, cell_centres())
    deltas = torch.where((rpn.label == 1)[:, None], right, 9.0)  # others are far away
    logits = torch.stack((torch.zeros_like(rpn.label), rpn.label), dim=1)
    targets = targets_of(masks, Proposals(logits, deltas))
    found = int((rpn.label == 1).flatten(1).sum(dim=1).min())
    assert found >= REGIONS // 2
    assert (targets.weight.reshape(2, REGIONS)[:, : REGIONS // 2] > 0).all()


def test_each_region_is_of_its_own_image(masks, proposals):
    """In the original all regions are of the first image of the batch."""
    both = targets_of(masks, proposals)
    assert both.batch.tolist() == [0] * REGIONS + [1] * REGIONS
    flipped = Proposals(*(t.flip(0) for t in proposals))
    noise = torch.rand(2, noise_of(REGIONS), generator=torch.manual_seed(0))
    other = roi_targets(masks.flip(0), flipped, noise.flip(0), REGIONS, 0.4, 28)
    assert torch.equal(other.rois.reshape(2, -1).flip(0), both.rois.reshape(2, -1))
    assert torch.equal(other.signs[:REGIONS], both.signs[REGIONS:])


def test_targets_are_the_mask_in_the_regions(masks, proposals):
    """In the original the windows of the mask are not where the regions are."""
    targets = targets_of(masks, proposals)
    for place, batch in enumerate(targets.batch.tolist()):
        x1, y1, x2, y2 = targets.rois[place].tolist()
        bins = (np.arange(28) + 0.5) / 28
        columns = np.rint(x1 + bins * (x2 - x1)).astype(int)
        rows = np.rint(y1 + bins * (y2 - y1)).astype(int)
        truth = masks[batch].numpy()[rows[:, None], columns[None]]
        found = (targets.signs[place] > 0).numpy()
        assert (truth & found).sum() / (truth | found).sum() > 0.9
    assert set(targets.signs.unique().tolist()) == {-1, 1}


def test_regions_beside_the_object_have_no_weight(masks):
    centres, sizes, _ = boxes_of(masks)
    away = saying(centres + 60, sizes, torch.rand(2, 5, 25, 25))
    weight = targets_of(masks, away).weight.reshape(2, REGIONS)
    assert (weight[:, : REGIONS // 2] == 0).all()
    assert weight.sum(dim=1).tolist() == pytest.approx([1, 1])
    used = weight > 0
    assert used[:, REGIONS // 2 :].float().mean() > 0.6  # of the jittered boxes, most


def test_a_pair_without_an_object_has_no_weight(masks, proposals):
    masks = masks.clone()
    masks[1] = False
    weight = targets_of(masks, proposals).weight.reshape(2, REGIONS)
    assert weight.sum(dim=1).tolist() == pytest.approx([1, 0])


def test_proposals_that_are_no_numbers_do_no_harm(masks):
    nothing = Proposals(
        torch.full((2, 2, 5, 25, 25), float("nan")), torch.full((2, 4, 5, 25, 25), float("nan"))
    )
    targets = targets_of(masks, nothing)
    assert targets.rois.isfinite().all()
    assert targets.weight.isfinite().all()
    assert noise_of(REGIONS) == TOP + 4 * REGIONS
