"""A fresh rendezvous store for every torchrun (re)start.

torchrun's agent keeps one key-value store across restarts of its processes (unless
TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1), and torch uses the same keys in every start. So a process may
read the address of a dead one, and the new start fails or hangs. torchrun's restart count does not
help, since every machine counts its own (pytorch issue 135712). Here the processes of a start agree
on a name that was never used before and prefix their keys with it.
"""

import os
import secrets
import time
from datetime import timedelta
from typing import Any

import torch.distributed as dist

Store = Any  # of torch.distributed, which does not export the type
_PAUSE = 0.05  # seconds between polls


def store_of_this_start(rank: int, count: int, patience: timedelta) -> Store | None:
    """Return the store to meet in, or None where torchrun's agent has none: torch makes one then.

    Args:
        rank: number of this process.
        count: processes of this start.
        patience: how long to wait for the others.

    Raises:
        DistStoreError: they did not all come.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    types: Any = dist  # which exports these classes, but not to type checkers
    shared = types.TCPStore(address, port, None, False, patience)
    name = agreed_name(types.PrefixStore("vostool", shared), rank, count, patience)
    return types.PrefixStore(name, shared)


def agreed_name(store: Store, rank: int, count: int, patience: timedelta) -> str:
    """Agree with the other processes of this start on a new name.

    Every process but the first leaves a random call, and takes the name that answers this very
    call; the first answers whatever call it sees until all have taken its name. What an earlier
    start has left neither answers a new call nor takes a new name.

    Raises:
        DistStoreError: not all came within the patience.
    """
    deadline = time.monotonic() + patience.total_seconds()
    if rank:
        call = secrets.token_hex(8)
        store.set(f"call{rank}", call)
        while not (answer := _read(store, f"answer{rank}")).startswith(call):
            _pause(deadline, "the first process")
        name = answer.removeprefix(call)
        store.set(f"{name}{rank}", "taken")
        return name
    name = secrets.token_hex(8)
    missing = set(range(1, count))
    while missing:
        for other in sorted(missing):
            store.set(f"answer{other}", _read(store, f"call{other}") + name)
            if _read(store, f"{name}{other}"):
                missing.remove(other)
        if missing:
            _pause(deadline, f"process {min(missing)}")
    return name


def _read(store: Store, key: str) -> str:
    return store.get(key).decode() if store.check([key]) else ""


def _pause(deadline: float, whom: str) -> None:
    if time.monotonic() >= deadline:
        raise dist.DistStoreError(f"{whom} did not come")
    time.sleep(_PAUSE)
