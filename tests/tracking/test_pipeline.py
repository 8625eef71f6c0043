"""Decoding ahead and writing behind: order, errors, bounds, and standing still during a step."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vostool.errors import DatasetError
from vostool.io.label_maps import read_labels
from vostool.io.storage import AT_ONCE, place
from vostool.tracking.pipeline import DEPTH, Gate, MaskWriter, decoded

PATHS = [Path(f"{index:05d}.jpg") for index in range(30)]
SOON = 5.0  # seconds until a test that waits for another thread gives up


def as_frame(path: Path) -> np.ndarray:
    return np.full((2, 2, 3), int(path.stem), np.uint8)


def settled(count: Callable[[], int]) -> int:
    """Return a count when it has stopped changing."""
    before = -1
    while before != (before := count()):
        time.sleep(0.05)
    return before


# --- decoding ---


@pytest.mark.parametrize("is_open", [True, False])
def test_frames_come_in_order(is_open: bool) -> None:
    frames = list(decoded(PATHS, Gate(open=is_open), as_frame))
    assert [int(frame[0, 0, 0]) for frame in frames] == list(range(30))


@pytest.mark.parametrize("length", [0, 1, DEPTH, DEPTH + 1, DEPTH + 2])
def test_short_sequences(length: int) -> None:
    assert len(list(decoded(PATHS[:length], Gate(open=True), as_frame))) == length


def test_an_error_surfaces_after_the_frames_before_it() -> None:
    def read(path: Path) -> np.ndarray:
        if path.stem == "00007":
            raise DatasetError("Frame 7 is cut short.")
        return as_frame(path)

    frames = decoded(PATHS, Gate(open=False), read)
    assert [int(next(frames)[0, 0, 0]) for _ in range(7)] == list(range(7))
    with pytest.raises(DatasetError, match="Frame 7"):
        next(frames)


@pytest.mark.parametrize("is_open", [True, False])
def test_frames_of_a_store_are_fetched_many_at_once(is_open: bool) -> None:
    paths = [place(f"memory://frames/{index:05d}.jpg") for index in range(96)]
    under_way = most = 0
    lock = threading.Lock()

    def slow(path: Path) -> np.ndarray:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.03)
        with lock:
            under_way -= 1
        return as_frame(path)

    gate = Gate(open=is_open)
    begun = time.perf_counter()
    seen = []
    for frame in decoded(paths, gate, slow):
        with gate.step():
            if not is_open:
                assert under_way == 0  # nothing is fetched while a step is timed
            seen.append(int(frame[0, 0, 0]))
    assert seen == list(range(96))
    assert AT_ONCE // 2 <= most <= AT_ONCE
    assert time.perf_counter() - begun < 96 * 0.03 / 3


def test_large_frames_of_a_store_are_not_held_in_numbers() -> None:
    paths = [place(f"memory://frames/{index:05d}.jpg") for index in range(96)]
    read: list[Path] = []

    def large(path: Path) -> np.ndarray:
        read.append(path)
        return np.broadcast_to(np.zeros(1, np.uint8), (4096, 8192, 3))  # 100 MB, held as one byte

    frames = decoded(paths, Gate(open=True), large)
    for count in range(1, 6):
        next(frames)
        assert settled(lambda: len(read)) <= count + DEPTH + 1
    frames.close()


def test_an_absent_frame_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent\.jpg cannot be read"):
        list(decoded([tmp_path / "absent.jpg"], Gate(open=True)))


def test_only_a_few_frames_are_decoded_ahead() -> None:
    begun: list[Path] = []

    def read(path: Path) -> np.ndarray:
        begun.append(path)
        return as_frame(path)

    frames = decoded(PATHS, Gate(open=True), read)
    for taken in range(1, 20):
        next(frames)
        assert len(begun) <= taken + DEPTH
    assert settled(lambda: len(begun)) == 19 + DEPTH
    frames.close()


def test_frames_are_decoded_while_the_tracker_works() -> None:
    """With an open gate the frames ahead are ready although nobody has asked for them."""
    ready = threading.Event()

    def read(path: Path) -> np.ndarray:
        if path == PATHS[DEPTH]:
            ready.set()
        return as_frame(path)

    frames = decoded(PATHS, Gate(open=True), read)
    next(frames)
    assert ready.wait(SOON)
    frames.close()


def test_a_consumer_that_stops_early_stops_the_thread() -> None:
    begun: list[Path] = []

    def read(path: Path) -> np.ndarray:
        begun.append(path)
        return as_frame(path)

    frames = decoded(PATHS, Gate(open=False), read)
    next(frames)
    frames.close()
    assert len(begun) <= DEPTH + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


# --- the gate ---


@pytest.fixture
def background() -> Iterator[Callable[[Callable[[], None]], threading.Thread]]:
    """Return a function that runs a call in a thread; all are joined at the end."""
    threads: list[threading.Thread] = []

    def start(call: Callable[[], None]) -> threading.Thread:
        threads.append(threading.Thread(target=call, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()


def test_no_file_work_during_a_step(background) -> None:
    gate = Gate(open=False)
    began = threading.Event()

    def work() -> None:
        with gate.file_work():
            began.set()

    with gate.step():
        background(work)
        assert not began.wait(0.1)
    assert began.wait(SOON)


def test_a_step_waits_for_the_file_work_to_end(background) -> None:
    gate = Gate(open=False)
    began, stepped = threading.Event(), threading.Event()

    def step() -> None:
        with gate.step():
            stepped.set()

    with gate.file_work():
        background(lambda: began.set() or step())
        assert began.wait(SOON)
        assert not stepped.wait(0.1)
    assert stepped.wait(SOON)


def test_decoding_and_writing_may_go_on_together(background) -> None:
    gate = Gate(open=False)
    both = threading.Barrier(2, timeout=SOON)

    def work() -> None:
        with gate.file_work():
            both.wait()

    background(work)
    work()


def test_many_threads_never_work_during_a_step(background) -> None:
    gate = Gate(open=False)
    at_work, stepping, stop = [0], [False], threading.Event()
    clashes: list[str] = []
    lock = threading.Lock()

    def work() -> None:
        while not stop.is_set():
            with gate.file_work():
                with lock:
                    at_work[0] += 1
                if stepping[0]:
                    clashes.append("work began during a step")
                time.sleep(0.0005)
                with lock:
                    at_work[0] -= 1

    for _ in range(3):
        background(work)
    for _ in range(100):
        with gate.step():
            stepping[0] = True
            if at_work[0]:
                clashes.append("a step began during work")
            time.sleep(0.0005)
            stepping[0] = False
        time.sleep(0.0005)
    stop.set()
    assert clashes == []


def test_an_open_gate_lets_both_run(background) -> None:
    gate = Gate(open=True)
    met = threading.Barrier(2, timeout=SOON)

    def work() -> None:
        with gate.file_work():
            met.wait()

    background(work)
    with gate.step():
        met.wait()


@pytest.mark.parametrize("side", ["step", "file_work"])
def test_an_error_inside_leaves_the_gate_usable(side: str) -> None:
    gate = Gate(open=False)
    with pytest.raises(ZeroDivisionError), getattr(gate, side)():
        raise ZeroDivisionError
    with gate.step():
        pass
    with gate.file_work():
        pass


def test_nothing_is_decoded_during_steps() -> None:
    gate = Gate(open=False)
    stepping = [False]
    clashes: list[Path] = []

    def read(path: Path) -> np.ndarray:
        if stepping[0]:
            clashes.append(path)
        return as_frame(path)

    for _ in decoded(PATHS, gate, read):
        with gate.step():
            stepping[0] = True
            time.sleep(0.002)
            stepping[0] = False
    assert clashes == []


# --- writing ---


def labels(value: int) -> np.ndarray:
    return np.full((3, 4), value, np.uint8)


@pytest.mark.parametrize("is_open", [True, False])
def test_all_masks_are_there_at_the_end(tmp_path: Path, is_open: bool) -> None:
    with MaskWriter(tmp_path, Gate(open=is_open)) as writer:
        for value in range(20):
            writer.put(f"{value:05d}", labels(value))
    assert len(list(tmp_path.iterdir())) == 20
    for value in range(20):
        np.testing.assert_array_equal(read_labels(tmp_path / f"{value:05d}.png"), labels(value))


def write_one(folder: Path, error: Exception | None = None) -> None:
    with MaskWriter(folder, Gate(open=True)) as writer:
        writer.put("00000", labels(1))
        if error:
            raise error


def test_a_failed_write_is_raised_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_one(tmp_path / "absent")


def test_a_failed_write_is_raised_by_a_later_put(tmp_path: Path) -> None:
    writer = MaskWriter(tmp_path / "absent", Gate(open=True))
    for index in range(DEPTH):
        writer.put(f"{index:05d}", labels(1))
    with pytest.raises(FileNotFoundError):
        writer.put("later", labels(1))
    writer.__exit__(FileNotFoundError)


def test_only_a_few_masks_wait(tmp_path: Path, background) -> None:
    gate = Gate(open=False)
    done = [0]

    def put_all() -> None:
        with MaskWriter(tmp_path, gate) as writer:
            for index in range(DEPTH + 5):
                writer.put(f"{index:05d}", labels(1))
                done[0] += 1

    with gate.step():  # nothing can be written
        background(put_all)
        assert settled(lambda: done[0]) == DEPTH


def test_an_error_of_the_tracker_is_not_covered_by_one_of_a_write(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_one(tmp_path / "absent", ZeroDivisionError())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("write")]
