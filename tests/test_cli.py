"""The command line end to end, as a user types it."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest

from vostool.cli import cli as command

HEAVY = {"torch", "torchvision", "cv2", "pandas", "numpy", "rich"}


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom vostool.cli import cli\n"
        "try:\n    cli(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.strip(" '[]\n") for name in done.stderr.split(",")}
    assert "Commands:" in done.stdout
    assert not HEAVY & loaded


def test_eval_does_not_import_torch(davis_folder, tmp_path):
    root = davis_folder(year=2016, split="val")
    code = (
        "import sys, vostool\n"
        f"root = {str(root)!r}\n"
        "vostool.evaluate('DAVIS2016', root + '/Annotations/480p', root=root, allow_trivial=True)\n"
        "assert 'torch' not in sys.modules and 'cv2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_run_eval_leaderboard(cli, davis_folder, tmp_path):
    root = davis_folder(year=2016, split="val")
    ran = cli("run", "copy_first", "--dataset", "DAVIS2016", "--root", root)
    assert ran.exit_code == 0, ran.output
    run = tmp_path / "results" / "DAVIS2016" / "copy_first"
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["tracker"] == "copy_first"
    assert manifest["init"] == "mask"
    assert manifest["schema"] == 2

    scored = cli("eval", "--dataset", "DAVIS2016", "--root", root)
    assert scored.exit_code == 0, scored.output
    assert "of 20" in scored.output
    summary = pd.read_csv(run / "scores" / "davis" / "summary.csv")
    frames = pd.read_csv(run / "scores" / "davis" / "frames.csv")
    assert list(frames.columns) == ["sequence", "object", "frame", "J", "F"]
    assert not summary["complete"][0]
    assert summary["fps"][0] > 0
    assert summary["fps_protocol"][0] == "step-wall"
    assert frames["J"].mean() == pytest.approx(summary["J_mean"][0], abs=1e-12)

    ranked = cli("leaderboard")
    assert ranked.exit_code == 0, ranked.output
    text = (tmp_path / "results" / "LEADERBOARD.md").read_text()
    assert "copy\\_first" in text
    assert "Published numbers for all 20 sequences" in text


def test_eval_runs_the_named_tracker_first(cli, plain_folder, tmp_path):
    root = plain_folder()
    done = cli("eval", "--dataset", f"folder:{root}", "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    (run,) = (tmp_path / "results").glob("folder-*/copy_first")
    assert (run / "scores" / "davis" / "summary.csv").is_file()


def test_eval_of_any_folder_writes_where_it_is_told(cli, davis_folder, tmp_path):
    root = davis_folder(year=2017, split="val")
    masks = root / "Annotations" / "480p"
    out = tmp_path / "out"
    data = ("--dataset", "DAVIS2017", "--root", root)
    done = cli("eval", *data, "--masks", masks, "--out", out, "--allow-trivial")
    assert done.exit_code == 0, done.output
    summary = pd.read_csv(out / "summary.csv")
    assert summary["J_mean"][0] == 1.0
    assert summary["F_mean"][0] == 1.0
    assert {path.name for path in out.iterdir() if path.name[0] != "."} == {
        "frames.csv",
        "objects.csv",
        "sequences.csv",
        "intervals.csv",
        "summary.csv",
    }


def test_a_subset_does_not_replace_the_scores_of_the_whole(cli, davis_folder, tmp_path):
    root = davis_folder(year=2016, split="val")
    data = ["--dataset", "DAVIS2016", "--root", root]
    assert cli("eval", *data, "--tracker", "copy_first").exit_code == 0
    run = tmp_path / "results" / "DAVIS2016" / "copy_first"
    whole = (run / "scores" / "davis" / "summary.csv").read_bytes()
    name = next((run / "masks").iterdir()).name
    assert cli("eval", *data, "--sequences", name).exit_code == 0
    assert (run / "scores" / "davis" / "summary.csv").read_bytes() == whole
    assert pd.read_csv(run / "scores" / "davis.subset" / "summary.csv")["sequences"][0] == 1


def test_several_workers_leave_fps_blank_and_give_the_same_masks(cli, davis_folder, tmp_path):
    root = davis_folder(year=2016, split="val")
    data = ["--dataset", "DAVIS2016", "--root", root]
    for name, workers in (("alone", 1), ("shared", 2)):
        done = cli("run", "copy_first", *data, "--name", name, "--workers", workers)
        assert done.exit_code == 0, done.output
    assert cli("eval", *data).exit_code == 0
    table = pd.read_csv(tmp_path / "results" / "DAVIS2016" / "summary.csv").set_index("run")
    assert table["fps"]["alone"] > 0
    assert pd.isna(table["fps"]["shared"])
    assert table["J_mean"]["alone"] == table["J_mean"]["shared"]


def test_without_runs_it_says_how_to_make_one(cli, davis_folder):
    done = cli("eval", "--dataset", "DAVIS2016", "--root", davis_folder(year=2016, split="val"))
    assert done.exit_code == 2
    assert "vostool run copy_first --dataset DAVIS2016" in done.output


def test_datasets_says_what_is_missing_and_how_to_get_it(cli):
    done = cli("datasets")
    assert done.exit_code == 0
    assert "missing" in done.output
    assert "davischallenge.org" in done.output


def test_trackers_lists_every_entry_point(cli):
    done = cli("trackers")
    assert done.exit_code == 0
    for name in ("box_fill", "color_model", "copy_first", "nano_box", "optical_flow"):
        assert name in done.output
    assert "Cannot be used" not in done.output


def test_drawing_the_synthetic_dataset(cli, tmp_path):
    where = tmp_path / "drawn"
    options = ["--seed", 7, "--size", "96x64", "--frames", 4]
    done = cli("datasets", "make", "synthetic", where, *options)
    assert done.exit_code == 0, done.output
    assert cli("run", "copy_first", "--dataset", f"folder:{where}").exit_code == 0
    again = cli("datasets", "make", "synthetic", where, *options)
    assert again.exit_code == 2
    assert "not an empty folder" in again.output


def test_speed_reports_median_and_spread(cli):
    options = ["--size", "160x120", "--frames", 4, "--repeats", 2, "--objects", 3]
    done = cli("speed", "copy_first", *options)
    assert done.exit_code == 0, done.output
    for word in ("median", "min", "max", "fps_object", "step-wall"):
        assert word in done.output


def test_check_fails_with_exit_code_1_for_a_broken_tracker(cli, tmp_path):
    folder = tmp_path / "trackers" / "forgetful"
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(
        "import numpy as np\nfrom vostool import Tracker\n\n"
        "class Forgetful(Tracker):\n"
        "    count = 0\n"
        "    def reset(self):\n        pass\n"
        "    def step(self, frame, prompts=()):\n"
        "        labels = np.zeros(frame.shape[:2], np.uint8)\n"
        "        self.count += 1\n"
        "        labels[:, : self.count] = 1\n"
        "        return labels\n"
    )
    done = cli("check", "forgetful")
    assert done.exit_code == 1
    assert "breaks" in done.output


def test_progress_is_silent_without_a_terminal(davis_folder, tmp_path):
    root = davis_folder(year=2016, split="val")
    command = [sys.executable, "-m", "vostool", "run", "copy_first", "--dataset", "DAVIS2016"]
    done = subprocess.run(
        [*command, "--root", str(root)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "VOSTOOL_HOME": str(tmp_path)},
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_the_workspace_is_flag_then_environment_then_here(tmp_path, monkeypatch):
    from vostool.workspace import Workspace

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VOSTOOL_HOME", raising=False)
    assert Workspace.find().home == Path.cwd()
    monkeypatch.setenv("VOSTOOL_HOME", str(tmp_path / "env"))
    assert Workspace.find().home == tmp_path / "env"
    assert Workspace.find(tmp_path / "flag").home == tmp_path / "flag"


def test_what_a_tracker_notes_is_said_once(cli):
    """Which published weights it was given, for one; on stderr, so that tables stay clean."""

    @click.command()
    def noted() -> None:
        for note in ("weights of A", "weights of A", "weights of B"):
            logging.getLogger("vostool.tracking.weights").info("%s", note)

    command.add_command(noted)
    try:
        results = [cli("noted") for _ in range(2)]
    finally:
        del command.commands["noted"]
    for result in results:
        assert result.stderr.splitlines() == ["weights of A", "weights of B"]
        assert not result.stdout
