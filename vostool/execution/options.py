"""Where tasks are computed, as the user asked: in this process, in several, or on a cluster."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from vostool.environment import cores
from vostool.errors import ResourceError, UsageError, require
from vostool.execution.pools import LOCAL, VISIBLE, Crew, Result, Tls, WorkerPool, Workers

ALL = -1  # in `gpus`: every GPU of this machine


@dataclass(frozen=True, slots=True)
class Execution:
    """What computes tasks.

    Args:
        workers: processes of this machine; None for one, or for as many as there are cores if
            `scheduler` is `local-cluster`.
        gpus: one process for each of these GPUs, counted from 0.
        scheduler: `tcp://host:port` or `tls://host:port` of Dask, or `local-cluster`.
        tls: certificates.

    Raises:
        UsageError: these do not go together.
    """

    workers: int | None = None
    gpus: tuple[int, ...] = ()
    scheduler: str | None = None
    tls: Tls = field(default_factory=Tls)

    def __post_init__(self) -> None:
        if self.gpus and self.workers:
            raise UsageError("--gpus starts one process for each GPU; drop --workers.")
        elsewhere = self.scheduler is not None and self.scheduler != LOCAL
        if elsewhere and (self.gpus or self.workers):
            raise UsageError(
                "--workers and --gpus are for processes of this machine. How many a cluster has is "
                "decided where its workers are started; drop them."
            )
        if self.tls != Tls() and not (self.scheduler or "").startswith("tls://"):
            raise UsageError("Certificates are for --scheduler tls://HOST:PORT.")

    @property
    def alone(self) -> bool:
        """Return True if it is this process that computes."""
        return self.scheduler is None and not self.gpus and (self.workers or 1) == 1

    @contextmanager
    def opened(self) -> Iterator[Workers]:
        """Yield how many processes to start, or an executor that is closed in the end."""
        with self.executor() as executor:
            yield (self.workers or 1) if executor is None else executor

    @contextmanager
    def executor(self) -> Iterator[Executor | None]:
        """Yield an executor that is closed in the end; None for plain processes of this machine.

        Raises:
            UsageError: Dask is not installed, or the address is none.
            ResourceError: there is no such GPU.
            ClusterError: the cluster cannot be used.
        """
        if self.scheduler is None and not self.gpus:
            yield None
            return
        gpus = visible(self.gpus)
        if self.scheduler is None:
            with RenewedPool(gpus) as pool:
                yield pool
            return
        from vostool.execution.dask_cluster import cluster_crew, local_cluster_crew

        if self.scheduler == LOCAL:
            with local_cluster_crew(self.workers or cores(), gpus) as crew:
                yield crew
            return
        with cluster_crew(self.scheduler, self.tls) as crew:
            yield crew


class RenewedPool(Crew):
    """Processes for one run after the other: after one that lost some, the next gets new ones.

    Args:
        gpus: what each process finds in `CUDA_VISIBLE_DEVICES`; any names where nobody looks.
    """

    def __init__(self, gpus: Sequence[str]) -> None:
        self._gpus = gpus
        self._pool = WorkerPool(len(gpus), gpus=gpus)
        self._ended = False

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        if not self._ended:
            with suppress(BrokenExecutor):
                return self._pool.submit(fn, *args, **kwargs)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool, self._ended = WorkerPool(len(self._gpus), gpus=self._gpus), False
        return self._pool.submit(fn, *args, **kwargs)

    def window(self) -> int:
        return self._pool.window()

    def sharing(self, worker: str) -> int:
        return self._pool.sharing(worker)

    def for_device(self, device: str) -> Crew:
        self._pool.for_device(device)
        return self

    def abandon(self) -> None:
        self._pool.abandon()
        self._ended = True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> bool | None:
        return self._pool.__exit__(kind, *rest)


def visible(gpus: tuple[int, ...]) -> tuple[str, ...]:
    """Return what `CUDA_VISIBLE_DEVICES` is for each of some GPUs.

    Args:
        gpus: counted from 0 among those that this process may use, or `ALL`.

    Raises:
        ResourceError: one of them is not there.
    """
    if not gpus:
        return ()
    require("torch", what="--gpus")
    import torch

    there = torch.cuda.device_count()
    if not there:
        raise ResourceError("There is no CUDA device here. Drop --gpus; --workers is for CPUs.")
    names = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    names = names or [str(number) for number in range(there)]
    chosen = range(there) if gpus == (ALL,) else gpus
    for number in chosen:
        if number >= there:
            raise ResourceError(
                f"There is no GPU {number} here: this machine shows {there}, counted from 0."
            )
    return tuple(names[number] for number in chosen)
