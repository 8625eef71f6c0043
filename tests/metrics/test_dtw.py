"""Cheapest ways through grids, also among ways that cost the same."""

from itertools import pairwise

import numpy as np
import pytest

from vostool.metrics.dtw import cheapest_path

# Found by `dijkstra_shortest_paths` of Boost 1.74 on the same graphs, edges listed by the cell they
# lead to, in reading order: from the left, from above, from both.
TIED = [
    (np.zeros((5, 9)), "48 47 46 45 34 23 12 01 00"),
    (np.ones((7, 4)), "63 52 42 32 22 11 00"),
    (np.array([[2, 0, 0, 0], [0, 2, 2, 1], [0, 0, 0, 1], [1, 1, 0, 0]]), "33 32 21 10 00"),
    (
        np.array(
            [
                [2, 2, 0, 0, 1, 1, 2],
                [1, 1, 1, 1, 1, 0, 2],
                [2, 2, 2, 0, 0, 1, 1],
                [2, 2, 0, 2, 0, 0, 2],
                [2, 0, 0, 0, 0, 2, 1],
            ]
        ),
        "46 35 34 23 12 11 00",
    ),
]


@pytest.mark.parametrize(("costs", "cells"), TIED)
def test_of_equal_ways_the_one_that_boost_takes(costs, cells):
    expected = [(int(row), int(column)) for row, column in cells.split()]
    assert cheapest_path(costs.astype(np.float64)) == expected


def least_cost(costs):
    """Return the cost of the cheapest way, by filling a table."""
    table = np.full(costs.shape, np.inf)
    table[0, 0] = 0
    for row, column in np.ndindex(costs.shape):
        for before in ((row, column - 1), (row - 1, column), (row - 1, column - 1)):
            if min(before) >= 0:
                table[row, column] = min(table[row, column], table[before] + costs[row, column])
    return table[-1, -1]


@pytest.mark.parametrize("seed", range(10))
def test_is_a_way_and_the_cheapest(seed):
    rng = np.random.default_rng(seed)
    costs = rng.random(rng.integers(2, 40, 2))
    path = cheapest_path(costs)
    assert path[0] == (costs.shape[0] - 1, costs.shape[1] - 1)
    assert path[-1] == (0, 0)
    steps = {(a - c, b - d) for (a, b), (c, d) in pairwise(path)}
    assert steps <= {(0, 1), (1, 0), (1, 1)}
    assert sum(costs[cell] for cell in path[:-1]) == pytest.approx(least_cost(costs))


def test_a_single_row():
    assert cheapest_path(np.ones((1, 4))) == [(0, 3), (0, 2), (0, 1), (0, 0)]
