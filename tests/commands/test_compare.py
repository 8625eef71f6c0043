"""`vostool compare` as a user types it."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def two_runs(cli, davis_folder, tmp_path) -> Path:
    """Score a tracker and the ground truth itself; returns the dataset's root."""
    root = davis_folder(year=2016, names=("bear", "goat", "surf"))
    done = cli("eval", "--dataset", "DAVIS2016", "--root", root, "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    masks = tmp_path / "perfect"
    shutil.copytree(root / "Annotations" / "480p", masks)
    data = ("--dataset", "DAVIS2016", "--root", root)
    done = cli("eval", *data, "--masks", masks, "--allow-trivial")
    assert done.exit_code == 0, done.output
    return root


def test_a_run_against_scored_masks(cli, two_runs):
    done = cli("compare", "copy_first", "perfect", "--dataset", "DAVIS2016", "--root", two_runs)
    assert done.exit_code == 0, done.output
    assert "DAVIS2016 val, protocol davis" in done.output
    assert "perfect is ahead by" in done.output  # three sequences cannot give p < 0.05
    assert "B gains on 3 and loses on 0 of 3 sequences" in done.output


def test_the_dataset_need_not_be_named(cli, two_runs, tmp_path, davis_folder):
    named = cli("compare", "copy_first", "perfect", "--dataset", "DAVIS2016", "--root", two_runs)
    shutil.rmtree(two_runs)
    unnamed = cli("compare", "copy_first", "perfect")
    assert unnamed.exit_code == 0, unnamed.output
    assert unnamed.output == named.output
    other = ("--dataset", "DAVIS2017", "--root", davis_folder(folder="2017"))
    assert cli("eval", *other, "--tracker", "box_fill").exit_code == 0
    apart = cli("compare", "perfect", "box_fill")
    assert apart.exit_code == 2
    assert "'perfect' is in DAVIS2016; 'box_fill' is in DAVIS2017." in apart.output
    assert cli("eval", *other, "--tracker", "copy_first").exit_code == 0
    assert cli("compare", "copy_first", "perfect").output == named.output
    assert cli("run", "box_fill", *other, "--name", "perfect").exit_code == 0
    both = cli("compare", "copy_first", "perfect")
    assert both.exit_code == 2
    assert "Several datasets have them: DAVIS2016, DAVIS2017." in both.output


def test_chosen_sequences_have_scores_of_their_own(cli, davis_folder):
    data = ("--dataset", "DAVIS2016", "--root", davis_folder(year=2016, names=("bear", "goat")))
    chosen = (*data, "--sequences", "goat")
    for tracker in ("copy_first", "box_fill"):
        assert cli("run", tracker, *chosen).exit_code == 0
    unscored = cli("compare", "copy_first", "box_fill", *chosen)
    assert unscored.exit_code == 2
    assert "--sequences goat" in " ".join(unscored.output.split())
    assert cli("eval", *chosen).exit_code == 0
    done = cli("compare", "copy_first", "box_fill", *chosen)
    assert done.exit_code == 0, done.output
    assert "davis, chosen" in cli("results").output
    whole = " ".join(cli("eval", *data, "--tracker", "copy_first").output.split())
    assert "not scored" not in whole


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("copy_frist", "perfect"), "Did you mean 'copy_first'?"),
        (("copy_first", "perfect", "--split", "val"), "Name the --dataset"),
        (("copy_first", "perfect", "--protocol", "all_frames"), "--dataset DAVIS2016 --protocol"),
    ],
)
def test_mistakes_without_a_dataset(cli, two_runs, arguments, message):
    done = cli("compare", *arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_folders_need_no_dataset_on_disk(cli, two_runs, tmp_path):
    results = tmp_path / "results" / "DAVIS2016"
    folders = (results / "copy_first/scores/davis", results / "scores/perfect/davis")
    by_name = cli("compare", "copy_first", "perfect", "--dataset", "DAVIS2016", "--root", two_runs)
    shutil.rmtree(two_runs)
    by_path = cli("compare", *folders, "--dataset", "DAVIS2016")
    assert by_path.exit_code == 0, by_path.output
    assert by_path.output == by_name.output


def test_some_sequences_and_the_most(cli, two_runs):
    common = ("compare", "copy_first", "perfect", "--dataset", "DAVIS2016", "--root", two_runs)
    some = cli(*common, "--sequences", "bear,goat")
    assert "of 2 sequences" in some.output
    assert "surf" not in some.output
    assert "(2 more, see --all)" in cli(*common, "--most", "1").output
    assert "more, see" not in cli(*common, "--most", "1", "--all").output


def test_other_sequences_are_refused_with_what_mends_it(cli, two_runs, tmp_path):
    (two_runs / "ImageSets" / "2016" / "val.txt").write_text("bear\ngoat\n")
    masks = tmp_path / "perfect"
    out = tmp_path / "out"
    eval_some = ("eval", "--dataset", "DAVIS2016", "--root", two_runs, "--masks", masks)
    assert cli(*eval_some, "--out", out, "--allow-trivial").exit_code == 0
    common = ("compare", "copy_first", out, "--dataset", "DAVIS2016", "--root", two_runs)
    refused = cli(*common)
    assert refused.exit_code == 2
    assert "only 'copy_first' has surf" in refused.output
    assert "--sequences bear,goat" in refused.output
    assert cli(*common, "--sequences", "bear,goat").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("copy_first", "perfekt"), "Did you mean 'perfect'?"),
        (("copy_first", "copy_first"), "Name two different runs."),
        (("copy_first", "perfect", "--sequences", "bera"), "Did you mean 'bear'?"),
        (("copy_first", "perfect", "--protocol", "after_first"), "--protocol after_first`"),
        (("copy_first", "perfect", "--protocol", "davids"), "Did you mean 'davis'?"),
    ],
)
def test_mistakes(cli, two_runs, arguments, message):
    done = cli("compare", *arguments, "--dataset", "DAVIS2016", "--root", two_runs)
    assert done.exit_code == 2
    assert message in done.output


def test_equal_masks_do_not_differ(cli, two_runs, tmp_path):
    other = tmp_path / "again"
    shutil.copytree(tmp_path / "perfect", other)
    for path in other.glob("*/*.png"):
        cv2.imwrite(str(path), np.where(cv2.imread(str(path), 0) > 0, 1, 0).astype(np.uint8))
    data = ("--dataset", "DAVIS2016", "--root", two_runs)
    done = cli("eval", *data, "--masks", other, "--allow-trivial")
    assert done.exit_code == 0, done.output
    done = cli("compare", "perfect", "again", "--dataset", "DAVIS2016", "--root", two_runs)
    assert "perfect and again do not differ in J&F." in done.output
