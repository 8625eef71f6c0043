"""The network: sizes as published, templates that matter, windows around cells."""

import pytest
import torch
import torch.nn.functional as F

from vostool_trackers.siamese.model.trunk import Grid
from vostool_trackers.siammask.network import Shape, SiamMask
from vostool_trackers.siammask.refine import starts
from vostool_trackers.siammask.windows import windows

GRIDS = (Grid(64, 2, 3), Grid(256, 4, 3), Grid(512, 8, 7))  # of the published backbone


@pytest.mark.parametrize(
    ("variant", "count"), [("base", 18_816_735), ("sharp", 21_482_052), ("box", 16_549_982)]
)
def test_it_has_as_many_parameters_as_the_published_weights(variant, count):
    with torch.device("meta"):
        network = SiamMask(Shape(variant=variant))
    assert sum(p.numel() for p in network.parameters()) == count


@torch.no_grad()
def test_what_it_says_depends_on_the_template(small):
    search = torch.rand(1, 3, 255, 255) * 255
    cells = torch.tensor([0]), torch.tensor([[12, 12]])
    said = [small(255 * torch.rand(1, 3, 127, 127), search, *cells) for _ in range(2)]
    for one, other in zip(*said, strict=True):
        assert (one - other).abs().max() > 1e-4


@torch.no_grad()
def test_masks_of_cells_do_not_depend_on_which_others_are_asked_for(small):
    kernels = small.kernels(small.trunk.prepared(255 * torch.rand(2, 3, 127, 127)))
    found = small.search(kernels, small.trunk.prepared(255 * torch.rand(2, 3, 255, 255)))
    batch, cells = torch.tensor([0, 1, 1]), torch.tensor([[0, 24], [12, 3], [7, 7]])
    together = small.masks(found.joint, found.levels, batch, cells)
    for index in range(3):
        some = slice(index, index + 1)
        alone = small.masks(found.joint, found.levels, batch[some], cells[some])[0]
        assert torch.allclose(alone, together[index], atol=1e-4)


def test_windows_are_what_unfolding_gives():
    features = torch.rand(2, 3, 17, 19)
    unfolded = F.unfold(F.pad(features, (4, 4, 4, 4)), 7, stride=2)
    unfolded = unfolded.reshape(2, 3, 7, 7, 10, 11)
    for row, column in ((0, 0), (9, 10), (3, 8)):
        start = torch.tensor([[2 * row - 4, 2 * column - 4]] * 2)
        cut = windows(features, torch.tensor([0, 1]), start, 7)
        assert torch.equal(cut, unfolded[..., row, column])


@pytest.mark.parametrize("index", range(3))
def test_windows_are_centred_on_the_cell(index):
    """A spot on the crop under a cell is in the middle of the cell's windows, on all grids."""
    grid = GRIDS[index]
    row, column = 12, 5
    features = torch.zeros(1, 1, 130, 130)
    place = [(31 + 8 * cell - grid.offset) // grid.stride for cell in (row, column)]
    features[0, 0, place[0], place[1]] = 1
    side = (61, 31, 15)[index]
    cut = windows(features, torch.tensor([0]), starts(torch.tensor([[row, column]]), grid), side)
    assert cut[0, 0, (side - 1) // 2, (side - 1) // 2] == 1
