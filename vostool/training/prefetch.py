"""The next batch drawn in a thread while the network learns from this one."""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from vostool.training.task import Batch, Task


class Prefetcher:
    """Gives batches of a task, those drawn ahead at once.

    Which batch is drawn when makes no difference: it follows from its step and samples alone.

    Args:
        task: to draw from.
        enabled: without, nothing is drawn ahead and no thread is started.
    """

    def __init__(self, task: Task, *, enabled: bool) -> None:
        self._task = task
        self._threads = ThreadPoolExecutor(1, "batches") if enabled else None
        self._ahead: dict[tuple[int, range], Future[Batch]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def expect(self, step: int, samples: range) -> None:
        """Begin to draw a batch that will be asked for."""
        if self._threads is not None:
            self._ahead = {(step, samples): self._threads.submit(self._task.batch, step, samples)}

    def batch(self, step: int, samples: range) -> Batch:
        """Return a batch, see `Task.batch`."""
        drawn = self._ahead.pop((step, samples), None)
        return self._task.batch(step, samples) if drawn is None else drawn.result()
