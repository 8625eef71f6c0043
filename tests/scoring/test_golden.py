"""Scores of the committed golden masks equal those of the official evaluator."""

import json
from pathlib import Path

import pytest

from vostool import evaluate
from vostool.scoring.tables import STATISTICS, Scores

GOLDEN = Path(__file__).parent.parent / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
SEQUENCES = ["harbour", "orchard", "parade"]


@pytest.fixture(scope="module", params=["ids", "merged"])
def case(request: pytest.FixtureRequest) -> tuple[Scores, dict]:
    dataset = {"ids": "DAVIS2017", "merged": "DAVIS2016"}[request.param]
    scores = evaluate(dataset, GOLDEN / "predictions", root=GOLDEN / "DAVIS")
    return scores, EXPECTED[request.param]


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_frame(case: tuple[Scores, dict], name: str) -> None:
    scores, expected = case
    ours = scores.frames[scores.frames["sequence"] == name]
    theirs = expected["sequences"][name]
    assert ours["object"].unique().tolist() == [o["object"] for o in theirs["objects"]]
    for each in theirs["objects"]:
        rows = ours[ours["object"] == each["object"]]
        assert rows["frame"].tolist() == theirs["frames"]
        assert rows["J"].tolist() == pytest.approx(each["J"], abs=1e-12)
        assert rows["F"].tolist() == pytest.approx(each["F"], abs=1e-12)


@pytest.mark.parametrize("name", SEQUENCES)
def test_statistics_of_every_object(case: tuple[Scores, dict], name: str) -> None:
    scores, expected = case
    table = scores.objects[scores.objects["sequence"] == name].set_index("object")
    for each in expected["sequences"][name]["objects"]:
        ours = table.loc[each["object"], STATISTICS].to_dict()
        assert ours == pytest.approx({key: each[key] for key in STATISTICS}, abs=1e-12)


def test_overall(case: tuple[Scores, dict]) -> None:
    scores, expected = case
    ours = scores.summary.iloc[0][list(expected["global"])].to_dict()
    assert ours == pytest.approx(expected["global"], abs=1e-12)


def test_the_masks_are_no_easy_ones() -> None:
    """Guard the golden itself: partial overlaps, misses, a gap in the ids and both-empty frames."""
    objects = [o for s in EXPECTED["ids"]["sequences"].values() for o in s["objects"]]
    values = [v for o in objects for v in o["J"] + o["F"]]
    assert values.count(0.0) > 10
    assert values.count(1.0) > 10
    assert sum(0.1 < v < 0.95 for v in values) > 100
