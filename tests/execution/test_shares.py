"""Dividing sequences among tasks and shards."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vostool.execution.distribute import FRAMES, MANY, batches, share_of
from vostool.types import Clip


def clips(*lengths: int) -> list[Clip]:
    return [Clip(f"s{n:05d}", (Path("f.jpg"),) * length) for n, length in enumerate(lengths)]


def lengths(tasks: list[list[Clip]]) -> list[list[int]]:
    return [list(map(len, task)) for task in tasks]


def test_one_sequence_a_task_the_longest_first():
    assert lengths(batches(clips(3, 9, 5))) == [[9], [5], [3]]
    assert lengths(batches(clips(3, 9, 5), 0)) == [[9], [5], [3]]


def test_short_ones_are_put_together_up_to_so_many_frames():
    assert lengths(batches(clips(90, 20, 30, 5, 50), 60)) == [[90], [50], [30, 20, 5]]
    assert lengths(batches(clips(*[10] * 7), 30)) == [[10] * 3, [10] * 3, [10]]


def test_sets_of_today_stay_one_sequence_a_task():
    """YouTube-VOS has 4453 videos in all, DAVIS 150."""
    assert all(len(task) == 1 for task in batches(clips(*[27] * 4453)))
    assert all(len(task) == 1 for task in batches(clips(*[27] * MANY)))


def test_very_many_are_put_together():
    tasks = batches(clips(*[27] * 100_000))
    assert len(tasks) == -(-100_000 // (FRAMES // 27))
    assert max(sum(map(len, task)) for task in tasks) <= FRAMES


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 9))
def test_shards_are_all_of_it_once_and_about_alike(sizes: list[int], shards: int):
    all_of_them = clips(*sizes)
    shares = [share_of(all_of_them, i, shards) for i in range(1, shards + 1)]
    assert Counter(c.name for share in shares for c in share) == Counter(
        c.name for c in all_of_them
    )
    loads = [sum(map(len, share)) for share in shares]
    # Graham 1969: the largest load is at most 4/3 of the best one, which is at least the mean.
    best = max([sum(sizes) / shards, *sizes]) if sizes else 0
    assert max(loads) <= (4 / 3) * max(best, _pairs(sizes, shards))


def _pairs(sizes: list[int], shards: int) -> int:
    """Return another bound on the best: with one more than shards, two of the longest meet."""
    ordered = sorted(sizes, reverse=True)
    return ordered[shards - 1] + ordered[shards] if len(ordered) > shards else 0


@pytest.mark.parametrize("reverse", [False, True])
def test_a_share_depends_on_names_and_lengths_alone(reverse: bool):
    some = clips(5, 5, 5, 5, 9, 1)
    given_order = some[::-1] if reverse else some
    share = share_of(given_order, 2, 3)
    assert {c.name for c in share} == {c.name for c in share_of(some, 2, 3)}
    assert share == [c for c in given_order if c in share]
