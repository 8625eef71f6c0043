"""`vostool campaign` as it is typed: planned, killed, resumed, scored and ranked."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from vostool.datasets import synthetic
from vostool.runs.folder import RunFolder

Cli = Callable[..., Result]
# Every step takes a while, uses the global random generator and depends on all steps before it.
DRIFTING = """
import time
from dataclasses import dataclass

import numpy as np

from vostool import Tracker


@dataclass(frozen=True)
class Settings:
    reach: int = 2
    pause: float = 0.0


class Drifting(Tracker):
    Config = Settings

    def reset(self):
        self.place = np.zeros(2, int)
        self.labels = None

    def step(self, frame, prompts=()):
        time.sleep(self.config.pause)
        if self.labels is None:
            self.labels = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            self.labels[prompt.mask] = prompt.object_id
        self.place += np.random.randint(-self.config.reach, self.config.reach + 1, 2)
        return np.roll(self.labels, tuple(self.place), (0, 1))
"""
RUNS = ("copy_first", "drifting-reach=1", "drifting-reach=3")
FEW = ("crowd", "late-objects", "scale-rotation")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "clips"
    return synthetic.make(folder, size=(64, 96), frames=6)


@pytest.fixture
def drifting(tmp_path: Path) -> Path:
    path = tmp_path / "trackers" / "drifting" / "tracker.py"
    path.parent.mkdir(parents=True)
    path.write_text(DRIFTING)
    return path


@pytest.fixture
def file(tmp_path: Path, clips: Path, drifting: Path) -> Path:
    """Write a campaign of three runs on one dataset."""
    return written(tmp_path, f'[[datasets]]\ndataset = "folder:{clips}"\n')


def written(
    folder: Path, datasets: str, settings: str = "settings.reach = [1, 3]", more: str = ""
) -> Path:
    path = folder / "small.toml"
    trackers = '[[trackers]]\ntracker = "copy_first"\n[[trackers]]\ntracker = "drifting"\n'
    path.write_text(f"{trackers}{settings}\n{more}{datasets}")
    return path


def flat(outcome: Result, code: int = 0) -> str:
    assert outcome.exit_code == code, outcome.output
    return " ".join(outcome.output.split())


def files(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob(pattern))
        if path.is_file()
    }


def begin(home: Path, file: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "vostool", "--home", str(home), "campaign", str(file)]
    return subprocess.Popen(
        [*command, "--frames", "none"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        start_new_session=True,
        # A shell's background job, as a test run may be, ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended(process: "subprocess.Popen[str]") -> int:
    process.communicate()
    return process.returncode


def finished(results: Path) -> int:
    """Return how many sequences of all runs are finished."""
    return len(list(results.glob("*/*/masks/[!.]*")))


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_an_unbroken_one(tmp_path: Path, clips: Path) -> None:
    homes = [tmp_path / name for name in ("whole", "killed")]
    for home in homes:
        (home / "trackers" / "drifting").mkdir(parents=True)
        (home / "trackers" / "drifting" / "tracker.py").write_text(DRIFTING)
        slow = "settings.reach = [1, 3]\nsettings.pause = 0.02"
        datasets = f'[[datasets]]\ndataset = "folder:{clips}"\nprotocols = ["davis", "pooled"]\n'
        written(home, datasets, slow)
    assert ended(begin(homes[0], homes[0] / "small.toml")) == 0
    rng = random.Random(0)
    seen = []
    for _ in range(4):
        before = finished(homes[1] / "results")
        process = begin(homes[1], homes[1] / "small.toml")
        while finished(homes[1] / "results") <= before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.6))
        process.kill()
        ended(process)
        seen.append(finished(homes[1] / "results"))
    assert 0 < seen[0] < 3 * len(synthetic.SEQUENCES), seen
    assert ended(begin(homes[1], homes[1] / "small.toml")) == 0

    whole, killed = (home / "results" / "folder-clips" for home in homes)
    assert {path.name for path in killed.iterdir()} == {
        "copy_first",
        "drifting-reach=1-pause=0.02",
        "drifting-reach=3-pause=0.02",
    }
    for run in whole.iterdir():
        assert files(run / "masks") == files(killed / run.name / "masks")
        assert not list((killed / run.name).glob("masks/.*"))
        times = [RunFolder(each / run.name).times() for each in (whole, killed)]
        rows = [sorted((t.sequence, t.frame, t.objects, t.prompts) for t in each) for each in times]
        assert rows[0] == rows[1]
        for protocol in ("davis", "pooled"):
            for name in ("frames", "objects", "sequences"):
                tables = [
                    each / run.name / f"scores/{protocol}/{name}.csv" for each in (whole, killed)
                ]
                assert tables[0].read_bytes() == tables[1].read_bytes()
    boards = [pd.read_csv(h / "results/campaigns/small/leaderboard.csv") for h in homes]
    columns = ["rank", "run", "protocol", "sequences", "JF_mean", "J_mean", "F_mean"]
    pd.testing.assert_frame_equal(boards[0][columns], boards[1][columns])
    assert len(boards[0]) == 6


def test_a_second_start_tracks_nothing(cli: Cli, file: Path, tmp_path: Path) -> None:
    first = flat(cli("campaign", file, "--frames", "none"))
    assert "3 runs: 0 complete, 3 to track; 216 frames, 3 of unknown time" in first
    results = tmp_path / "results"
    before = {path: path.stat().st_mtime_ns for path in results.rglob("masks/**/*.png")}
    second = flat(cli("campaign", file, "--frames", "none"))
    assert "3 runs: 3 complete, 0 to track." in second
    assert "Tracked now" not in second
    assert {p: p.stat().st_mtime_ns for p in results.rglob("masks/**/*.png")} == before
    board = pd.read_csv(results / "campaigns/small/leaderboard.csv")
    assert set(board["run"]) == set(RUNS)


def test_each_run_is_the_one_that_vostool_run_makes(cli: Cli, file: Path, clips: Path) -> None:
    home = file.parent
    flat(cli("campaign", file, "--frames", "none"))
    data = ("--dataset", f"folder:{clips}", "--results", home / "alone")
    flat(cli("run", "drifting", "-o", "reach=3", "--name", "drifting-reach=3", *data))
    runs = [home / name / "folder-clips/drifting-reach=3" for name in ("results", "alone")]
    assert files(runs[0] / "masks") == files(runs[1] / "masks")
    about = [json.loads((run / "run.json").read_text()) for run in runs]
    assert about[0]["config"] == about[1]["config"] == {"reach": 3, "pause": 0.0}


@pytest.mark.slow
def test_several_processes_make_the_same(cli: Cli, file: Path, tmp_path: Path) -> None:
    flat(cli("campaign", file, "--frames", "none"))
    flat(cli("campaign", file, "--frames", "none", "--workers", 2, "--results", tmp_path / "two"))
    for run in RUNS:
        folders = [tmp_path / name / "folder-clips" / run / "masks" for name in ("results", "two")]
        assert files(folders[0]) == files(folders[1])


@pytest.mark.slow
def test_a_dry_run_writes_nothing(cli: Cli, tmp_path: Path, drifting: Path) -> None:
    file = written(tmp_path, '[[datasets]]\ndataset = "synthetic"\n')
    before = files(tmp_path)
    shown = flat(cli("campaign", file, "--dry-run"))
    assert "3 runs: 0 complete, 3 to track; 1,440 frames" in shown
    assert {k: v for k, v in files(tmp_path).items() if "__pycache__" not in k} == before
    assert not (tmp_path / "datasets").exists()
    assert not (tmp_path / "results").exists()


def test_what_cannot_run_stops_nothing_else(
    cli: Cli, tmp_path: Path, clips: Path, drifting: Path
) -> None:
    datasets = f'[[datasets]]\ndataset = "folder:{clips}"\n[[datasets]]\ndataset = "MOSE"\n'
    more = '[[trackers]]\ntracker = "driftin"\n[[trackers]]\ntracker = "nano_box"\n'
    file = written(tmp_path, datasets, "settings.reech = [1, 3]", more)
    plan = flat(cli("campaign", file, "--dry-run"), 2)
    assert "10 runs: 0 complete, 1 to track, 9 refused" in plan
    assert "nano_box needs weights: give them with" in plan
    assert "There is no setting 'reech' in drifting. Did you mean 'reach'?" in plan
    assert "There is no tracker 'driftin'. Did you mean 'drifting'?" in plan
    assert "MOSE not found" in plan
    assert "9 of 10 runs cannot run" in plan
    assert not (tmp_path / "results").exists()
    ran = flat(cli("campaign", file, "--frames", "none"), 2)
    assert "9 of 10 runs cannot run" in ran
    assert "failed" not in ran
    board = pd.read_csv(tmp_path / "results/campaigns/small/leaderboard.csv")
    assert list(board["run"]) == ["copy_first"]


def test_a_run_folder_that_holds_something_else(cli: Cli, file: Path, clips: Path) -> None:
    name = ("--name", "drifting-reach=1")
    flat(cli("run", "drifting", "-o", "reach=2", "--dataset", f"folder:{clips}", *name))
    plan = flat(cli("campaign", file, "--dry-run"), 2)
    assert "holds a run of something else; what differs: configuration (reach: 2 -> 1)" in plan
    ran = flat(cli("campaign", file, "--frames", "none"), 2)
    assert "1 of 3 runs cannot run" in ran
    results = file.parent / "results/folder-clips"
    assert json.loads((results / "drifting-reach=1/run.json").read_text())["config"]["reach"] == 2
    assert (results / "drifting-reach=3/scores/davis/summary.csv").is_file()


def test_a_tracker_that_fails_on_the_way(
    cli: Cli, tmp_path: Path, clips: Path, drifting: Path
) -> None:
    drifting.write_text(
        DRIFTING.replace(
            "        self.place +=",
            "        self.config.reach == 3 and 1 / 0\n        self.place +=",
        )
    )
    file = written(tmp_path, f'[[datasets]]\ndataset = "folder:{clips}"\n')
    ran = flat(cli("campaign", file, "--frames", "none"), 2)
    assert "Failed: folder:clips/drifting-reach=3: The tracker failed" in ran
    assert "ZeroDivisionError" in ran
    assert "1 of 3 runs failed" in ran
    board = pd.read_csv(tmp_path / "results/campaigns/small/leaderboard.csv")
    assert set(board["run"]) == set(RUNS) - {"drifting-reach=3"}


def test_a_file_that_grew_adds_what_is_new(cli: Cli, file: Path, clips: Path) -> None:
    home = file.parent
    flat(cli("campaign", file, "--frames", "none"))
    before = {path: path.stat().st_mtime_ns for path in home.rglob("masks/**/*.png")}
    rest = f'[[datasets]]\ndataset = "folder:{clips}"\nprotocols = ["davis", "pooled"]\n'
    written(home, rest, "settings.reach = [1, 3, 5]")
    grown = flat(cli("campaign", file, "--frames", "none"))
    assert "4 runs: 3 complete, 1 to track; 72 frames" in grown
    after = {path: path.stat().st_mtime_ns for path in home.rglob("masks/**/*.png")}
    assert len(after) == len(before) * 4 // 3
    assert {path: after[path] for path in before} == before
    board = pd.read_csv(home / "results/campaigns/small/leaderboard.csv")
    assert len(board[board["protocol"] == "pooled"]) == 4


def test_chosen_runs_and_chosen_sequences(
    cli: Cli, tmp_path: Path, clips: Path, drifting: Path
) -> None:
    names = ", ".join(f'"{name}"' for name in FEW)
    file = written(tmp_path, f'[[datasets]]\ndataset = "folder:{clips}"\nsequences = [{names}]\n')
    shown = flat(cli("campaign", file, "--only", "drifting*"))
    assert "2 runs: 0 complete, 2 to track; 36 frames" in shown
    assert "folder:clips, protocol davis, 3 chosen sequences" in shown
    runs = tmp_path / "results/folder-clips"
    assert {path.name for path in runs.iterdir()} == set(RUNS) - {"copy_first"}
    assert (runs / "drifting-reach=1/scores/davis.subset/summary.csv").is_file()
    assert not (tmp_path / "results/campaigns").exists(), "chosen ones are not ranked in files"
    refused = flat(cli("campaign", file, "--only", "drift"), 2)
    assert "There is no run 'drift' in the campaign" in refused


def test_the_ranks_are_those_of_the_whole_campaign(cli: Cli, file: Path, tmp_path: Path) -> None:
    flat(cli("campaign", file))
    table = tmp_path / "results/campaigns/small/leaderboard.csv"
    assert all(run in table.read_text() for run in RUNS)
    flat(cli("campaign", file, "--only", "copy_first"))
    assert all(run in table.read_text() for run in RUNS)


def test_scores_that_cannot_be_written_stop_no_other(cli: Cli, file: Path, tmp_path: Path) -> None:
    flat(cli("campaign", file))
    runs = tmp_path / "results/folder-clips"
    shutil.rmtree(runs / "copy_first/scores")
    (runs / "copy_first/scores").touch()
    shutil.rmtree(runs / "drifting-reach=1/scores")
    told = flat(cli("campaign", file), 2)
    assert "1 of 3 runs failed" in told
    assert (runs / "drifting-reach=1/scores/davis/summary.csv").is_file()


def test_the_cost_is_that_of_runs_that_were(
    cli: Cli, tmp_path: Path, clips: Path, drifting: Path
) -> None:
    """Sleeping sets the pace, so what is predicted is known."""
    other = synthetic.make(tmp_path / "other", size=(64, 96), frames=10)
    slow = "settings.reach = 3\nsettings.pause = 0.05"
    rows = f'[[datasets]]\ndataset = "folder:{clips}"\n[[datasets]]\ndataset = "folder:{other}"\n'
    file = written(tmp_path, rows, slow)
    flat(cli("campaign", file, "--only", "folder:clips", "--frames", "none"))
    plan = cli("campaign", file, "--dry-run").output
    (line,) = [each for each in plan.splitlines() if "folder:other │ drifting" in each]
    assert "folder-clips/drifting-reach=3-pause=0.05" in line
    fps = float(line.split("│")[6])
    assert 10 < fps < 20
    # What is missing of a run that was begun is predicted from the run itself.
    manifest = tmp_path / "results/folder-clips/drifting-reach=3-pause=0.05/masks/crowd"
    for path in manifest.glob("*.png"):
        path.unlink()
    again = cli("campaign", file, "--dry-run").output
    (line,) = [each for each in again.splitlines() if "folder:clips │ drifting" in each]
    assert "11 of 12" in line
    assert "this run" in line


def test_a_probe_measures_what_is_unknown(
    cli: Cli, tmp_path: Path, clips: Path, drifting: Path
) -> None:
    file = written(tmp_path, f'[[datasets]]\ndataset = "folder:{clips}"\n', "settings.pause = 0.05")
    before = files(tmp_path)
    plan = cli("campaign", file, "--dry-run", "--probe").output
    (line,) = [each for each in plan.splitlines() if "drifting" in each]
    assert "probe" in line
    assert 8 < float(line.split("│")[6]) < 20
    assert {k: v for k, v in files(tmp_path).items() if "__pycache__" not in k} == before


def test_boxes(cli: Cli, tmp_path: Path, drifting: Path) -> None:
    flat(cli("datasets", "make", "vot", tmp_path / "drawn", "--frames", 24, "--size", "96x64"))
    rows = (
        '[[datasets]]\ndataset = "vot:drawn"\nprotocols = ["vot-pysot", "vot-toolkit"]\n'
        'repetitions = 2\nregion = "box"\ninterval = [5, 20]\n'
    )
    file = written(tmp_path, rows)
    shown = flat(cli("campaign", file, "--frames", "none"))
    assert "protocol vot-toolkit" in shown
    runs = tmp_path / "results/vot-drawn"
    tables = runs / "drifting-reach=1/scores"
    assert {path.name for path in tables.iterdir()} >= {"vot-pysot", "vot-toolkit"}
    assert (runs / "drifting-reach=1/baseline/crowd/crowd_002.txt").is_file()
    board = pd.read_csv(tmp_path / "results/campaigns/small/leaderboard.csv")
    assert len(board) == 6
    assert (board["EAO"] > 0).any()
    data = ("--dataset", f"vot:{tmp_path / 'drawn'}", "--results", tmp_path / "alone")
    how = ("--repetitions", 2, "--region", "box", "-o", "reach=1", "--name", "drifting-reach=1")
    flat(cli("run", "drifting", *data, *how))
    alone = tmp_path / "alone/vot-drawn/drifting-reach=1/baseline"
    assert files(runs / "drifting-reach=1/baseline") == files(alone)
    wrong = written(tmp_path, rows.replace('"vot-toolkit"', '"ope"'))
    assert "There is no protocol of VOT 'ope'" in flat(cli("campaign", wrong, "--dry-run"), 2)


def test_two_rows_for_one_folder(cli: Cli, tmp_path: Path, clips: Path, drifting: Path) -> None:
    rows = f'[[datasets]]\ndataset = "folder:{clips}"\n'
    file = written(tmp_path, rows + rows + 'protocols = ["pooled"]\n')
    shown = flat(cli("campaign", file, "--dry-run"), 2)
    assert "Two [[datasets]] have the same run folder folder-clips/copy_first" in shown


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, clips: Path, drifting: Path) -> None:
    slow = "settings.reach = [1, 3]\nsettings.pause = 0.1"
    file = written(tmp_path, f'[[datasets]]\ndataset = "folder:{clips}"\n', slow)
    process = begin(tmp_path, file)
    while not finished(tmp_path / "results") and process.poll() is None:
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip().endswith("run the same command again to go on.")
    assert len(errors.strip().splitlines()) == 1
    assert not list(tmp_path.glob("results/*/*/masks/.*"))
    assert 0 < finished(tmp_path / "results") < 36
