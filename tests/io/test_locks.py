"""Two writers at one folder of a store."""

import errno
import json
import os
import platform
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from vostool.errors import ResultError, UsageError
from vostool.io import locks as module
from vostool.io.listing import files_below
from vostool.io.locks import STALE, locked, store_locked
from vostool.io.storage import place, read_bytes, write_bytes


@pytest.fixture
def folder() -> Path:
    return place(f"memory://{uuid.uuid4().hex}", listed=False)


def hold(folder: Path, **changed: object) -> None:
    """Leave a lock as somebody else would."""
    holder = {"token": "theirs", "host": "elsewhere", "pid": 7, "at": time.time()} | changed
    write_bytes(folder / ".lock", json.dumps(holder).encode())


def test_the_second_writer_is_told_of_the_first(folder: Path) -> None:
    with store_locked(folder, "writing"):
        with pytest.raises(ResultError) as raised, store_locked(folder, "writing"):
            pass
        assert f"process {os.getpid()} on {platform.node()}" in str(raised.value)
        assert "is writing memory://" in str(raised.value)
    assert files_below(folder) == {}
    with store_locked(folder, "writing"):
        pass


def test_one_of_many_that_start_together(folder: Path) -> None:
    together = threading.Barrier(8, timeout=10)
    held: list[int] = []
    refused: list[int] = []
    ended = threading.Event()

    def work(number: int) -> None:
        together.wait()
        try:
            with store_locked(folder, "writing"):
                held.append(number)
                ended.wait(10)
        except ResultError:
            refused.append(number)
            if len(refused) == 7:
                ended.set()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 7)


def test_a_lock_without_signs_is_taken_over(folder: Path) -> None:
    hold(folder)
    with (
        pytest.raises(ResultError, match="process 7 on elsewhere"),
        store_locked(folder, "writing"),
    ):
        pass
    hold(folder, at=time.time() - STALE - 1)
    with store_locked(folder, "writing"):
        assert json.loads(read_bytes(folder / ".lock"))["pid"] == os.getpid()


def test_a_killed_process_of_this_machine_is_taken_over_at_once(folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    hold(folder, home=module.home_of_processes(), pid=process.pid)
    with store_locked(folder, "writing"):
        pass


def test_a_damaged_lock_is_nobodys(folder: Path) -> None:
    write_bytes(folder / ".lock", b"{")
    with store_locked(folder, "writing"):
        pass


def test_signs_are_given_and_a_loss_is_noticed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.02)
    with store_locked(folder, "writing") as lock:
        first = json.loads(read_bytes(folder / ".lock"))["at"]
        until = time.monotonic() + 10
        while json.loads(read_bytes(folder / ".lock"))["at"] == first:
            assert time.monotonic() < until
            time.sleep(0.01)
        lock.check()
        monkeypatch.setattr(module, "BEAT", 60.0)
        time.sleep(0.2)  # the sign that was due is given
        hold(folder)
        with pytest.raises(ResultError, match="taken over by process 7 on elsewhere"):
            lock.check()
    # Theirs stays.
    assert json.loads(read_bytes(folder / ".lock"))["token"] == "theirs"


def test_a_place_that_is_read_only_is_refused() -> None:
    with (
        pytest.raises(UsageError, match="can only be read"),
        store_locked(place("https://server/results"), "writing"),
    ):
        pass


# --- on a disk ---

HOLD = "import sys, time; from pathlib import Path; from vostool.io.locks import locked\n"
HOLD += "with locked(Path(sys.argv[1]), 'writing'): print('held', flush=True); time.sleep(60)"


def test_another_process_is_kept_away_until_it_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ResultError, match=f"is writing {folder}"), locked(folder, "writing"):
            pass
        process.kill()
    with locked(folder, "writing"):
        pass


def test_another_thread_is_kept_away(tmp_path: Path) -> None:
    refused: list[str] = []

    def work() -> None:
        try:
            with locked(tmp_path, "writing"):
                pass
        except ResultError as error:
            refused.append(str(error))

    with locked(tmp_path, "writing"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_a_file_that_was_removed_is_no_lock(tmp_path: Path) -> None:
    """One that failed removes its folder; another that begins then has a lock of its own."""
    with locked(tmp_path / "run", "writing"):
        (tmp_path / "run/.lock").unlink()
        (tmp_path / "run").rmdir()
    with (
        locked(tmp_path / "run", "writing"),
        pytest.raises(ResultError),
        locked(tmp_path / "run", "writing"),
    ):
        pass


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path, "writing"), locked(tmp_path, "writing"):
        pass


def test_a_folder_that_is_not_ours_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match="error"), locked(tmp_path, "writing"):
        pass
