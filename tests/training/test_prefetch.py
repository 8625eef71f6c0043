"""Batches drawn ahead are those that would have been drawn, and their errors are not lost."""

import threading

import pytest
import torch

from vostool.training.prefetch import Prefetcher


class Counting:
    """Draws a batch that says what it was asked for, and remembers in which thread."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def batch(self, step: int, indices: range) -> dict[str, torch.Tensor]:
        self.threads.append(threading.get_ident())
        if step == 9:
            raise ValueError("no batch of step 9")
        return {"index": 100 * step + torch.tensor(indices)}


def test_a_batch_drawn_ahead_is_the_one_asked_for() -> None:
    task = Counting()
    with Prefetcher(task, enabled=True) as batches:
        batches.expect(3, range(4, 6))
        assert batches.batch(3, range(4, 6))["index"].tolist() == [304, 305]
        assert batches.batch(2, range(1))["index"].tolist() == [200]
    elsewhere, here = task.threads
    assert elsewhere != threading.get_ident() == here


def test_what_was_not_asked_for_is_forgotten() -> None:
    with Prefetcher(Counting(), enabled=True) as batches:
        batches.expect(3, range(2))
        batches.expect(4, range(2))
        assert batches.batch(4, range(2))["index"].tolist() == [400, 401]
        assert batches.batch(3, range(2))["index"].tolist() == [300, 301]


def test_its_errors_come_where_it_is_asked_for() -> None:
    with Prefetcher(Counting(), enabled=True) as batches:
        batches.expect(9, range(2))
        with pytest.raises(ValueError, match="step 9"):
            batches.batch(9, range(2))


def test_disabled_it_starts_no_thread() -> None:
    task, before = Counting(), threading.active_count()
    with Prefetcher(task, enabled=False) as batches:
        batches.expect(1, range(2))
        assert threading.active_count() == before
        assert batches.batch(1, range(2))["index"].tolist() == [100, 101]
    assert task.threads == [threading.get_ident()]
