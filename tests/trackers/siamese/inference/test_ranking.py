"""Penalty and window, by hand."""

import math

import pytest
import torch

from vostool_trackers.siamese.inference.ranking import change_penalty, cosine_window


def test_nothing_changed_costs_nothing():
    size = torch.tensor([[30.0, 50.0]])
    assert change_penalty(size, size, 0.5).item() == pytest.approx(1.0)


def test_twice_as_large_and_half_as_large_cost_the_same():
    size = torch.tensor([[30.0, 50.0]])
    expected = math.exp(-(2 - 1) * 0.5)
    assert change_penalty(2 * size, size, 0.5).item() == pytest.approx(expected)
    assert change_penalty(size / 2, size, 0.5).item() == pytest.approx(expected)


def test_the_window_is_highest_in_the_middle_and_even():
    window = cosine_window(25)
    assert window[12, 12] == 1
    assert window.min() > 0
    assert torch.allclose(window, window.flip(0))
    assert torch.allclose(window, window.T)
