"""Sharing out independent tasks among workers: processes of this machine, or any executor's.

What takes an executor takes every `concurrent.futures.Executor` whose `submit` accepts functions of
modules with arguments that can be pickled. What else it may tell of its workers is in `Crew`; one
that tells nothing is taken as it is.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for_end
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from vostool.errors import ResourceError, UsageError

Result = TypeVar("Result")
Workers = int | Executor  # so many processes of this machine (1: this one), or somebody's workers
VISIBLE = "CUDA_VISIBLE_DEVICES"
AHEAD = 1000  # tasks handed out beyond the first result that is still missing
PATIENCE = 10.0  # seconds between looks at whether there are workers


class Crew(Executor):
    """An executor that tells of its workers.

    `cuda` tells whether its workers have a GPU, None if they are of this machine.
    """

    cuda: bool | None = None

    def window(self) -> int:
        """Return how many tasks to hand out before one comes back."""
        raise NotImplementedError

    def sharing(self, worker: str) -> int:
        """Return how many workers share the machine of the one that calls itself so."""
        raise NotImplementedError

    def for_device(self, device: str) -> "Crew":
        """Return the crew for tasks that need a device, `cpu`, `cuda` or `cuda:N`.

        Raises:
            VostoolError: its workers cannot use it.
        """
        return self

    def explained(self, error: BaseException, doing: str) -> BaseException:
        """Return the sentence for workers that are gone, other errors as they are.

        Args:
            error: what came instead of a result.
            doing: what was being done, e.g. `while scoring`.
        """
        if not isinstance(error, BrokenExecutor | CancelledError):
            return error
        return ResourceError(
            f"A worker process died {doing}, most likely for lack of memory. What is finished is "
            "kept; run the same command again, with fewer --workers or --gpus. (A script of your "
            "own that starts workers needs `if __name__ == '__main__':`.)"
        )

    def first(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return the result of one call by whichever worker is there first.

        Raises:
            ResourceError: workers are gone.
        """
        return next(_in_crew(self, function, [arguments], "before it began"))

    def look_after(self) -> None:
        """Note, for people, that nobody is at work; called now and then while waiting."""

    def forget(self, token: str) -> None:
        """Have workers forget the tracker of a run, see `session.release`."""

    def abandon(self) -> None:
        """End tasks that are being computed: nobody wants their results."""


class WorkerPool(Crew, ProcessPoolExecutor):
    """A pool of fresh processes, all of which start with the first task.

    Left to itself CPython starts them one by one while a thread of its own already watches them.
    If one dies meanwhile, that thread fails with a traceback (its table of processes changes under
    it) and the worker just started with another (what it was to share is gone).

    Args:
        workers: processes.
        initializer: called with `arguments` by every process.
        arguments: that can be pickled.
        gpus: what each process finds in `CUDA_VISIBLE_DEVICES`, one for each.
    """

    def __init__(
        self,
        workers: int,
        initializer: Callable[..., object] | None = None,
        arguments: tuple[Any, ...] = (),
        gpus: Sequence[str] = (),
    ) -> None:
        context = get_context("spawn")
        queue = context.SimpleQueue() if gpus else None
        for gpu in gpus:
            assert queue is not None
            queue.put(gpu)
        start = (queue, initializer, arguments)
        ProcessPoolExecutor.__init__(self, workers, context, _start, start)
        self.processes = workers
        self._one_gpu_each = bool(gpus)
        # As for forked processes. Where a Python has no such switch, nothing changes.
        self._safe_to_dynamically_spawn_children = False

    def window(self) -> int:
        return 2 * self.processes

    def sharing(self, worker: str) -> int:
        return self.processes

    def for_device(self, device: str) -> Crew:
        if self._one_gpu_each and ":" in device:
            raise UsageError(f"With --gpus each process sees one GPU; --device {device} is none.")
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> bool | None:
        if kind is not None:
            self.abandon()
        return super().__exit__(kind, *rest)

    def abandon(self) -> None:
        for process in list((self._processes or {}).values()):
            process.terminate()


class _Foreign(Crew):
    """Somebody's executor, which tells no more than standard ones do."""

    def __init__(self, executor: Executor, workers: int) -> None:
        self._executor = executor
        known = getattr(executor, "_max_workers", None)
        self.processes = max(workers, known if isinstance(known, int) else 1)

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        return self._executor.submit(fn, *args, **kwargs)

    def window(self) -> int:
        return max(2 * self.processes, 64)

    def sharing(self, worker: str) -> int:
        return self.processes


def _start(queue: Any, initializer: Callable[..., object] | None, arguments: Any) -> None:
    """Prepare a worker process of a pool."""
    # Ctrl-C reaches every process of the terminal; the main one decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if queue is not None:
        os.environ[VISIBLE] = queue.get()
    if initializer is not None:
        initializer(*arguments)


def _end_with_parent() -> None:
    """Wait until the main process is gone, however it went, and end this one."""
    parent = parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)


@contextmanager
def crew_of(workers: Workers, processes: int = 1) -> Iterator[Crew]:
    """Open a pool of processes, or give an executor, which stays open, the manners of a crew.

    Args:
        workers: processes, or an executor.
        processes: of an executor that does not tell, those that share a machine.
    """
    if isinstance(workers, Executor):
        yield workers if isinstance(workers, Crew) else _Foreign(workers, processes)
        return
    with WorkerPool(workers) as pool:
        yield pool


def in_order(
    function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], workers: Workers
) -> Iterator[Result]:
    """Yield the result of every task in their order.

    Args:
        function: called with the values of a task; it and they can be pickled.
        tasks: arguments of the calls.
        workers: processes; 1 computes in this one, a task when its result is asked for. Or an
            executor.

    Raises:
        ResourceError: a worker died.
    """
    if isinstance(workers, int):
        workers = min(workers, len(tasks))
        if workers <= 1:
            for task in tasks:
                yield function(*task)
            return
    with crew_of(workers) as crew:
        yield from _in_crew(crew, function, tasks, "while scoring")


def _in_crew(
    crew: Crew, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], doing: str
) -> Iterator[Result]:
    waiting: deque[Future[Result]] = deque()
    left = iter(tasks)
    try:  # a worker may die while tasks are still being handed out
        while True:
            for task in left:
                waiting.append(crew.submit(function, *task))
                if len(waiting) >= AHEAD + crew.window():
                    break
            if not waiting:
                return
            while not wait((waiting[0],), PATIENCE).done:
                crew.look_after()
            yield waiting[0].result()
            waiting.popleft()
    except Exception as error:
        _raise(crew, error, doing)
    finally:
        for future in waiting:
            future.cancel()


def in_groups(
    crew: Crew, function: Callable[..., Result], tasks: deque[tuple[Any, ...]]
) -> Iterator[list[tuple[tuple[Any, ...], Result]]]:
    """Yield tasks with their results as they are done, all that are done at a time.

    Few tasks are handed out ahead. After an error no more are; what is being computed is waited for
    and yielded before it is raised.

    Args:
        crew: computes them.
        function: called with the values of a task.
        tasks: taken from the left; the caller may add more.

    Raises:
        ResourceError: workers are gone.
    """
    waiting: dict[Future[Result], tuple[Any, ...]] = {}
    failure: BaseException | None = None
    try:
        while waiting or (tasks and failure is None):
            try:
                while tasks and failure is None and len(waiting) < crew.window():
                    future = crew.submit(function, *tasks[0])
                    waiting[future] = tasks.popleft()
            except (BrokenExecutor, CancelledError) as error:
                failure = error
            done = wait(waiting, PATIENCE, FIRST_COMPLETED).done
            if not done:
                crew.look_after()
            group = []
            for future in done:
                task = waiting.pop(future)
                try:
                    group.append((task, future.result()))
                except (Exception, CancelledError) as error:
                    failure = failure or error
            if failure is not None:
                waiting = {future: waiting[future] for future in waiting if not future.cancel()}
            if group:
                yield group
    finally:
        for future in waiting:
            future.cancel()
        if waiting:
            crew.abandon()
    if failure is not None:
        _raise(crew, failure, "while tracking")


def _raise(crew: Crew, error: BaseException, doing: str) -> NoReturn:
    explained = crew.explained(error, doing)
    if explained is error:
        raise error
    raise explained from error


LOCAL = "local-cluster"  # a Dask cluster of processes of this machine


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates for tls://; what is None is taken from Dask's own configuration.

    Args:
        ca: file of the authority that signed those of the cluster.
        cert: file of the client's certificate.
        key: file of its key.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
