"""Crops: where their pixels come from, and what lies outside."""

import pytest
import torch

from vostool_trackers.siamese.crops import context_side, cut


def ramp(height: int = 60, width: int = 80) -> torch.Tensor:
    """Return a frame whose first two channels are the coordinates of its pixels."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack((x, y, x + y)).float()


def test_context_by_hand():
    """A box of 30 x 50: p = 40, sqrt(70 x 90)."""
    assert context_side(torch.tensor([[30.0, 50.0]])).item() == pytest.approx(6300**0.5)


def test_every_pixel_comes_from_its_place():
    centre, side = (40.0, 30.0), 21.0
    (crop,) = cut(ramp(), torch.tensor([centre]), torch.tensor([side]), 63)
    steps = (torch.arange(63) - 31) / 3  # 63 pixels on 21
    assert torch.allclose(crop[0], (centre[0] + steps).expand(63, 63), atol=1e-3)
    assert torch.allclose(crop[1], (centre[1] + steps)[:, None].expand(63, 63), atol=1e-3)


def test_outside_is_the_mean_colour():
    frame = ramp()
    (crop,) = cut(frame, torch.tensor([[-100.0, 20.0]]), torch.tensor([40.0]), 31)
    assert torch.allclose(crop, frame.mean((1, 2))[:, None, None].expand(3, 31, 31), atol=1e-3)


def test_several_at_once_are_those_one_by_one():
    centres, sides = torch.tensor([[10.0, 10.0], [60.0, 50.0]]), torch.tensor([30.0, 55.0])
    both = cut(ramp(), centres, sides, 31)
    for i in range(2):
        alone = cut(ramp(), centres[i : i + 1], sides[i : i + 1], 31)
        assert torch.equal(alone[0], both[i])
