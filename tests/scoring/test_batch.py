"""Where the tables of an evaluation go, and what is in them beside the scores."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from vostool.scoring.tables import STATISTICS


@pytest.fixture
def root(davis_folder) -> Path:
    return davis_folder(year=2016, names=("bear", "goat", "surf"))


@pytest.fixture
def masks(root, tmp_path) -> Path:
    """Return a folder of masks that are good but not perfect."""
    folder = tmp_path / "elsewhere" / "good"
    shutil.copytree(root / "Annotations" / "480p", folder)
    for path in folder.rglob("*.png"):
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), cv2.erode(labels, np.ones((3, 3), np.uint8)))
    return folder


def data(root: Path) -> tuple[object, ...]:
    return "--dataset", "DAVIS2016", "--root", root


def test_every_mean_has_its_interval(cli, root, masks, tmp_path):
    done = cli("eval", *data(root), "--masks", masks)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "results" / "DAVIS2016" / "scores" / "good" / "davis"
    intervals = pd.read_csv(folder / "intervals.csv").set_index("statistic")
    summary = pd.read_csv(folder / "summary.csv").iloc[0]
    assert list(intervals.index) == ["JF_mean", *STATISTICS]
    assert (intervals["low"] <= summary[intervals.index].astype(float)).all()
    assert (intervals["high"] >= summary[intervals.index].astype(float)).all()
    low, high = 100 * intervals.loc["JF_mean"]
    assert f"{low:.1f}..{high:.1f}" in done.output


def test_attributes_of_davis(cli, root, masks, tmp_path):
    refused = cli("eval", *data(root), "--masks", masks, "--attributes")
    assert refused.exit_code == 2
    assert "db_info.yml" in refused.output
    (root / "db_info.yml").write_text(
        "sequences:\n- attributes: [FM, OCC]\n  name: bear\n- attributes: [OCC]\n  name: goat\n"
        "- attributes: []\n  name: surf\n"
    )
    done = cli("eval", *data(root), "--masks", masks, "--attributes")
    assert done.exit_code == 0, done.output
    assert "fast motion" in done.output
    folder = tmp_path / "results" / "DAVIS2016" / "scores" / "good" / "davis"
    table = pd.read_csv(folder / "attributes.csv").set_index("attribute")
    j = pd.read_csv(folder / "sequences.csv").set_index("sequence")["J_mean"]
    assert table.loc["OCC", "J_mean"] == pytest.approx((j["bear"] + j["goat"]) / 2, abs=1e-12)
    assert table.loc["FM", "J_without"] == pytest.approx((j["goat"] + j["surf"]) / 2, abs=1e-12)


def test_masks_of_one_name_from_two_places(cli, root, masks, tmp_path):
    """The second folder called `good` must not replace the scores of the first."""
    other = tmp_path / "again" / "good"
    shutil.copytree(masks, other)
    for folder in (masks, other, masks):
        assert cli("eval", *data(root), "--masks", folder).exit_code == 0
    scores = tmp_path / "results" / "DAVIS2016" / "scores"
    names = sorted(path.name for path in scores.iterdir())
    assert len(names) == 2
    assert names[0] == "good"
    assert (scores / names[0] / "masks.txt").read_text().strip() == str(masks.resolve())
    assert (scores / names[1] / "masks.txt").read_text().strip() == str(other.resolve())
    compared = cli("compare", *names, *data(root))
    assert "do not differ" in compared.output


def test_other_protocols_and_parts_have_tables_of_their_own(cli, root, masks, tmp_path):
    for more in ((), ("--protocol", "pooled"), ("--sequences", "bear")):
        assert cli("eval", *data(root), "--masks", masks, *more).exit_code == 0
    folder = tmp_path / "results" / "DAVIS2016" / "scores" / "good"
    tables = {path.parent.name: len(pd.read_csv(path)) for path in folder.glob("*/sequences.csv")}
    assert tables == {"davis": 3, "pooled": 3, "davis.subset": 1}
    assert not (folder / "pooled" / "intervals.csv").exists()  # it is no mean over objects


def test_a_run_folder_given_as_masks_is_that_run(cli, root, tmp_path):
    assert cli("run", "copy_first", *data(root)).exit_code == 0
    run = tmp_path / "results" / "DAVIS2016" / "copy_first"
    done = cli("eval", *data(root), "--masks", run)
    assert done.exit_code == 0, done.output
    summary = pd.read_csv(run / "scores" / "davis" / "summary.csv").iloc[0]
    assert (summary["tracker"], summary["init"]) == ("copy_first", "mask")
    assert summary["fps"] > 0


def test_one_tracker_that_fails_does_not_stop_all(cli, root, tmp_path):
    broken = tmp_path / "trackers" / "broken"
    broken.mkdir(parents=True)
    (broken / "tracker.py").write_text(
        "from vostool import Tracker\n"
        "class Broken(Tracker):\n"
        "    def reset(self): ...\n"
        "    def step(self, frame, prompts=()):\n"
        "        return frame.no_such_thing\n"
    )
    alone = cli("eval", *data(root), "--tracker", "broken")
    assert alone.exit_code == 2
    assert "AttributeError" in alone.output
    assert "tracker.py, line 5" in alone.output
    done = cli("eval", *data(root), "--tracker", "all", "--sequences", "bear")
    assert done.exit_code == 0, done.output
    assert "copy_first" in done.output
    assert "Not scored: broken: The tracker failed while warming up" in " ".join(
        done.output.split()
    )
