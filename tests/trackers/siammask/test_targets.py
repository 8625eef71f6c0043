"""What the network should say, against the definitions written out."""

import pytest
import torch

from vostool_trackers.siamese.inference.components import boxes_of
from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.model.rpn import anchor_sizes, decode, encode
from vostool_trackers.siamese.training.cell_masks import mask_loss
from vostool_trackers.siamese.training.rpn_targets import rpn_targets
from vostool_trackers.siammask.targets import targets_of

NOISE = torch.rand(2, 3125, generator=torch.Generator().manual_seed(0))


def square(x: int, y: int, w: int, h: int) -> torch.Tensor:
    mask = torch.zeros(2, 255, 255, dtype=torch.bool)
    mask[0, y : y + h, x : x + w] = True
    return mask


def test_boxes_are_those_of_the_masks():
    centres, sizes, present = boxes_of(square(100, 90, 30, 41))
    assert centres[0].tolist() == [114.5, 110.0]
    assert sizes[0].tolist() == [30, 41]
    assert present.tolist() == [True, False]


def test_anchors_on_the_object_are_those_that_overlap_it():
    targets = rpn_targets(square(95, 95, 64, 64), NOISE)
    label = targets.label[0]
    assert 1 <= (label == 1).sum() <= 16
    assert (label >= 0).sum() == 64
    centre, side = torch.tensor([126.5, 126.5]), torch.tensor([64.0, 64.0])
    for anchor, row, column in (label == 1).nonzero().tolist():
        own, at = anchor_sizes(torch.device("cpu"))[anchor], cell_centres()[row, column]
        low = torch.maximum(centre - side / 2, at - own / 2)
        high = torch.minimum(centre + side / 2, at + own / 2)
        common = (high - low).clamp(min=0).prod()
        assert common / (side.prod() + own.prod() - common) > 0.6
    elsewhere = targets.label[1]
    assert (elsewhere == 1).sum() == 0
    assert (elsewhere == 0).sum() == 16
    assert (elsewhere[:, 9:16, 9:16] == 0).sum() == 16


def test_an_object_that_no_anchor_fits_has_the_best_one():
    targets = rpn_targets(square(60, 120, 150, 30), NOISE)
    assert (targets.label[0] == 1).sum() >= 1


def test_labels_of_a_mirrored_object_are_mirrored():
    mask = square(70, 110, 80, 50)
    flipped = mask.flip(2)
    noise = torch.zeros_like(NOISE)  # all alike: none is drawn before its mirror image
    cells = rpn_targets(mask, noise).deltas, rpn_targets(flipped, noise).deltas
    assert torch.allclose(cells[0][:, 1:], cells[1][:, 1:].flip(-1), atol=1e-5)
    assert torch.allclose(cells[0][0, 0], -cells[1][0, 0].flip(-1), atol=1e-5)


def test_boxes_survive_being_told_as_changes_of_anchors():
    centres, sizes = torch.tensor([[100.0, 130.0]]), torch.tensor([[50.0, 20.0]])
    again = decode(encode(centres, sizes, cell_centres()), cell_centres())
    assert torch.allclose(again[0], centres.expand_as(again[0]), atol=1e-3)
    assert torch.allclose(again[1], sizes.expand_as(again[1]), atol=1e-3)


def test_masks_are_the_pixels_around_their_cells():
    mask = square(95, 95, 64, 64)
    targets = targets_of(mask, NOISE, 4)
    assert targets.weight.reshape(2, 4).sum(dim=1).tolist() == pytest.approx([1.0, 0.0])
    padded = torch.zeros(255 + 400, 255 + 400)
    padded[200:455, 200:455] = 2 * mask[0].float() - 1
    for index in range(4):
        row, column = targets.cells[index].tolist()
        top, left = 200 + 8 * row - 32, 200 + 8 * column - 32
        assert torch.equal(targets.masks[index], padded[top : top + 127, left : left + 127])


def test_the_loss_of_masks_that_say_nothing_is_ln_2():
    signs = torch.ones(1, 127, 127)
    signs[0, :50] = 0  # outside of the crop
    assert float(mask_loss(torch.zeros(1, 63, 63), signs)) == pytest.approx(0.693147, abs=1e-5)
    assert float(mask_loss(torch.full((1, 127, 127), 30.0), signs)) < 1e-6
