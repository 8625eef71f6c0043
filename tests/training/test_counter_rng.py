"""Numbers that depend on nothing but where they are used."""

import itertools

import numpy as np
import pytest
import torch

from vostool.training.counter_rng import step_seed, uniforms

MASK = (1 << 64) - 1


def hashed(*keys: int) -> int:
    """The definition, in Python's whole numbers."""
    h = 0
    for key in keys:
        x = (h + (key + 1) * 0x9E3779B97F4A7C15) & MASK
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
        h = x ^ (x >> 31)
    return h


def test_the_hash_gives_splitmix64s_first_number() -> None:
    # the published test vector of SplitMix64 for the seed 0
    assert hashed(0) == 0xE220A8397B1DCDAF


def test_against_the_definition() -> None:
    drawn = uniforms(7, 123456, range(5, 9), 4)
    expected = [[(hashed(7, 123456, i, c) >> 40) / 2**24 for c in range(4)] for i in range(5, 9)]
    assert drawn.dtype == torch.float32
    assert drawn.tolist() == expected
    assert step_seed(7, 3, 1) == hashed(7, 3, 1) >> 32


def test_a_sample_is_the_same_whatever_is_drawn_with_it() -> None:
    whole = uniforms(1, 2, range(8), 10)
    parts = torch.cat([uniforms(1, 2, range(i, i + 2), 10) for i in range(0, 8, 2)])
    assert torch.equal(whole, parts)
    assert torch.equal(uniforms(1, 2, range(8), 3), whole[:, :3])


def test_they_are_uniform_and_independent() -> None:
    draws = {
        (seed, step): uniforms(seed, step, range(200), 50).numpy().astype(np.float64)
        for seed, step in itertools.product((0, 1), repeat=2)
    }
    for drawn in draws.values():
        assert drawn.min() >= 0
        assert drawn.max() < 1
        counts = np.histogram(drawn, 20, (0, 1))[0]
        assert ((counts - 500) ** 2 / 500).sum() < 43.8  # chi-squared, 19 degrees, p = 0.001
        # neighbours in each direction: 10 000 pairs, so |r| < 4 / sqrt(10 000)
        for a, b in ((drawn[1:], drawn[:-1]), (drawn[:, 1:], drawn[:, :-1])):
            assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.04
    for first, second in itertools.combinations(draws.values(), 2):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.04


@pytest.mark.parametrize("changed", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_every_key_changes_the_seed(changed: tuple[int, int, int]) -> None:
    assert step_seed(*changed) != step_seed(0, 0, 0)
    assert 0 <= step_seed(*changed) < 2**32
