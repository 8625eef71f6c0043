"""Protocol davis-unsupervised equals the official evaluator's unsupervised task."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vostool import evaluate
from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import read_sequence
from vostool.datasets.protocols import PROTOCOLS
from vostool.errors import ResultError
from vostool.scoring.masks import score
from vostool.scoring.tables import STATISTICS, object_table, sequence_table, summary_table

EXACT = 1e-9
UNSUPERVISED = PROTOCOLS["davis-unsupervised"]
OBJECT = dict(zip(STATISTICS, ["JM", "JR", "JD", "FM", "FR", "FD"], strict=True))
OVERALL = {"JF_mean": "J&F-Mean"} | {
    f"{measure}_{name}": f"{measure}-{name.capitalize()}"
    for measure in "JF"
    for name in ("mean", "recall", "decay")
}


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def assert_objects(frames: pd.DataFrame, expected: dict) -> None:
    """The official rows are in the order of the proposals; ours have the ids of the objects."""
    objects = object_table(frames).set_index("object")
    assert sorted(objects.index) == sorted(each["gt_id"] for each in expected["objects"])
    for each in expected["objects"]:
        rows = frames[frames["object"] == each["gt_id"]]
        assert rows["frame"].tolist() == expected["frames"]
        for measure in "JF":
            assert rows[measure].tolist() == pytest.approx(each[measure], abs=EXACT)
        for ours, theirs in OBJECT.items():
            assert objects.loc[each["gt_id"], ours] == pytest.approx(each[theirs], abs=EXACT)


def assert_overall(summary: pd.DataFrame, expected: dict) -> None:
    for ours, theirs in OVERALL.items():
        assert summary.loc[0, ours] == pytest.approx(expected[theirs], abs=EXACT)


@pytest.mark.parametrize("predictions", ["perturbed", "rvos_raw20"])
def test_real_masks(shared: Path, predictions: str) -> None:
    folder = shared / "fixtures/davis_real"
    scores = evaluate(
        "DAVIS2017",
        folder / "results" / predictions,
        root=folder / "DAVIS",
        protocol="davis-unsupervised",
    )
    expected = load(folder / "expected/unsupervised" / predictions / "per_frame.json")
    assert set(scores.frames["sequence"]) == set(expected["sequences"])
    for name, sequence in expected["sequences"].items():
        assert_objects(scores.frames[scores.frames["sequence"] == name], sequence)
    assert_overall(scores.summary, expected["global"])
    assert scores.summary.loc[0, "protocol"] == "davis-unsupervised"
    (note,) = scores.notes
    assert note.startswith("Sequence 'lab-coat': its first frame has 3 of the ids 1 to 5.")


def cases() -> list[Any]:
    path = Path(os.environ.get("VOSTOOL_TEST_DATA", "")) / "fixtures/adversarial/expected.json"
    if not os.environ.get("VOSTOOL_TEST_DATA") or not path.is_file():
        absent = pytest.mark.skip(reason="VOSTOOL_TEST_DATA is not set: no adversarial masks")
        return [pytest.param(None, marks=absent)]
    found = [case for case in load(path)["cases"] if case["task"] == "unsupervised"]
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.mark.parametrize("case", cases())
def test_adversarial(case: dict, shared: Path) -> None:
    folder = shared / "fixtures/adversarial"
    name = case["name"]
    sequence = read_sequence(
        name,
        folder / "DAVIS/JPEGImages/480p" / name,
        folder / "DAVIS/Annotations_unsupervised/480p" / name,
        dense=True,
        need_frames=True,
    )
    dataset = Dataset("DAVIS2017", "DAVIS2017", "val", folder, (sequence,), UNSUPERVISED)
    if case["status"] != "ok":
        with pytest.raises(ResultError, match="at most 20 proposals"):
            score(dataset, folder / "results", UNSUPERVISED)
        return
    frames, _ = score(dataset, folder / "results", UNSUPERVISED, allow_trivial=True)
    assert_objects(frames, case["result"])
    objects = object_table(frames)
    about = dict.fromkeys(["run", "tracker", "init", "dataset", "split", "protocol", "complete"])
    assert_overall(summary_table(objects, sequence_table(objects), about), case["global"])
