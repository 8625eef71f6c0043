"""`vostool results` as a user types it."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vostool.io.label_maps import read_labels, write_labels


@pytest.fixture
def root(davis_folder) -> Path:
    return davis_folder(year=2016, names=("bear", "goat", "surf"))


@pytest.fixture
def data(root) -> tuple[object, ...]:
    return ("--dataset", "DAVIS2016", "--root", root)


@pytest.fixture
def run(cli, data, tmp_path) -> Path:
    done = cli("run", "copy_first", *data)
    assert done.exit_code == 0, done.output
    return tmp_path / "results/DAVIS2016/copy_first"


@pytest.fixture
def imported(cli, data, root, tmp_path) -> Path:
    masks = tmp_path / "theirs"
    shutil.copytree(root / "Annotations/480p", masks)
    for path in masks.rglob("*.png"):
        write_labels(path, np.roll(read_labels(path), 3, axis=1))
    done = cli("results", "import", masks, "--name", "other", *data, "--init", "box")
    assert done.exit_code == 0, done.output
    assert "DAVIS2016/other: 3 sequences, 18 masks imported." in done.output
    return tmp_path / "results/DAVIS2016/other"


def test_what_is_imported_is_scored_and_ranked(cli, data, run, imported, tmp_path):
    done = cli("eval", *data)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(run.parent / "summary.csv").set_index("run")
    alone = cli("eval", *data, "--masks", tmp_path / "theirs", "--out", tmp_path / "out")
    assert alone.exit_code == 0, alone.output
    assert table["JF_mean"]["other"] == pd.read_csv(tmp_path / "out/summary.csv")["JF_mean"][0]
    assert table["init"]["other"] == "box"
    assert pd.isna(table["fps"]["other"])
    assert table["fps"]["copy_first"] > 0


def test_a_run_of_unknown_start_says_so(cli, data, root):
    done = cli("results", "import", root / "Annotations/480p", "--name", "gt", *data)
    assert done.exit_code == 0, done.output
    assert "say it with --init" in done.output


def test_list(cli, data, run, imported):
    before = cli("results", "list").output
    assert "not scored" in before
    assert "imported from theirs" in before
    assert cli("eval", *data).exit_code == 0
    (run / "masks/surf/00002.png").unlink()
    rows = [line for line in cli("results").output.splitlines() if "│ DAVIS2016" in line]
    assert len(rows) == 2
    assert "2 of 20 (1 damaged)" in rows[0]
    score = pd.read_csv(run / "scores/davis/summary.csv")["JF_mean"][0]
    assert f"{100 * score:.1f}" in rows[0]
    assert "3 of 20" in rows[1]


def test_list_of_nothing(cli):
    assert "There are no runs in" in cli("results").output


def test_check_of_whole_runs(cli, run, imported):
    done = cli("results", "check")
    assert done.exit_code == 0, done.output
    assert "copy_first: 3 sequences, 18 masks, ok" in done.output
    assert "other: 3 sequences, 18 masks, ok" in done.output


def damage_missing(run: Path) -> None:
    (run / "masks/bear/00003.png").unlink()


def damage_bytes(run: Path) -> None:
    path = run / "masks/bear/00003.png"
    path.write_bytes(path.read_bytes()[:70])


def damage_size(run: Path) -> None:
    write_labels(run / "masks/bear/00003.png", np.ones((47, 64), np.uint8))


def damage_ids(run: Path) -> None:
    labels = np.array(read_labels(run / "masks/bear/00003.png"))
    labels[:18, :20] = np.arange(0, 256, 15)[:, None]
    write_labels(run / "masks/bear/00003.png", labels)


def damage_name(run: Path) -> None:
    shutil.copy(run / "masks/bear/00003.png", run / "masks/bear/00003 copy.png")


def damage_folder(run: Path) -> None:
    (run / "masks/elephant").mkdir()


def damage_partial(run: Path) -> None:
    (run / "masks/.goat.partial").mkdir()


def damage_sequence(run: Path) -> None:
    text = (run / "sequences.jsonl").read_text()
    (run / "sequences.jsonl").write_text(text.replace('"surf"', '"turf"'))


def damage_manifest(run: Path) -> None:
    (run / "run.json").write_text("{")


def damage_times(run: Path) -> None:
    (run / "times.csv").write_text("sequence,frame,objects,prompts,ms\n")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (damage_missing, "bear lacks 1 of 6 masks (00003.png)."),
        (damage_bytes, "00003.png cannot be read as an image"),
        (damage_size, "00003.png is 64x47, and the first mask is 64x48."),
        (damage_ids, "it looks anti-aliased or smoothed"),
        (damage_name, "bear has 00003 copy.png, of no frame of the dataset."),
        (damage_folder, "elephant is there, but sequences.jsonl does not name it."),
        (damage_partial, ".goat.partial was left by a run that was stopped."),
        (damage_sequence, "It lacks 1 of 3 sequences (surf)."),
        (damage_sequence, "It has sequences that DAVIS2016 val lacks: turf."),
        (damage_manifest, "run.json is damaged"),
        (damage_times, "times.csv has not a row for every frame of bear, goat, surf"),
    ],
)
def test_check_says_what_is_wrong(cli, run, damage, sentence):
    damage(run)
    done = cli("results", "check", "copy_first")
    assert done.exit_code == 1
    assert sentence in done.output
    assert "run again" in done.output or "vostool run" in done.output


def test_check_knows_the_ids_of_each_object(cli, davis_folder, tmp_path):
    data = ("--dataset", "DAVIS2017", "--root", davis_folder())
    assert cli("run", "copy_first", *data).exit_code == 0
    masks = tmp_path / "results/DAVIS2017/copy_first/masks/bear"
    for frame in (2, 3):
        write_labels(masks / f"{frame:05d}.png", np.full((48, 64), 5, np.uint8))
    done = cli("results", "check")
    assert "00002.png holds the ids [5], and the first masks give [1, 2]." in done.output
    assert "The same with 1 more mask of that sequence." in done.output


def test_check_of_other_data(cli, run, root, davis_folder):
    shutil.rmtree(root)
    gone = cli("results", "check")
    assert gone.exit_code == 1
    assert "DAVIS2016 not found" in gone.output
    davis_folder(year=2016, names=("bear", "goat", "surf"), seed=9)
    other = cli("results", "check")
    assert other.exit_code == 1
    assert "began with another mask: the run was made on other data." in other.output


def test_runs_on_boxes_are_listed_and_left_alone(cli, tmp_path):
    clips = tmp_path / "vot"
    assert cli("datasets", "make", "vot", clips, "--frames", 12).exit_code == 0
    done = cli("run", "copy_first", "--dataset", f"vot:{clips}")
    assert done.exit_code == 0, done.output
    assert "(boxes)" in cli("results", "list").output
    assert "boxes, which are not looked at" in cli("results", "check").output
    named = cli("results", "check", "copy_first")
    assert named.exit_code == 1
    assert "'vot-vot' is no dataset of masks." in named.output


def test_rm_asks(cli, run, imported):
    from click.testing import CliRunner

    from vostool.cli import cli as command

    def answer(text: str):
        arguments = ["--home", str(run.parents[2]), "results", "rm", "copy_first"]
        return CliRunner().invoke(command, arguments, input=text)

    for text in ("n\n", ""):
        assert answer(text).exit_code in (0, 1)
        assert run.is_dir()
    assert answer("y\n").exit_code == 0
    assert not run.exists()
    assert sorted(path.name for path in imported.parent.iterdir()) == ["other"]


def test_rm_without_asking(cli, run, imported):
    done = cli("results", "rm", "copy_first", "DAVIS2016/other", "--yes")
    assert done.exit_code == 0, done.output
    assert list(run.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rm", "copy_frist"), "Did you mean 'copy_first'?"),
        (("rm", "../DAVIS2016/copy_first"), "There is no run"),
        (("rm", "masks"), "There is no run"),
        (("list", "--dataset", "DAVIS2061"), "Did you mean 'DAVIS2016'?"),
        (("check", "copy_frist"), "Did you mean 'copy_first'?"),
        (("import", "nowhere", "--name", "x"), "nowhere does not exist."),
        (("import", ".", "--name", "../x"), "--name is the name of a folder"),
    ],
)
def test_mistakes(cli, run, data, arguments, message):
    options = data if arguments[0] == "import" else ()
    done = cli("results", *arguments, *options)
    assert done.exit_code == 2
    assert message in done.output
    assert run.is_dir()


def test_a_name_that_two_datasets_have(cli, run, davis_folder):
    other = ("--dataset", "DAVIS2017", "--root", davis_folder(folder="2017"))
    assert cli("run", "copy_first", *other).exit_code == 0
    done = cli("results", "rm", "copy_first", "--yes")
    assert done.exit_code == 2
    assert "DAVIS2016/copy_first or DAVIS2017/copy_first" in done.output
    assert cli("results", "rm", "DAVIS2017/copy_first", "--yes").exit_code == 0
    assert run.is_dir()


def test_a_run_that_is_being_written_stays(cli, run):
    from vostool.runs.folder import RunFolder

    with RunFolder(run).locked():
        done = cli("results", "rm", "copy_first", "--yes")
    assert done.exit_code == 2
    assert "Another vostool is writing" in done.output
    assert (run / "run.json").is_file()


def test_a_link_is_not_followed(cli, run, tmp_path):
    moved = tmp_path / "elsewhere"
    run.rename(moved)
    run.symlink_to(moved, target_is_directory=True)
    done = cli("results", "rm", "copy_first", "--yes")
    assert done.exit_code == 2
    assert (moved / "run.json").is_file()
