"""Processes of one start agree on a name, whatever an earlier start has left."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist

from vostool.training.rendezvous import agreed_name, store_of_this_start

SOON = timedelta(seconds=20)


def agree(store: dist.Store, count: int) -> list[str]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda rank: agreed_name(store, rank, count, SOON), range(count)))


def test_every_start_has_a_name_of_its_own() -> None:
    store = dist.HashStore()
    starts = [agree(store, count) for count in (3, 3, 2, 4, 1)]  # also with other numbers
    assert all(len(set(names)) == 1 for names in starts)
    assert len({names[0] for names in starts}) == len(starts)


@pytest.mark.parametrize(("rank", "whom"), [(0, "process 1"), (1, "the first process")])
def test_who_does_not_come_is_not_waited_for_in_vain(rank: int, whom: str) -> None:
    store = dist.HashStore()
    agree(store, 2)
    with pytest.raises(dist.DistStoreError, match=f"{whom} did not come"):
        agreed_name(store, rank, 2, timedelta(seconds=0.3))


def test_without_an_agent_torch_makes_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    assert store_of_this_start(0, 2, SOON) is None
