"""The model of scaling, in cases whose answer is known without it."""

import importlib.util
import math
import random
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "scale_model.py"
spec = importlib.util.spec_from_file_location("scale_model", FILE)
assert spec is not None
assert spec.loader is not None
model = sys.modules["scale_model"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(model)
Costs, predict = model.Costs, model.predict


def singles(*lengths: int) -> list[list[int]]:
    return [[length] for length in lengths]


def test_one_worker_takes_the_sum() -> None:
    found = predict(singles(3, 1, 4, 1, 5), 1, Costs(frame=1.0, sequence=0.5))
    assert found.makespan == pytest.approx(14 + 2.5)
    assert found.efficiency == pytest.approx(1)


@pytest.mark.parametrize(("tasks", "workers"), [(12, 4), (13, 4), (3, 8)])
def test_equal_tasks_go_in_rounds(tasks: int, workers: int) -> None:
    found = predict(singles(*[7] * tasks), workers, Costs(frame=1.0))
    rounds = math.ceil(tasks / workers)
    assert found.makespan == pytest.approx(7 * rounds)
    assert found.efficiency == pytest.approx(tasks / (workers * rounds))


def test_a_slow_scheduler_limits_to_its_rate() -> None:
    tasks, each = 1000, 0.01
    found = predict(singles(*[1] * tasks), 64, Costs(frame=0.1, schedule=each))
    # tasks begin one by one, each as soon as the one before has been scheduled
    assert found.makespan == pytest.approx(tasks * each + 0.1)
    assert found.limit == "scheduler"
    few = predict(singles(*[1] * tasks), 4, Costs(frame=0.1, schedule=each))
    assert few.makespan == pytest.approx(tasks / 4 * (0.1 + each), rel=0.01)  # no queue: 4 < 10


def test_a_slow_file_system_limits_to_its_rate() -> None:
    costs = Costs(frame=0.01, frame_files=2, file_rate=100)
    found = predict(singles(*[10] * 200), 50, costs)
    assert found.makespan == pytest.approx(200 * 10 * 2 / 100)
    assert found.limit == "files"
    alone = predict(singles(*[10] * 200), 1, costs)  # 0.2 s of files for 0.1 s of tracking
    assert alone.makespan == pytest.approx(200 * 0.2)


def test_writing_everything_anew_for_each_sequence_is_quadratic() -> None:
    n, each = 50, 0.001
    one = predict(singles(*[1] * n), 1, Costs(frame=1.0, commit_known=each))
    # it overlaps with tracking, but for the last one's, which writes n
    assert one.makespan == pytest.approx(n + n * each)
    slow = predict(singles(*[1] * n), 1, Costs(frame=1e-6, commit_known=1.0))
    # two tasks at most are out, so they come back in ones and twos
    assert n**2 / 4 <= slow.makespan <= n * (n + 1) / 2 + 0.001
    assert slow.limit == "main"


def test_grahams_example_of_longest_first() -> None:
    """Graham 1969: on three machines 5 5 4 4 3 3 3 take 11 so, 9 at best: 4/3 - 1/9 times."""
    found = predict(singles(5, 5, 4, 4, 3, 3, 3), 3, Costs(frame=1.0))
    assert found.makespan == pytest.approx(11)
    assert predict(singles(5, 4, 3, 5, 4, 3, 3), 3, Costs(frame=1.0)).makespan >= 9


@pytest.mark.parametrize("seed", range(5))
def test_any_order_keeps_to_grahams_bound(seed: int) -> None:
    """Graham 1966: the sum over the machines plus (1 - 1/m) times the longest."""
    rng = random.Random(seed)
    lengths = [rng.randint(1, 100) for _ in range(97)]
    workers = rng.randint(2, 12)
    found = predict(singles(*lengths), workers, Costs(frame=1.0))
    floor = max(sum(lengths) / workers, max(lengths))
    assert floor - 1e-6 <= found.makespan
    assert found.makespan <= sum(lengths) / workers + (1 - 1 / workers) * max(lengths) + 1e-6


def test_workers_start_one_after_the_other_on_a_slow_file_system() -> None:
    costs = Costs(frame=1.0, begin=2.0, start=3.0, start_files=1000, file_rate=500)
    assert predict(singles(4), 1, costs).makespan == pytest.approx(2 + 3 + 4)
    many = predict(singles(*[4] * 8), 8, costs)  # the eighth is ready after 8 x 2 s
    # by then some that were ready before have taken its task: at 13 and 14 s the first are done
    assert 2 + 12 + 4 <= many.makespan <= 2 + 16 + 4
    assert many.limit == "start"


def test_a_batch_costs_the_scheduler_once() -> None:
    costs = Costs(frame=0.01, schedule=0.1)
    one_by_one = predict(singles(*[1] * 400), 16, costs)
    batched = predict([[1] * 20] * 20, 16, costs)
    assert one_by_one.makespan == pytest.approx(40, rel=0.01)
    assert batched.makespan < 3


@pytest.mark.parametrize("workers", [1, 3, 40])
def test_the_shares_are_all_of_the_time(workers: int) -> None:
    costs = Costs(
        begin=1, start=2, start_files=50, submit=0.001, schedule=0.004, sequence=0.1, frame=0.02,
        commit=0.01, commit_new=0.001, commit_known=1e-4, frame_files=2, sequence_files=5,
        file_rate=2000, jitter=0.1,
    )  # fmt: skip
    rng = random.Random(0)
    tasks = singles(*sorted((rng.randint(5, 90) for _ in range(300)), reverse=True))
    found = predict(tasks, workers, costs)
    assert found.efficiency + sum(found.lost.values()) == pytest.approx(1)
    assert found == predict(tasks, workers, costs)
    assert found.efficiency != predict(tasks, workers, costs, seed=1).efficiency
    assert max(found.busy.values()) <= 1 + 1e-9


def test_measured_seconds_take_the_place_of_costs() -> None:
    found = predict(singles(9, 9, 9), 1, Costs(frame=1.0, jitter=0.5), seconds=[1, 2, 3])
    assert found.makespan == pytest.approx(6)
