"""Datasets on a plain web server with index pages, which can only be read."""

from pathlib import Path

import pytest

from vostool.datasets.catalog import open_dataset
from vostool.io.listing import entries, files_below, sizes
from vostool.io.storage import place
from vostool.runs.folder import RunFolder

DATA = ("--dataset", "DAVIS2017")


def masks(run: Path) -> dict[str, bytes]:
    return {name: (run / "masks" / name).read_bytes() for name in files_below(run / "masks")}


def test_a_root_on_a_web_server_gives_the_same(does, davis_folder, web, tmp_path) -> None:
    root = davis_folder(names=("bear", "goat"), frames=8)
    address, asked = web
    for where, out in ((root, "here"), (f"{address}/DAVIS", "there")):
        does("run", "box_fill", *DATA, "--root", where, "--results", tmp_path / out)
        does("eval", *DATA, "--root", where, "--results", tmp_path / out)
    here, there = (tmp_path / f"{name}/DAVIS2017/box_fill" for name in ("here", "there"))
    assert masks(here) == masks(there) != {}
    scores = "scores/davis/frames.csv"
    assert (here / scores).read_bytes() == (there / scores).read_bytes()
    # The fingerprint is of names and sizes, and so the same data is known to be the same.
    prints = [
        {name: status.fingerprint for name, status in RunFolder(at).manifest().sequences.items()}
        for at in (here, there)
    ]
    assert prints[0] == prints[1]
    assert not [line for line in asked if not line.startswith(("GET", "HEAD"))]


def test_names_with_blanks_and_own_folders(does, plain_folder, web, tmp_path) -> None:
    plain_folder(names=("two words", "ü-100%"), folder="my clips")
    address, _ = web
    dataset = open_dataset(f"folder:{address}/my clips")
    assert [sequence.name for sequence in dataset.sequences] == ["two words", "ü-100%"]
    where = ("--dataset", f"folder:{address}/my clips", "--results", tmp_path / "results")
    does("run", "copy_first", *where)
    assert len(masks(tmp_path / "results/folder-my clips/copy_first")) == 12


def test_sizes_are_asked_for_where_pages_do_not_tell(davis_folder, web) -> None:
    root = davis_folder(names=("bear",))
    folder = place(f"{web[0]}/DAVIS") / "JPEGImages/480p/bear"
    paths = sorted(entry.path for entry in entries(folder))
    local = sorted((root / "JPEGImages/480p/bear").iterdir())
    assert [path.name for path in paths] == [path.name for path in local]
    assert sizes(paths) == [path.stat().st_size for path in local]


@pytest.mark.parametrize("command", ["run", "eval", "leaderboard", "import", "rm"])
def test_writing_is_refused_before_anything_is_tracked(
    does, refuses, davis_folder, web, tmp_path, command
) -> None:
    root = davis_folder()
    does("run", "copy_first", *DATA, "--root", root)
    does("eval", *DATA, "--root", root)
    results = ("--results", f"{web[0]}/results")
    given = {
        "run": ("run", "box_fill", *DATA, "--root", root),
        "eval": ("eval", *DATA, "--root", root),
        "leaderboard": ("leaderboard",),
        "import": ("results", "import", root / "Annotations", "--name", "new", *DATA,
                   "--root", root),
        "rm": ("results", "rm", "copy_first", "--yes"),
    }[command]  # fmt: skip
    assert "can only be read" in refuses(*given, *results)


def test_results_there_can_be_looked_at(does, davis_folder, web, tmp_path) -> None:
    root = davis_folder()
    for tracker in ("copy_first", "box_fill"):
        does("run", tracker, *DATA, "--root", root)
    does("eval", *DATA, "--root", root)
    results = ("--results", f"{web[0]}/results")
    assert "copy_first" in does("results", "list", *results)
    assert "ok" in does("results", "check", "copy_first", *results)
    does("compare", "copy_first", "box_fill", *results)
    sheet = tmp_path / "sheet.png"
    does("show", "box_fill", "--against", "gt", *results, "--out", sheet)
    assert sheet.is_file()


def test_an_absent_server_is_a_sentence(refuses) -> None:
    said = refuses("run", "copy_first", *DATA, "--root", "http://127.0.0.1:9/DAVIS")
    assert "cannot be reached" in said
