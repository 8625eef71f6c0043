"""Colors: normalised, blurred a little, and one half where nothing is known."""

import pytest
import torch

from vostool_trackers.siamese.inference.likelihood import BINS, bins_of, colors_of


def test_bins_number_the_colours():
    image = torch.tensor([[0.0, 255.0], [16.0, 15.9]])[None, None].expand(1, 3, 2, 2)
    number = (BINS + 1) * BINS + 1
    assert bins_of(image)[0].tolist() == [[0, 15 * number], [number, 0]]


def test_likelihood_by_hand():
    """Two colours far apart: 3 of 4 pixels inside have the one, all outside the other."""
    image = torch.zeros(1, 3, 2, 4)
    image[..., :3] = 100.0
    image[:, :, 1] = 220.0
    bins = bins_of(image)
    mask = torch.zeros(1, 2, 4, dtype=torch.bool)
    mask[:, 0] = True
    colours = colors_of(bins, mask)
    assert colours.inside.sum().item() == pytest.approx(1)
    assert colours.outside.sum().item() == pytest.approx(1)
    likely = colours.likelihood(bins)[0]
    centre = 0.5**3  # of the blur
    unknown = 0.25 / BINS**3
    inside, outside = 0.75 * centre + unknown, unknown
    assert likely[0, 0].item() == pytest.approx(inside / (inside + outside), rel=1e-4)
    assert likely[1, 0].item() == pytest.approx(unknown / (centre + 2 * unknown), rel=1e-3)
    never = torch.full_like(bins, int(bins_of(torch.full((1, 3, 1, 1), 160.0))))
    assert colours.likelihood(never).unique().tolist() == [0.5]


def test_an_object_without_pixels_is_unknown_not_wrong():
    bins = torch.zeros(1, 2, 2, dtype=torch.int64)
    colours = colors_of(bins, torch.zeros(1, 2, 2, dtype=torch.bool))
    assert colours.inside.sum() == 0
    assert (colours.likelihood(bins) < 0.01).all()


def test_mixing_keeps_objects_apart():
    bins = torch.tensor([[[0, 4095]], [[0, 4095]]])
    one = colors_of(bins, torch.tensor([[[True, False]], [[True, False]]]))
    other = colors_of(bins, torch.tensor([[[False, True]], [[False, True]]]))
    likely = one.mixed(other, torch.tensor([0.0, 1.0])).likelihood(bins)[:, 0]
    assert likely[0, 0] > 0.9
    assert likely[0, 1] < 0.1
    assert likely[1, 0] < 0.1
    assert likely[1, 1] > 0.9
