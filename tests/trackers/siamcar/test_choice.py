"""Which box is chosen, by hand; what is deliberately not repeated of the published program."""

import cv2
import numpy as np
import pytest
import torch

from vostool_trackers.siamcar.choice import FINE, cell_of, choose, enlarged, hann_window, stretched
from vostool_trackers.siamcar.network import Maps
from vostool_trackers.siamcar.settings import Config
from vostool_trackers.siamese.inference.ranking import change_penalty

SIZE = torch.tensor([[60.0, 40.0]])


def maps_of(*bumps: tuple[int, int, float], box=(30.0, 20.0, 30.0, 20.0), count: int = 1) -> Maps:
    """Return maps with smooth bumps of logits at (row, column, height), one box everywhere."""
    y, x = torch.meshgrid(torch.arange(25.0), torch.arange(25.0), indexing="ij")
    middle = torch.full((25, 25), -6.0)
    for row, column, height in bumps:
        bump = height - 0.5 * ((y - row) ** 2 + (x - column) ** 2)
        middle = torch.maximum(middle, bump)
    score = torch.stack((torch.zeros(25, 25), middle))[None].expand(count, -1, -1, -1)
    lengths = torch.tensor(box)[None, :, None, None].expand(count, -1, 25, 25)
    return Maps(score, middle[None].expand(count, -1, -1), lengths)


def chosen(maps: Maps, **settings):
    window = hann_window()
    return choose(maps, SIZE.expand(len(maps.box), -1), Config(**settings), window)


@pytest.mark.parametrize(("row", "column"), [(12, 12), (9, 15), (0, 24), (24, 3)])
def test_a_cell_lies_where_its_features_have_their_centre(row, column):
    """Cell j is pixel 8 j + 31 of the search crop, whose middle is 127."""
    choice = chosen(maps_of((row, column, 5.0)), window=0.0)
    assert choice.offsets[0].tolist() == pytest.approx(
        [8 * column + 31 - 127, 8 * row + 31 - 127], abs=1
    )
    assert choice.sizes[0].tolist() == pytest.approx([60, 40], rel=1e-4)
    assert choice.score[0].item() == pytest.approx(torch.tensor(5.0).sigmoid().item(), abs=0.02)


def test_the_published_enlargement_understates_movements():
    """By 7.72 to 8, as its pixels do not lie on the cells; ours do, unless asked otherwise."""
    maps = maps_of((12, 22, 0.0))
    ours, theirs = (
        chosen(maps, window=0.0, aligned=aligned).offsets[0, 0].item() for aligned in (True, False)
    )
    assert ours == pytest.approx(80, abs=1)
    assert theirs == pytest.approx(77.2, abs=1)


def test_enlarged_maps_are_opencvs_where_they_are_not_aligned():
    values = np.random.default_rng(3).normal(size=(25, 25)).astype(np.float32)
    expected = cv2.resize(values, (FINE, FINE), interpolation=cv2.INTER_CUBIC)
    found = enlarged(torch.from_numpy(values)[None, None], aligned=False)[0, 0].numpy()
    assert np.allclose(found, expected, atol=1e-5)
    aligned = enlarged(torch.from_numpy(values)[None, None], aligned=True)[0, 0].numpy()
    assert np.allclose(aligned[::8, ::8], values, atol=1e-5)


@pytest.mark.parametrize("aligned", [True, False])
def test_every_place_has_a_cell_that_exists(aligned):
    """The published program asks for cell 25 where the best place is at the rim."""
    cells = cell_of(torch.arange(FINE), aligned=aligned)
    assert cells.min() == 0
    assert cells.max() == 24
    assert (cells.diff() >= 0).all()
    rim = chosen(maps_of((24, 24, 0.0)), window=0.0, aligned=aligned)
    assert rim.offsets[0].tolist() == pytest.approx([96, 96] if aligned else [92.6, 92.6], abs=4)


def test_a_centerness_that_is_the_same_everywhere_decides_nothing():
    """The published program divides by zero there."""
    maps = maps_of((10, 13, 0.0))._replace(centerness=torch.full((1, 25, 25), 0.3))
    choice = chosen(maps, window=0.0)
    assert choice.offsets[0].tolist() == pytest.approx([8, -16], abs=1)
    assert choice.score.isfinite().all()
    assert stretched(torch.tensor([[[2.0, 4.0], [3.0, 2.0]]])).flatten().tolist() == pytest.approx(
        [0, 1, 0.5, 0]
    )


def test_a_change_of_shape_is_held_against_a_cell():
    maps = maps_of((12, 10, 2.0), (12, 15, 2.1))
    box = maps.box.clone()
    box[:, :, :, 13:] *= 2
    maps = maps._replace(box=box)
    for penalty, column in ((0.0, 15), (0.5, 10)):
        choice = chosen(maps, window=0.0, penalty=penalty)
        assert choice.offsets[0, 0].item() == pytest.approx(8 * (column - 12), abs=2)
    assert change_penalty(2 * SIZE, SIZE, 0.5).item() == pytest.approx(np.exp(-0.5))


def test_the_window_prefers_the_middle():
    maps = maps_of((12, 13, 2.0), (12, 21, 2.3))
    for window, column in ((0.0, 21), (0.45, 13)):
        choice = chosen(maps, window=window, penalty=0.0)
        assert choice.offsets[0, 0].item() == pytest.approx(8 * (column - 12), abs=3)


def test_the_fine_place_is_the_likeliest_within_half_of_the_box():
    """The window draws the coarse place towards the middle; the fine one is where it is likely."""
    near, far = maps_of((12, 13, 0.0)), maps_of((12, 19, 0.0))
    assert chosen(near, window=0.999).offsets[0, 0].item() == pytest.approx(8, abs=1)
    # The coarse place is the middle's, and lengths of 30 pixels reach 15 from there.
    assert abs(chosen(far, window=0.9999).offsets[0, 0].item()) <= 15
    assert chosen(far, window=0.0).offsets[0, 0].item() == pytest.approx(56, abs=1)


def test_several_objects_are_chosen_as_each_alone():
    torch.manual_seed(0)
    maps = Maps(
        torch.randn(3, 2, 25, 25), torch.randn(3, 25, 25), 20 + 20 * torch.rand(3, 4, 25, 25)
    )
    window, config = hann_window(), Config()
    sizes = torch.tensor([[60.0, 40.0], [30.0, 90.0], [50.0, 50.0]])
    together = choose(maps, sizes, config, window)
    for i in range(3):
        alone = choose(Maps(*(m[i : i + 1] for m in maps)), sizes[i : i + 1], config, window)
        assert torch.equal(alone.offsets[0], together.offsets[i])
        assert torch.allclose(alone.sizes[0], together.sizes[i])
