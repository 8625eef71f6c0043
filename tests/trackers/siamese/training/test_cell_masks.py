"""Masks of cells: where they are cut out, and what is lost."""

import math

import pytest
import torch

from vostool_trackers.siamese.training.cell_masks import cell_masks, mask_loss, windows_of


def test_windows_lie_around_their_cells():
    mask = torch.zeros(1, 255, 255, dtype=torch.bool)
    mask[0, 31 + 8 * 4, 31 + 8 * 20] = True
    signs = windows_of(mask, torch.tensor([0, 0]), torch.tensor([[4, 20], [0, 0]]))
    assert signs[0, 63, 63] == 1
    assert (signs[0] == 1).sum() == 1
    # The window of the first cell begins at pixel 31 - 63: 32 lines of it are outside.
    assert (signs[1, :32] == 0).all()
    assert (signs[1, 32:, 32:] == -1).all()


def test_only_asked_cells_have_weight():
    cell = torch.zeros(2, 25, 25, dtype=torch.bool)
    cell[0, 3, 7] = cell[0, 4, 7] = True
    mask = torch.zeros(2, 255, 255, dtype=torch.bool)
    drawn = cell_masks(mask, cell, torch.rand(2, 625), 3)
    assert drawn.weight.tolist() == [0.5, 0.5, 0, 0, 0, 0]
    assert sorted(drawn.cells[:2].tolist()) == [[3, 7], [4, 7]]
    assert drawn.batch.tolist() == [0, 0, 0, 1, 1, 1]


def test_loss_by_hand():
    signs = torch.tensor([[[1.0, -1.0], [0.0, 1.0]]])
    assert mask_loss(torch.zeros(1, 2, 2), signs).item() == pytest.approx(math.log(2))
    logits = torch.tensor([[[2.0, 1.0], [9.0, -1.0]]])
    expected = (math.log1p(math.exp(-2)) + 2 * math.log1p(math.exp(1))) / 3
    assert mask_loss(logits, signs).item() == pytest.approx(expected)
