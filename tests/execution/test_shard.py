"""Shards of one run: at the same time, killed, started twice, and of another number."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.errors import ResultError
from vostool.execution.distribute import share_of
from vostool.execution.run import missing_sequences, run_tracker
from vostool.io.locks import home_of_processes
from vostool.runs.folder import RunFolder
from vostool.runs.shards import SILENCE, alive, done_in, gather, shards_of
from vostool.tracking.job import RunRequest
from vostool.workspace import Workspace

# It waits on the fifth frame of every sequence until the file `go` is there.
TRACKER = """
import os
import time
from pathlib import Path

import numpy as np

from vostool import Tracker

HERE = Path(__file__).parent


class Wandering(Tracker):
    summary = "the first masks on a random walk"

    def reset(self):
        self.labels, self.steps = None, 0

    def step(self, frame, prompts=()):
        self.steps += 1
        if self.steps == 5 and not (HERE / "go").exists():
            (HERE / f"{os.getpid()}.waiting").touch()
            deadline = time.monotonic() + 60
            while not (HERE / "go").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
        if self.labels is None:
            self.labels = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            self.labels[prompt.mask] = prompt.object_id
        return np.roll(self.labels, tuple(np.random.randint(-3, 4, 2)), (0, 1))
"""
LIMIT = 90  # seconds after which something hangs


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """Draw twelve short sequences."""
    return synthetic.make(tmp_path_factory.mktemp("data") / "clips", size=(64, 96), frames=6)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "trackers" / "wandering"
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(TRACKER)
    (folder / "go").touch()
    return Workspace(tmp_path)


@pytest.fixture
def dataset(clips, workspace):
    return open_dataset(f"folder:{clips}", workspace=workspace)


@pytest.fixture
def track(dataset, workspace):
    """Return a function that tracks a shard, or all, in this process."""

    def do(name: str, shard: tuple[int, int] | None = None, **how: object) -> RunFolder:
        request = replace(RunRequest("wandering", name, shard=shard), **how)
        return run_tracker(request, dataset, workspace, workspace.results)

    return do


def masks(run: RunFolder) -> dict[str, bytes]:
    return {str(p.relative_to(run.path)): p.read_bytes() for p in run.masks.rglob("*.png")}


def rows(run: RunFolder) -> list[tuple[object, ...]]:
    return sorted((s.sequence, s.frame, s.objects, s.prompts) for s in run.times())


def assert_equal(run: RunFolder, whole: RunFolder) -> None:
    """Compare with a run of one process, and see that nothing else is left."""
    assert masks(run) == masks(whole)
    assert len(masks(run)) == 72
    assert rows(run) == rows(whole)
    assert not run.manifest().differences(whole.manifest())
    assert {p.name for p in run.path.iterdir()} <= {
        *(".lock", "masks", "run.json", "sequences.jsonl", "times.csv")
    }
    assert not list(run.masks.glob(".*"))


def start(home: Path, clips: Path, name: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "vostool", "--home", str(home), "run", "wandering"]
    return subprocess.Popen(
        [*command, "--dataset", f"folder:{clips}", "--name", name, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
    )


def wait_for(condition) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_after_the_other(track, dataset):
    whole = track("whole")
    run = track("parts", (1, 3))
    assert not run.exists(), "the run begins when its last shard ends"
    assert len(done_in(run)) == 4
    track("parts", (3, 3))
    request = RunRequest("wandering", "parts", shard=(2, 3))
    missing = missing_sequences(request, dataset, run.path.parent.parent)
    assert [c.name for c in missing] == [c.name for c in share_of(dataset.sequences, 2, 3)]
    track("parts", (2, 3))
    assert_equal(run, whole)
    assert {status.workers for status in run.manifest().sequences.values()} == {1}


def test_without_locks_and_all_at_the_same_moment(track, monkeypatch):
    """File systems of clusters may let everybody have every lock; all shards end together."""

    def no_locks(descriptor, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    whole = track("whole")
    for trial in range(5):
        name = f"parts{trial}"
        for shard in (1, 2, 3):
            track(name, (shard, 4))
        run = (
            track(name, (4, 4), tracker="wandering")
            if trial == 0
            else _gathered_at_once(track, name)
        )
        assert_equal(run, whole)


def _gathered_at_once(track, name: str) -> RunFolder:
    """End the last shard while four others gather, as shards that end at the same moment do."""
    import vostool.execution.shard

    real = vostool.execution.shard.gather_if_idle
    vostool.execution.shard.gather_if_idle = lambda folder: None
    try:
        run = track(name, (4, 4))
    finally:
        vostool.execution.shard.gather_if_idle = real
    barrier = threading.Barrier(4)

    def end(_: int) -> None:
        barrier.wait()
        real(RunFolder(run.path))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(end, range(4)))
    return run


@pytest.mark.slow
def test_at_the_same_time_and_one_killed(clips, workspace, track):
    """Three processes; one is killed in the middle, told twice, and started again."""
    tracker = workspace.trackers / "wandering"
    (tracker / "go").unlink()
    home = workspace.home
    shards = [start(home, clips, "parts", "--shard", f"{n}/3") for n in (1, 2, 3)]
    wait_for(lambda: len(list(tracker.glob("*.waiting"))) == 3)
    twice = start(home, clips, "parts", "--shard", "2/3")
    _, refusal = twice.communicate(timeout=LIMIT)
    assert twice.returncode == 2
    assert f"Shard 2/3 of {workspace.results}/folder-clips/parts is being tracked" in refusal
    ordinary = start(home, clips, "parts")
    _, refusal = ordinary.communicate(timeout=LIMIT)
    assert ordinary.returncode == 2
    assert "is at work (process" in refusal
    shards[0].send_signal(signal.SIGKILL)
    shards[0].communicate(timeout=LIMIT)
    (tracker / "go").touch()
    outputs = [shard.communicate(timeout=LIMIT)[0] for shard in shards[1:]]
    # The one that ends last sees what the other has done.
    assert any("4 of 12 sequences are missing of other shards" in text for text in outputs)
    run = RunFolder(workspace.results / "folder-clips" / "parts")
    assert not run.exists()
    again = start(home, clips, "parts", "--shard", "1/3")
    output, errors = again.communicate(timeout=LIMIT)
    assert again.returncode == 0, errors
    assert "shard 1/3, 4 tracked now (24 frames); all sequences are there\n" in output
    assert_equal(run, track("whole"))
    workers = {s.workers for s in run.manifest().sequences.values()}
    assert workers <= {1, 2, 3, 4}
    assert max(workers) >= 2, "they shared the machine"


def test_the_next_ordinary_run_gathers_and_finishes(track):
    whole = track("whole")
    run = track("parts", (1, 3))
    track("parts")
    assert_equal(run, whole)


def test_eval_gathers(cli, clips, track):
    run = track("parts", (1, 2))
    incomplete = cli("eval", "--dataset", f"folder:{clips}")
    assert incomplete.exit_code == 2
    assert "lacks 6 of 12 sequences" in " ".join(incomplete.output.split())
    track("parts", (2, 2))
    assert cli("eval", "--dataset", f"folder:{clips}").exit_code == 0
    assert (run.path / "scores").is_dir()


def test_another_number_of_shards_goes_on(track):
    whole = track("whole")
    track("parts", (1, 2))
    track("parts", (1, 5))
    for shard in (2, 3, 4, 5):
        run = track("parts", (shard, 5))
    assert_equal(run, whole)


def test_more_shards_than_sequences(track):
    whole = track("whole")
    for shard in range(1, 16):
        run = track("parts", (shard, 15))
    assert_equal(run, whole)


def test_a_run_that_was_begun_goes_on_as_shards(track, dataset, workspace):
    whole = track("whole")
    some = dataset.select([sequence.name for sequence in dataset.sequences[:5]])
    run_tracker(RunRequest("wandering", "parts"), some, workspace, workspace.results)
    for shard in (1, 2):
        run = track("parts", (shard, 2))
    assert_equal(run, whole)


def test_gathering_may_be_killed_anywhere(track, monkeypatch):
    whole = track("whole")
    for step, method in enumerate(("rewrite", "adopt", "complete")):
        for shard in (1, 2):
            with monkeypatch.context() as patch:
                patch.setattr("vostool.execution.shard.gather_if_idle", lambda folder: None)
                run = track(f"parts{step}", (shard, 2))
        calls = iter(range(100))
        real = getattr(RunFolder, method)

        def stop(self, *arguments, real=real, calls=calls, last=step * 2):
            if next(calls) >= last:
                raise KeyboardInterrupt
            return real(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, method, stop)
            with pytest.raises(KeyboardInterrupt):
                gather(run)
        gather(run)
        assert_equal(run, whole)


def test_a_shard_of_another_run_is_refused(track):
    track("parts", (1, 2))
    with pytest.raises(
        ResultError, match=r"Shard 1/2 of .*parts is of another run.*seed \(0 -> 7\)"
    ):
        track("parts", (2, 2), seed=7)


def test_shards_of_different_runs_are_not_gathered(track, monkeypatch):
    """They began at the same moment, so none saw the other."""
    track("parts", (1, 2))
    monkeypatch.setattr("vostool.execution.shard._check_alike", lambda *arguments: None)
    with pytest.raises(ResultError, match=r"are of different runs: seed"):
        track("parts", (2, 2), seed=7)


def test_signs_of_life(tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    with alive(run.path / ".shards" / "2-of-5.abc"):
        (shard,) = shards_of(run)
        assert (shard.number, shard.at_work()) == ("2/5", True)
        about = shard.run.path / "shard.json"
        elsewhere = {"host": "elsewhere", "process": 1}
        about.write_text(json.dumps(elsewhere))
        (shard,) = shards_of(run)
        assert shard.at_work(), "nobody can ask there, but the sign is fresh"
        old = time.time() - SILENCE - 5
        os.utime(shard.run.path / "alive", (old, old))
        assert not shard.at_work()
        os.utime(shard.run.path / "alive")
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        here = {"host": socket.gethostname(), "home": home_of_processes(), "process": gone.pid}
        about.write_text(json.dumps(here))
        (shard,) = shards_of(run)
        assert not shard.at_work(), "its process is known to be gone"
    assert not (shard.run.path / "alive").exists()


def test_what_cannot_be_meant(cli, clips):
    data = ("--dataset", f"folder:{clips}")
    for text in ("0/3", "4/3", "3", "a/b", "1/0"):
        done = cli("run", "copy_first", *data, "--shard", text)
        assert done.exit_code == 2
        assert "it is I/N, counted from 1: 1/8" in " ".join(done.output.split())
    both = cli("run", "copy_first", *data, "--shard", "1/2", "--scheduler", "tcp://127.0.0.1:9")
    assert both.exit_code == 2
    assert "A scheduler shares out the sequences itself" in both.output
    scored = cli("eval", *data, "--shard", "1/2")
    assert scored.exit_code == 2
    assert "--shard is for `vostool run`" in scored.output
    store = cli("run", "copy_first", *data, "--shard", "1/2", "--results", "memory://results")
    assert store.exit_code == 2
    assert "memory://results" in store.output
    assert "--scheduler" in store.output


def test_a_sequence_that_lost_a_mask_is_replaced(track):
    """Of a folder that is there but lacks something, a disk says that it is not empty."""
    whole, run = track("whole"), track("parts")
    next(run.masks.rglob("*.png")).unlink()
    track("parts", (1, 1))
    assert_equal(run, whole)


def test_what_is_gathered_meanwhile_is_not_missing(track, monkeypatch):
    run = track("parts", (1, 2))
    done = done_in(run)
    real = RunFolder.complete

    def gathered_first(self, manifest):
        found = real(self, manifest)
        if ".shards" in str(self.path):
            monkeypatch.undo()
            gather(run)
        return found

    monkeypatch.setattr(RunFolder, "complete", gathered_first)
    assert done_in(run) == done != set()


def test_a_container_of_the_same_name_is_no_proof_of_death(tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with alive(run.path / ".shards" / "1-of-2.abc"):
        (shard,) = shards_of(run)
        assert not replace(shard, process=gone.pid).at_work()
        assert replace(shard, process=gone.pid, home=f"{shard.host} pid:[1]").at_work()


def test_leftovers_of_killed_shards_are_swept(track):
    whole, run = track("whole"), track("parts", (1, 2))
    shards = run.path / ".shards"
    (shards / "2-of-2.killed").mkdir()
    (shards / ".now.killed").touch()
    for path in (shards / "2-of-2.killed", shards / ".now.killed"):
        os.utime(path, (1.0, 1.0))
    track("parts", (2, 2))
    assert_equal(run, whole)
