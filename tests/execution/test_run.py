"""Running and resuming: what is killed is finished by the next start, byte for byte."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from vostool.datasets import synthetic
from vostool.runs.folder import RunFolder

# Every step takes a while, uses the global random generator and depends on all steps before it.
DRIFTING = """
import time

import numpy as np

from vostool import Tracker


class Drifting(Tracker):
    summary = "the first mask on a random walk"

    def reset(self):
        self.place = np.zeros(2, int)
        self.labels = None

    def step(self, frame, prompts=()):
        time.sleep(0.05)
        if self.labels is None:
            self.labels = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            self.labels[prompt.mask] = prompt.object_id
        self.place += np.random.randint(-2, 3, 2)
        return np.roll(self.labels, tuple(self.place), (0, 1))
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """Draw twelve short sequences."""
    return synthetic.make(tmp_path_factory.mktemp("data") / "clips", size=(64, 96), frames=8)


def start(home: Path, clips: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "vostool", "--home", str(home), *arguments]
    return subprocess.Popen(
        [*command, "--dataset", f"folder:{clips}"], stdout=subprocess.DEVNULL, cwd=home
    )


def at_work(run: Path, started: float) -> bool:
    """Return True if a mask was written since `started`, or whether 30 seconds have passed."""
    since = time.monotonic() - started
    for folder in run.glob("masks/.*"):
        with contextlib.suppress(FileNotFoundError):  # it was finished meanwhile
            if any(time.time() - p.stat().st_mtime < since for p in folder.glob("*.png")):
                return True
    return since > 30


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def finished(run: Path) -> int:
    """Return how many sequences are finished."""
    return len([path for path in run.glob("masks/*") if path.name[0] != "."])


def test_ten_kills_change_nothing(tmp_path, clips):
    tracker = tmp_path / "trackers" / "drifting" / "tracker.py"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(DRIFTING)
    assert start(tmp_path, clips, "run", "drifting", "--name", "whole").wait() == 0
    run = tmp_path / "results" / "folder-clips" / "killed"
    rng = random.Random(0)
    progress = []
    for kill in range(10):
        process = start(tmp_path, clips, "run", "drifting", "--name", "killed")
        # Every third dies while it starts, the others once they are seen to be at work.
        started = time.monotonic()
        while kill % 3 and not at_work(run, started):
            time.sleep(0.005)
        while kill == 8 and not finished(run):  # on a busy machine none may be, otherwise
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.5))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        progress.append(finished(run))
    assert 0 < progress[-1] < len(synthetic.SEQUENCES), progress
    assert start(tmp_path, clips, "run", "drifting", "--name", "killed").wait() == 0

    whole = run.with_name("whole")
    assert files(run / "masks") == files(whole / "masks")
    assert not list(run.glob("masks/.*"))
    assert len(RunFolder(run).times()) == len(RunFolder(whole).times()) == 12 * 8
    assert start(tmp_path, clips, "eval").wait() == 0
    for name in ("frames", "objects", "sequences"):
        ours = (run / "scores" / "davis" / f"{name}.csv").read_bytes()
        assert ours == (whole / "scores" / "davis" / f"{name}.csv").read_bytes()


def test_a_second_start_does_nothing_again(cli, clips, tmp_path):
    arguments = ("run", "copy_first", "--dataset", f"folder:{clips}")
    assert cli(*arguments).exit_code == 0
    run = tmp_path / "results" / "folder-clips" / "copy_first"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.png")}
    times = (run / "times.csv").read_text()
    assert cli(*arguments).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*.png")} == before
    assert (run / "times.csv").read_text() == times


def test_a_lost_sequence_is_tracked_again(cli, clips, tmp_path):
    arguments = ("run", "copy_first", "--dataset", f"folder:{clips}")
    assert cli(*arguments).exit_code == 0
    masks = tmp_path / "results" / "folder-clips" / "copy_first" / "masks"
    before = files(masks)
    shutil.rmtree(masks / "crowd")
    assert cli(*arguments).exit_code == 0
    assert files(masks) == before


def test_box_trackers_never_see_a_mask(cli, clips, tmp_path):
    tracker = tmp_path / "trackers" / "curious" / "tracker.py"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(
        "import numpy as np\nfrom vostool import Tracker\n\n"
        "class Curious(Tracker):\n"
        "    init = 'box'\n"
        "    def reset(self):\n        pass\n"
        "    def step(self, frame, prompts=()):\n"
        "        assert all(p.mask is None and p.box.w >= 1 for p in prompts)\n"
        "        return np.zeros(frame.shape[:2], np.uint8)\n"
    )
    assert cli("run", "curious", "--dataset", f"folder:{clips}").exit_code == 0


def test_times_name_every_step_and_every_start(cli, clips, tmp_path):
    assert cli("run", "copy_first", "--dataset", f"folder:{clips}").exit_code == 0
    table = pd.read_csv(tmp_path / "results" / "folder-clips" / "copy_first" / "times.csv")
    late = table[table["sequence"] == "late-objects"]
    assert len(table) == 12 * 8
    assert late["prompts"].sum() == late["objects"].max() == 3
    assert (late["prompts"] > 0).sum() > 1, "objects start on more than one frame"
    assert (table["ms"] > 0).all()


def test_settings_and_local_trackers_reach_worker_processes(cli, clips, tmp_path):
    tracker = tmp_path / "trackers" / "shifted" / "tracker.py"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(
        "from dataclasses import dataclass\nimport numpy as np\nfrom vostool import Tracker\n\n"
        "@dataclass(frozen=True)\nclass Settings:\n    shift: int = 0\n\n"
        "class Shifted(Tracker):\n"
        "    Config = Settings\n"
        "    def reset(self):\n        self.labels = None\n"
        "    def step(self, frame, prompts=()):\n"
        "        if self.labels is None:\n"
        "            self.labels = np.zeros(frame.shape[:2], np.uint8)\n"
        "        for prompt in prompts:\n"
        "            self.labels[prompt.mask] = prompt.object_id\n"
        "        return np.roll(self.labels, self.config.shift, 1)\n"
    )
    (tracker.parent / "far.toml").write_text("shift = 9\n")
    data = ("--dataset", f"folder:{clips}")
    for name, spec, options in (
        ("a", "shifted/far", ("--workers", 2)),
        ("b", "shifted", ("-o", "shift=9")),
        ("c", "shifted", ()),
    ):
        done = cli("run", spec, *data, *options, "--name", name)
        assert done.exit_code == 0, done.output
    runs = tmp_path / "results" / "folder-clips"
    assert files(runs / "a" / "masks") == files(runs / "b" / "masks")
    assert files(runs / "a" / "masks") != files(runs / "c" / "masks")


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupting_ends_with_a_sentence_and_keeps_what_is_finished(tmp_path, clips, workers):
    tracker = tmp_path / "trackers" / "drifting" / "tracker.py"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(DRIFTING)
    arguments = ("run", "drifting", "--name", "stopped", "--workers", str(workers))
    command = [sys.executable, "-m", "vostool", "--home", str(tmp_path), *arguments]
    process = subprocess.Popen(
        [*command, "--dataset", f"folder:{clips}"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
        # A shell's background job, as a test run may be, ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    run = tmp_path / "results" / "folder-clips" / "stopped"
    finished = []
    while not finished and process.poll() is None:
        time.sleep(0.02)
        finished = [path for path in run.glob("masks/*") if path.name[0] != "."]
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to every process
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip().endswith("run the same command again to go on.")
    assert len(errors.strip().splitlines()) == 1
    assert all(path.is_dir() for path in finished)


def test_other_videos_of_another_root_are_another_run(cli, davis_folder):
    one = davis_folder(names=("bear",), folder="one")
    other = davis_folder(names=("goat",), folder="other")
    assert cli("run", "copy_first", "--dataset", "DAVIS2017", "--root", one).exit_code == 0
    refused = cli("run", "copy_first", "--dataset", "DAVIS2017", "--root", other)
    assert refused.exit_code == 2
    assert "folder of data" in refused.output


FAILING = """
from vostool import Tracker


class Failing(Tracker):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.left = {left}

    def reset(self):
        self.left -= 1

    def step(self, frame, prompts=()):
        if self.left < 0:
            raise RuntimeError("no more")
        return prompts[0].mask * 1 if prompts else frame[..., 0] * 0
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_start_that_fails_is_no_run(cli, clips, tmp_path, workers):
    tracker = tmp_path / "trackers" / "failing" / "tracker.py"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(FAILING.format(left=0))
    done = cli("run", "failing", "--dataset", f"folder:{clips}", "--workers", workers)
    assert done.exit_code == 2
    results = tmp_path / "results"
    assert [path for path in results.rglob("*") if path.is_file()] == []
    assert "failing" not in cli("results").output


def test_a_start_that_was_killed_is_no_run(cli, clips, tmp_path):
    tracker = tmp_path / "trackers" / "drifting" / "tracker.py"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(DRIFTING.replace("sleep(0.05)", "sleep(60)"))
    process = start(tmp_path, clips, "run", "drifting")
    run = tmp_path / "results" / "folder-clips" / "drifting"
    started = time.monotonic()
    while not list(run.glob("masks/.*")) and time.monotonic() < started + 60:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert (run / ".run.json").is_file()
    assert not (run / "run.json").exists()
    assert "drifting" not in cli("results").output
    tracker.write_text(DRIFTING.replace("sleep(0.05)", "sleep(0)"))  # other code, too
    assert cli("run", "drifting", "--dataset", f"folder:{clips}").exit_code == 0
    assert not (run / ".run.json").exists()
    assert finished(run) == 12
