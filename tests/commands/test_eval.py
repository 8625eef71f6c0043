"""`vostool eval` that is refused leaves no trace, whatever it refuses."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result

Cli = Callable[..., Result]
NAMES = ("bear", "goat", "surf")


def tree(folder: Path) -> set[str]:
    """Return everything below a folder but what Python writes beside modules."""
    found = (str(path.relative_to(folder)) for path in folder.rglob("*"))
    return {name for name in found if "__pycache__" not in name}


def flat(done: Result, code: int = 0) -> str:
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


@pytest.fixture
def data(davis_folder) -> tuple[object, ...]:
    return "--dataset", "DAVIS2016", "--root", davis_folder(year=2016, names=NAMES)


@pytest.fixture
def masks(data, tmp_path: Path) -> Path:
    """Return a folder of masks that are good but not perfect."""
    folder = tmp_path / "elsewhere" / "good"
    shutil.copytree(Path(str(data[3])) / "Annotations" / "480p", folder)
    for path in folder.rglob("*.png"):
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), cv2.erode(labels, np.ones((3, 3), np.uint8)))
    return folder


def empty(folder: Path) -> None:
    """Make all masks empty."""
    for path in folder.rglob("*.png"):
        cv2.imwrite(str(path), np.zeros(cv2.imread(str(path)).shape[:2], np.uint8))


def lack_a_frame(folder: Path) -> None:
    """Remove a frame of the last sequence: the others are scored before that is seen."""
    sorted((folder / NAMES[-1]).glob("*.png"))[1].unlink()


def grow(folder: Path) -> None:
    """Make a mask of the last sequence larger than its frame."""
    path = sorted((folder / NAMES[-1]).glob("*.png"))[1]
    cv2.imwrite(str(path), np.zeros((7, 9), np.uint8))


OUT = pytest.mark.parametrize("out", [None, "out", "deep/in/out"])
WRONG = pytest.mark.parametrize(
    ("spoil", "said"),
    [(empty, "--allow-trivial"), (lack_a_frame, "lacks 1 of"), (grow, "9x7")],
)


def options(out: str | None, tmp_path: Path) -> tuple[object, ...]:
    return () if out is None else ("--out", tmp_path / out)


@OUT
@WRONG
def test_masks_that_are_refused(
    cli: Cli, data, masks: Path, tmp_path: Path, spoil, said: str, out: str | None
) -> None:
    spoil(masks)
    before = tree(tmp_path)
    command = ("eval", *data, "--masks", masks, *options(out, tmp_path))
    assert said in flat(cli(*command), 2)
    assert tree(tmp_path) == before
    refused = flat(cli("compare", "good", "good", "--dataset", "DAVIS2016", *data[2:]), 2)
    assert "There is no run 'good'" in refused


@OUT
@WRONG
def test_a_run_that_is_refused(
    cli: Cli, data, masks: Path, tmp_path: Path, spoil, said: str, out: str | None
) -> None:
    flat(cli("run", "copy_first", *data))
    run = tmp_path / "results/DAVIS2016/copy_first"
    spoil(run / "masks")
    before = tree(tmp_path)
    for command in (("eval", *data), ("eval", *data, "--masks", run)):
        done = flat(cli(*command, *options(out, tmp_path)), 2)
        assert said in done or "lacks 1 of 3 sequences" in done
        assert tree(tmp_path) == before


@OUT
def test_what_was_there_stays(cli: Cli, data, masks: Path, tmp_path: Path, out: str | None) -> None:
    command = ("eval", *data, "--masks", masks, *options(out, tmp_path))
    flat(cli(*command))
    tables = {path: path.read_bytes() for path in tmp_path.rglob("*.csv")}
    assert len(tables) >= 5
    lack_a_frame(masks)
    before = tree(tmp_path)
    flat(cli(*command), 2)
    assert tree(tmp_path) == before
    assert {path: path.read_bytes() for path in tables} == tables


@OUT
@pytest.mark.parametrize("kind", ["vot", "otb"])
def test_boxes_that_are_refused(
    cli: Cli, vot_folder, otb_folder, scripted, tmp_path: Path, kind: str, out: str | None
) -> None:
    root = vot_folder(folder="vot") if kind == "vot" else otb_folder()
    named = ("--dataset", f"{kind}:{root}")
    flat(cli("run", scripted(), *named))
    run = tmp_path / f"results/{kind}-{kind}/scripted"
    results = run / ("baseline" if kind == "vot" else "boxes")
    others = shutil.copytree(results, tmp_path / "others")
    for folder in (results, others):
        last = max(folder.rglob("*.txt"))
        last.write_text("\n".join(last.read_text().splitlines()[:5]))
    before = tree(tmp_path)
    for command in ((), ("--masks", run), ("--masks", others), ("--stability",)):
        done = flat(cli("eval", *named, *command, *options(out, tmp_path)), 2)
        assert "is cut short" in done or "has no masks" in done
        assert tree(tmp_path) == before
