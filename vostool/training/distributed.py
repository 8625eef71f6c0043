"""Several processes that train one network, as `torchrun` starts them.

torchrun tells each process its number by the environment variables RANK, WORLD_SIZE and LOCAL_RANK;
without them there is one process, and nothing here communicates.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from vostool.errors import ConfigError, ResourceError

# The others wait as long for the first process, which prepares the data and validates.
_PATIENCE = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among all.

    Args:
        rank: its number, from 0; 0 alone writes, validates and prints.
        count: how many there are.
        local: its number on this machine.
    """

    rank: int = 0
    count: int = 1
    local: int = 0

    @classmethod
    def from_environment(cls) -> "Ranks":
        """Return what torchrun says."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        rank, count, local = (int(os.environ.get(n, d)) for n, d in zip(names, "010", strict=True))
        return cls(rank, count, local)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def device(self, device: str) -> torch.device:
        """Return this process's own device: with `cuda`, the GPU of its number.

        Raises:
            ResourceError: there are fewer GPUs than processes.
        """
        if device != "cuda" or self.count == 1:
            return torch.device(device)
        if self.local >= torch.cuda.device_count():
            raise ResourceError(
                f"Process {self.local} has no GPU: there are {torch.cuda.device_count()}. Start "
                "torchrun with --nproc-per-node of that number."
            )
        return torch.device("cuda", self.local)

    @contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """Meet the other processes; leave them at the end."""
        if device.type == "cuda":
            torch.cuda.set_device(device)
        if self.count == 1:
            yield
            return
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
        yield
        dist.destroy_process_group()  # not after a failure: the others may be waiting still

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Let the first process do something before the others do it."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            dist.barrier()

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes."""
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def any(self, flag: bool, device: torch.device) -> bool:
        """Tell whether any process says so; all must ask."""
        if self.count == 1:
            return flag
        flags = torch.tensor(float(flag), device=device)
        dist.all_reduce(flags)
        return bool(flags.item())

    def share(self, batch: int, accumulate: int, part: int) -> range:
        """Return the samples of a batch that this process computes in one of its parts.

        Raises:
            ConfigError: the batch cannot be split evenly.
        """
        pieces = self.count * accumulate
        if batch % pieces:
            raise ConfigError(
                f"train.batch = {batch} cannot be split evenly over {self.count} process(es) and "
                f"train.accumulate = {accumulate}. Choose a multiple of {pieces}."
            )
        size = batch // pieces
        first = (part * self.count + self.rank) * size
        return range(first, first + size)
