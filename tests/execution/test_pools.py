"""Tasks shared out among threads, processes and other executors."""

import os
import threading
import time
from collections import deque
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import pytest

from vostool.errors import ResourceError, UsageError
from vostool.execution.pools import VISIBLE, Crew, WorkerPool, crew_of, in_groups, in_order


class Slow(Crew):
    """Threads that remember what they were given, and how many tasks were out at a time."""

    def __init__(self, threads: int = 2) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.given: list[int] = []
        self.out = self.most_out = 0
        self.lock = threading.Lock()

    def submit(self, fn, /, *args, **kwargs):
        with self.lock:
            self.given.append(args[0])
            self.out += 1
            self.most_out = max(self.most_out, self.out)
        future = self.pool.submit(fn, *args, **kwargs)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future) -> None:
        with self.lock:
            self.out -= 1

    def window(self) -> int:
        return 4

    def sharing(self, worker: str) -> int:
        return 2


class Broken(Executor):
    """An executor whose workers are gone."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        future.set_exception(BrokenExecutor("gone"))
        return future


def square(number: int) -> int:
    return number * number


def pick(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    time.sleep(0.1)
    return number


def visible() -> str:
    time.sleep(0.2)  # so that the other process is given the next task
    return os.environ[VISIBLE]


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_tasks(workers):
    with ThreadPoolExecutor(workers) as executor:
        for who in (1, executor):
            assert list(in_order(square, [(n,) for n in range(9)], who)) == [
                n * n for n in range(9)
            ]
        assert executor.submit(square, 2).result() == 4, "somebody's executor is left open"


def test_the_first_error_in_order_is_raised_by_any_executor():
    with (
        ThreadPoolExecutor(4) as executor,
        pytest.raises(ValueError, match="three"),
    ):
        list(in_order(pick, [(n,) for n in range(9)], executor))


def test_workers_that_are_gone_are_a_sentence():
    with pytest.raises(ResourceError, match="A worker process died while scoring"):
        list(in_order(square, [(1,)], Broken()))
    with (
        crew_of(Broken()) as crew,
        pytest.raises(ResourceError, match="A worker process died while tracking"),
    ):
        list(in_groups(crew, square, deque([(1,)])))


def test_groups_hand_out_few_tasks_ahead_and_in_order():
    crew = Slow()
    found = {}
    for group in in_groups(crew, square, deque((n,) for n in range(50))):
        found |= {task[0]: result for task, result in group}
    assert found == {n: n * n for n in range(50)}
    assert crew.given == list(range(50))
    assert crew.most_out <= crew.window()


def test_a_caller_may_add_tasks():
    tasks = deque([(1,), (2,)])
    found = []
    for group in in_groups(Slow(), square, tasks):
        for (number,), _ in group:
            found.append(number)
            if number == 1:
                tasks.appendleft((7,))
    assert sorted(found) == [1, 2, 7]


def test_after_an_error_what_is_being_done_is_still_yielded():
    """Task 3 fails first; those that are being done meanwhile are kept, and no more are begun."""
    crew = Slow(threads=4)
    found: list[int] = []
    all_begun = threading.Barrier(4)

    def picked(number: int) -> int:
        all_begun.wait(10)
        return pick(number)

    groups = in_groups(crew, picked, deque((n,) for n in (0, 3, *range(10, 60))))
    with pytest.raises(ValueError, match="three"):
        found.extend(task[0] for group in groups for task, _ in group)
    assert sorted(found) == sorted(set(crew.given) - {3})
    assert crew.given == [0, 3, 10, 11]


def test_an_executor_of_standard_kind_is_asked_how_many_it_has():
    with ThreadPoolExecutor(3) as threads, crew_of(threads) as crew:
        assert crew.sharing("") == 3
        assert crew.first(square, 3) == 9
        assert crew.for_device("cuda") is crew
    with crew_of(Broken(), processes=5) as crew:
        assert crew.sharing("") == 5


def test_each_process_of_a_pool_sees_its_own_gpu():
    with WorkerPool(2, gpus=("3", "GPU-8932f937")) as pool:
        assert set(in_order(visible, [()] * 4, pool)) == {"3", "GPU-8932f937"}
        assert VISIBLE not in os.environ or os.environ[VISIBLE] not in ("3", "GPU-8932f937")
        with pytest.raises(UsageError, match="each process sees one GPU; --device cuda:1"):
            pool.for_device("cuda:1")


def test_leaving_a_pool_by_an_error_does_not_wait_for_its_tasks():
    start = time.monotonic()
    with pytest.raises(ZeroDivisionError), WorkerPool(1) as pool:
        _fail(pool)
    assert time.monotonic() - start < 30


def _fail(pool: WorkerPool) -> None:
    pool.submit(square, 2).result()
    pool.submit(time.sleep, 60)
    raise ZeroDivisionError
