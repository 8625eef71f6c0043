"""Speed figures against numbers worked out by hand."""

import math
import time

import numpy as np
import pytest

from vostool.tracking.timing import StepTime, WallStopwatch, speed_of, stopwatch_for


def step(ms: float, *, objects: int = 1, prompts: int = 0, sequence: str = "a") -> StepTime:
    return StepTime(sequence, "00000", objects, prompts, ms)


def test_fps_is_frames_over_their_time_and_leaves_the_start_out() -> None:
    speed = speed_of([step(500, prompts=1), step(10), step(30), step(20)])
    assert speed.fps == pytest.approx(3 / 0.060)
    assert speed.init_ms == 500


def test_fps_is_no_mean_of_rates() -> None:
    """100 frames at 100 fps and 100 at 10 fps take 11 s: 18.2 fps, not 55."""
    steps = [step(10, sequence="fast")] * 100 + [step(100, sequence="slow")] * 100
    assert speed_of(steps).fps == pytest.approx(200 / 11)


def test_fps_object_counts_every_object() -> None:
    speed = speed_of([step(99, objects=3, prompts=3), step(10, objects=3), step(40, objects=1)])
    assert speed.fps == pytest.approx(2 / 0.050)
    assert speed.fps_object == pytest.approx(4 / 0.050)


def test_percentiles() -> None:
    speed = speed_of([step(ms) for ms in range(1, 102)])
    assert speed.p50_ms == 51
    assert speed.p95_ms == 96


def test_late_starts_are_starts() -> None:
    speed = speed_of([step(100, prompts=1), step(10), step(60, prompts=2), step(10)])
    assert speed.fps == pytest.approx(100)
    assert speed.init_ms == 80


def test_nothing_to_tell() -> None:
    speed = speed_of([])
    values = (speed.fps, speed.fps_object, speed.p50_ms, speed.p95_ms, speed.init_ms)
    assert all(math.isnan(value) for value in values)


def test_only_a_start() -> None:
    speed = speed_of([step(7, prompts=1)])
    assert math.isnan(speed.fps)
    assert speed.init_ms == 7


def test_steps_that_take_no_time() -> None:
    assert math.isnan(speed_of([step(0.0)]).fps)


def test_an_iterator_will_do() -> None:
    assert speed_of(iter([step(10), step(10)])).fps == pytest.approx(100)


def test_wall_stopwatch() -> None:
    result, ms = WallStopwatch().time(lambda: time.sleep(0.02) or "done")
    assert result == "done"
    assert 20 <= ms < 500


def test_wall_stopwatch_lets_errors_through() -> None:
    with pytest.raises(ZeroDivisionError):
        WallStopwatch().time(lambda: 1 // 0)


def test_peak_memory_is_in_megabytes() -> None:
    before = WallStopwatch().peak_mb()
    if before is None:
        pytest.skip("this system does not tell")
    block = np.ones(int(before) * 2**18 + 2**25, np.uint8)
    after = WallStopwatch().peak_mb()
    assert 5 < before < 20_000
    assert after is not None
    assert after >= before
    del block


def test_the_cpu_is_timed_by_the_wall() -> None:
    assert stopwatch_for("cpu").protocol == "step-wall"
