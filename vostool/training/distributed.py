"""Several processes that train one network, as `torchrun` starts them.

torchrun sets RANK, WORLD_SIZE and LOCAL_RANK in the environment of each process;
without them there is one process and no communication.

When a process dies the others fail, at once or after `patience`, and torchrun restarts all of them,
possibly in another number: see `rendezvous`, `partition` and `shared_folder`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import torch
import torch.distributed as dist

from vostool.errors import ResourceError
from vostool.training.rendezvous import store_of_this_start

# The others wait as long for the first process, which prepares the data and validates.
_LONG = timedelta(hours=3)
_TEXT = 512  # bytes of a text that processes tell each other


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among all.

    Args:
        rank: its number, from 0; 0 alone writes, validates and prints.
        count: how many there are.
        local: its number on this machine.
        control: group with a long timeout for waiting, once the processes have joined.
    """

    rank: int = 0
    count: int = 1
    local: int = 0
    control: "dist.ProcessGroup | None" = None

    @classmethod
    def from_environment(cls) -> "Ranks":
        """Read torchrun's environment variables."""
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        rank, count, local = (int(os.environ.get(n, d)) for n, d in zip(names, "010", strict=True))
        return cls(rank, count, local)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def device(self, device: str) -> torch.device:
        """Return this process's device: with `cuda`, the GPU of its local rank.

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
    def joined(self, device: torch.device, patience: float) -> Iterator["Ranks"]:
        """Join the process group; leave it at the end.

        Args:
            device: of this process.
            patience: seconds to wait for another process within a step.

        Raises:
            ResourceError: another process is gone.
        """
        if device.type == "cuda":
            torch.cuda.set_device(device)
        if self.count == 1:
            yield self
            return
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        try:
            limit = timedelta(seconds=patience)
            store = store_of_this_start(self.rank, self.count, limit)
            dist.init_process_group(
                backend, timeout=limit, store=store, rank=self.rank, world_size=self.count
            )
            control = dist.new_group(backend="gloo", timeout=_LONG)
            assert not isinstance(control, int), "all processes are in it"
            met = replace(self, control=control)
            yield met
            met.wait()
        except RuntimeError as error:
            if not _of_the_connection(error):
                raise
            raise ResourceError(
                f"Process {self.rank} of {self.count} has lost another one, which died, stands "
                f"still or cannot be reached ({str(error).splitlines()[0]}). Checkpoints are kept: "
                "torchrun with --max-restarts goes on from the newest by itself, and so does the "
                "same command when it is run again."
            ) from error
        dist.destroy_process_group()  # not after a failure: the others may be waiting still

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Run the block on rank 0, then on the first rank of each machine, then on the others."""
        turn = 0 if self.leads else 1 if self.local == 0 else 2
        for _ in range(turn):
            self.wait()
        yield
        for _ in range(2 - turn):
            self.wait()

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            dist.barrier(self.control)

    def follow(self) -> None:
        """Wait for rank 0, which does not wait itself: the next step shows who is gone."""
        if self.count > 1:
            dist.broadcast(torch.zeros(1), 0, group=self.control, async_op=self.leads)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes."""
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def any(self, flag: bool, device: torch.device) -> bool:
        """Return True if the flag is set in any process; all must call."""
        if self.count == 1:
            return flag
        flags = torch.tensor(float(flag), device=device)
        dist.all_reduce(flags)
        return bool(flags.item())

    def texts(self, text: str) -> list[str]:
        """Gather a short text from every process, in order of rank; all must call."""
        if self.count == 1:
            return [text]
        own = torch.zeros(_TEXT, dtype=torch.uint8)
        said = text.encode()[:_TEXT]
        own[: len(said)] = torch.tensor(list(said), dtype=torch.uint8)
        found = [torch.empty_like(own) for _ in range(self.count)]
        dist.all_gather(found, own, group=self.control)
        return [bytes(each.tolist()).rstrip(b"\0").decode(errors="replace") for each in found]


# What gloo's errors say, most of which name the file of gloo that they are raised in.
_GLOO = ("gloo/", "Gloo", "pair closure", "closed by peer", "reset by peer")


def _of_the_connection(error: RuntimeError) -> bool:
    """Return True for errors of the connection; gloo's have no type of their own."""
    return isinstance(error, dist.DistError) or any(part in str(error) for part in _GLOO)
