"""Proposals and objects: scores of every pair, and the best assignment."""

import subprocess
import sys
from itertools import permutations

import numpy as np
import pytest

from vostool.metrics.assignment import assign, proposal_scores
from vostool.metrics.boundary import contour_accuracy
from vostool.metrics.jaccard import region_similarity


@pytest.mark.parametrize(
    ("scores", "rows"),
    [
        ([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [1, 2, 0]),
        ([[0.9, 0.8], [0.7, 0.0], [0.0, 0.0]], [1, 0]),  # 1.5 in all; greedily it were 0.9
        ([[0.2], [0.4], [0.3]], [1]),
    ],
)
def test_the_sum_is_highest(scores: list[list[float]], rows: list[int]) -> None:
    assert assign(np.array(scores)) == rows


def test_no_other_assignment_is_better() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = rng.random((5, 3))
        best = max(sum(scores[r, [0, 1, 2]]) for r in map(list, permutations(range(5), 3)))
        assert scores[assign(scores), [0, 1, 2]].sum() == pytest.approx(best)


def test_every_pair() -> None:
    rng = np.random.default_rng(1)
    prediction, truth = rng.integers(0, 4, (2, 9, 11)).astype(np.uint8)
    prediction[prediction == 2] = 0
    scores = proposal_scores(prediction, truth, [1, 2, 3, 5], 4, radius=1)
    assert scores.shape == (5, 4, 2)
    for column, object_id in enumerate([1, 2, 3, 5]):
        for proposal in (1, 2, 3, 4):
            ours, theirs = prediction == proposal, truth == object_id
            j, f = region_similarity(ours, theirs), contour_accuracy(ours, theirs, 1)
            absent = proposal in (2, 4)
            assert tuple(scores[0 if absent else proposal, column]) == (j, f)
            assert tuple(scores[proposal, column]) == (j, f)


def test_the_solver_is_loaded_only_when_needed() -> None:
    code = "import sys, vostool.scoring.masks; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
