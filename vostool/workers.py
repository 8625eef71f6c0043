"""Sharing out independent tasks among processes, the results in the order of the tasks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from vostool.errors import ResourceError

Result = TypeVar("Result")


class WorkerPool(ProcessPoolExecutor):
    """A pool of fresh processes, all of which start with the first task.

    Left to itself CPython starts them one by one while a thread of its own already watches them.
    If one dies meanwhile, that thread fails with a traceback (its table of processes changes under
    it) and the worker just started with another (what it was to share is gone).

    Args:
        workers: processes.
        initializer: called with `arguments` by every process.
        arguments: that can be pickled.
    """

    def __init__(
        self,
        workers: int,
        initializer: Callable[..., object] | None = None,
        arguments: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(workers, get_context("spawn"), initializer, arguments)
        # As for forked processes. Where a Python has no such switch, nothing changes.
        self._safe_to_dynamically_spawn_children = False


def in_order(
    function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """Yield the result of every task in their order.

    Args:
        function: called with the values of a task; it and they can be pickled.
        tasks: arguments of the calls.
        workers: processes; 1 computes in this one, a task when its result is asked for.

    Raises:
        ResourceError: a worker process died.
    """
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield function(*task)
        return
    with WorkerPool(min(workers, len(tasks))) as pool:
        yield from _in_pool(pool, function, tasks)


def _in_pool(
    pool: Executor, function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
) -> Iterator[Result]:
    try:  # a worker may die while tasks are still being handed out
        for future in [pool.submit(function, *task) for task in tasks]:
            yield future.result()
    except BrokenProcessPool as error:
        raise ResourceError(
            "A worker process died while scoring, most likely for lack of memory. Run the command "
            "again with fewer --workers."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
