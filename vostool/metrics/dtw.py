"""The cheapest way through a grid of costs, from its first to its last cell.

A step leads to the next column, the next row or both. This is dynamic time warping, but ways that
cost the same are common here, and which of them is taken decides the temporal stability. The
official evaluator runs Dijkstra's algorithm with the 4-ary heap of Boost, which goes on first from
the cell that comes first off the heap. A table of least costs tells the way, but where two cells
cost the same to the last bit; then the heap itself must, and it is kept here for that.
"""

from math import inf

import numpy as np
from numpy.typing import NDArray

_CHILDREN = 4
_UNSEEN = -1


class _Heap:
    """A 4-ary heap of cells by cost, with the costs beside it.

    Args:
        cells: number of cells.
    """

    def __init__(self, cells: int) -> None:
        self.cost = [inf] * cells
        self._items: list[int] = []
        self._place = [_UNSEEN] * cells

    def lower(self, cell: int, cost: float) -> None:
        """Give a cell a lower cost; one that is not on the heap yet is put there."""
        costs, items, places = self.cost, self._items, self._place
        costs[cell] = cost
        place = places[cell]
        if place == _UNSEEN:
            place = len(items)
            items.append(cell)
        while place:
            above = (place - 1) // _CHILDREN
            other = items[above]
            if not cost < costs[other]:
                break
            items[place], places[other] = other, place
            place = above
        items[place], places[cell] = cell, place

    def pop(self) -> int:
        """Remove and return a cell of the lowest cost."""
        costs, items, places = self.cost, self._items, self._place
        lowest, moved = items[0], items.pop()
        if not items:
            return lowest
        place, cost = 0, costs[moved]
        while children := items[_CHILDREN * place + 1 : _CHILDREN * place + 1 + _CHILDREN]:
            child = min(children, key=costs.__getitem__)  # of equal ones the first
            if not costs[child] < cost:
                break
            items[place], places[child] = child, place
            place = _CHILDREN * place + 1 + children.index(child)
        items[place], places[moved] = moved, place
        return lowest


def cheapest_path(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the cells of the cheapest way, the last cell first.

    Args:
        costs: (M, N) float64, at least 0, the cost of stepping onto each cell; that of the first
            does not count.
    """
    columns = costs.shape[1]
    path = _path_by_table(costs) or _path_by_heap(costs)
    return [divmod(cell, columns) for cell in path]


def _path_by_table(costs: NDArray[np.float64]) -> list[int] | None:
    """Return the cells of the cheapest way, or None if it depends on the heap."""
    least = _least_costs(costs)
    row, column = costs.shape
    path = [(row - 1) * costs.shape[1] + column - 1]
    while path[-1]:
        cost = costs[row - 1, column - 1]
        before = [
            (least[cell], cell)
            for cell in ((row, column - 1), (row - 1, column), (row - 1, column - 1))
            if least[cell] + cost == least[row, column]
        ]
        first, (row, column) = min(before)
        if sum(other == first for other, _ in before) > 1:
            return None
        path.append((row - 1) * costs.shape[1] + column - 1)
    return path


def _least_costs(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost of the cheapest way to each cell, a row and a column of inf before them."""
    rows, columns = costs.shape
    stride = columns + 1
    table = np.full((rows + 1, stride), inf)
    table[1, 1] = 0
    flat = table.ravel()
    steps = np.pad(costs, ((1, 0), (1, 0))).ravel()
    for diagonal in range(1, rows + columns - 1):
        top = max(0, diagonal - columns + 1)
        count = min(diagonal, rows - 1) - top + 1
        start = (top + 1) * stride + diagonal - top + 1
        # One row down and one column back: `stride - 1` cells on.
        here, left, above, both = (
            slice(first, first + (count - 1) * (stride - 1) + 1, stride - 1)
            for first in (start, start - 1, start - stride, start - stride - 1)
        )
        best = np.minimum(np.minimum(flat[left], flat[above]), flat[both])
        flat[here] = best + steps[here]
    return table


def _path_by_heap(costs: NDArray[np.float64]) -> list[int]:
    """Return the cells of the cheapest way by Dijkstra's algorithm."""
    rows, columns = costs.shape
    step_cost: list[float] = costs.ravel().tolist()
    last = rows * columns - 1
    heap = _Heap(rows * columns)
    came_from: dict[int, int] = {}
    heap.lower(0, 0.0)
    while (cell := heap.pop()) != last:
        if cell >= last - columns + 1:
            onward: tuple[int, ...] = (cell + 1,)
        elif cell % columns == columns - 1:
            onward = (cell + columns,)
        else:
            onward = (cell + 1, cell + columns, cell + columns + 1)
        for other in onward:
            cost = heap.cost[cell] + step_cost[other]
            if cost < heap.cost[other]:
                came_from[other] = cell
                heap.lower(other, cost)
    path = [last]
    while path[-1]:
        path.append(came_from[path[-1]])
    return path
