"""Finding scores by name or path, and reading them back."""

from pathlib import Path

import pandas as pd
import pytest

from vostool.errors import ResultError, UnknownNameError
from vostool.scoring.read import find_scores, holds_scores, read_scores

OBJECTS = """sequence,object,frames,J_mean,J_recall,J_decay,F_mean,F_recall,F_decay
bear,1,48,0.75,1.0,0.0,0.25,0.0,0.0
007,1,20,0.5,0.5,0.0,1.0,1.0,0.0
007,2,20,0.1,0.5,0.0,0.2,1.0,0.0
"""
SUMMARY = "run,tracker,init,dataset,split,protocol,JF_mean\nmine,,,DAVIS2017,val,davis,0.5\n"


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    return write(tmp_path / "out")


def write(folder: Path, objects: str = OBJECTS, summary: str = SUMMARY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "objects.csv").write_text(objects)
    if summary:
        (folder / "summary.csv").write_text(summary)
    return folder


def find(given: object, runs: Path) -> Path:
    return find_scores(str(given), runs, "davis", "vostool eval --dataset DAVIS2017")


def test_read(scores: Path) -> None:
    read = read_scores(scores)
    assert read.name == "mine"
    assert read.objects["sequence"].tolist() == ["bear", "007", "007"]  # no number
    assert read.objects["JF"].tolist() == pytest.approx([0.5, 0.75, 0.15])
    assert read.objects["frames"].tolist() == [48, 20, 20]
    assert read.about["dataset"] == "DAVIS2017"
    assert "init" not in read.about  # blank


def test_read_without_a_summary(tmp_path: Path) -> None:
    read = read_scores(write(tmp_path / "others", summary=""))
    assert (read.name, read.about) == ("others", {})


def test_read_some_sequences(scores: Path) -> None:
    assert read_scores(scores, ["007"]).objects["object"].tolist() == [1, 2]
    with pytest.raises(UnknownNameError, match="Did you mean 'bear'"):
        read_scores(scores, ["bera"])


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ("", "cannot be read"),
        ("sequence,object\nbear,1\n", "lacks the column frames"),
        (OBJECTS.replace("0.75", ""), "lacks values"),
        (OBJECTS.splitlines()[0], "lacks values"),
    ],
)
def test_damaged(tmp_path: Path, objects: str, message: str) -> None:
    with pytest.raises(ResultError, match=message) as caught:
        read_scores(write(tmp_path, objects))
    assert "objects.csv" in str(caught.value)
    assert "vostool eval" in str(caught.value)


def test_find_a_run_by_name_or_path(tmp_path: Path) -> None:
    run = tmp_path / "DAVIS2017" / "mine"
    folder = write(run / "scores" / "davis")
    (run / "run.json").write_text("{}")
    assert find("mine", run.parent) == folder
    assert find(run, tmp_path / "elsewhere") == folder
    assert find(folder, tmp_path / "elsewhere") == folder
    assert holds_scores(folder)
    assert not holds_scores(run)


def test_find_masks_that_were_scored(tmp_path: Path) -> None:
    folder = write(tmp_path / "DAVIS2017" / "scores" / "masks" / "davis")
    assert find("masks", tmp_path / "DAVIS2017") == folder


def test_a_run_without_scores(tmp_path: Path) -> None:
    run = tmp_path / "mine"
    write(run / "scores" / "other_protocol")
    (run / "run.json").write_text("{}")
    with pytest.raises(ResultError, match="no scores by protocol 'davis'") as caught:
        find("mine", tmp_path)
    assert "`vostool eval --dataset DAVIS2017`" in str(caught.value)


def test_an_unknown_name(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.json").write_text("{}")
    write(tmp_path / "scores" / "masks" / "davis")
    with pytest.raises(UnknownNameError, match="Did you mean 'mine'") as caught:
        find("mime", tmp_path)
    assert "masks, mine" in str(caught.value)


def test_a_folder_without_scores(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"has no objects\.csv"):
        find(tmp_path / "nothing", tmp_path)


def test_what_eval_writes_reads_back_exactly(tmp_path: Path) -> None:
    from vostool.scoring.tables import write_csv

    table = pd.read_csv(write(tmp_path / "a") / "objects.csv", dtype={"sequence": str})
    table["J_mean"] = [0.1 + 0.2, 1 / 3, 1.0]
    write_csv(table, tmp_path / "b" / "objects.csv")
    assert read_scores(tmp_path / "b").objects["J"].tolist() == [0.1 + 0.2, 1 / 3, 1.0]
