"""Rows are exchanged once, whatever asks for them."""

import torch

from vostool.training.distributed import Ranks
from vostool.training.recorder import MetricBuffer


class Three(Ranks):
    """Three processes whose rows are 0, 1 and 2 times these; counts the exchanges."""

    exchanged: list[int] = []  # noqa: RUF012

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        self.exchanged.append(len(values))
        return values * (0 + 1 + 2) / 3 + 5


def test_a_row_is_averaged_once():
    ranks = Three(count=3)
    window = MetricBuffer(torch.device("cpu"))
    window.add({"total": torch.tensor(1.0)}, torch.tensor(2.0))
    first = window.fetch(1, ranks, infinite_norm=False)
    assert first.tolist() == [[6.0, 7.0]]
    window.add({"total": torch.tensor(3.0)}, torch.tensor(4.0))
    assert window.fetch(2, ranks, infinite_norm=False).tolist() == [[6.0, 7.0], [8.0, 9.0]]
    window.fetch(2, ranks, infinite_norm=False)
    resumed = MetricBuffer(torch.device("cpu"))
    resumed.restore(window.names, first)
    assert torch.equal(resumed.fetch(1, ranks, infinite_norm=False), first)
    assert ranks.exchanged == [1, 1]
    window.clear()
    window.add({"total": torch.tensor(0.0)}, torch.tensor(0.0))
    assert window.fetch(3, ranks, infinite_norm=False).tolist() == [[5.0, 5.0]]
