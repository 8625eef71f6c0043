"""Every frame rule gives the figures of an independent script for YouTube-VOS-shaped masks."""

import json
from pathlib import Path

import pytest

from vostool import evaluate
from vostool.errors import DatasetError
from vostool.scoring.tables import Scores

EXACT = 1e-9
CONVENTIONS = [
    "after_first",
    "after_first_skip_last",
    "from_first",
    "meta_frames_after_first",
    "all_frames",
]
SUMMARY = {"J_seen": "J_s", "J_unseen": "J_u", "F_seen": "F_s", "F_unseen": "F_u", "G": "G"}


@pytest.fixture(scope="module", params=CONVENTIONS)
def case(request: pytest.FixtureRequest, shared: Path) -> tuple[Scores, dict]:
    folder = shared / "fixtures/ytvos"
    scores = evaluate(
        "YouTubeVOS2018",
        folder / "results/Annotations",
        root=folder / "valid_gt",
        protocol=request.param,
        seen=folder / "seen_categories.txt",
    )
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return scores, {**expected["conventions"][request.param], "videos": expected["videos"]}


def test_objects(case: tuple[Scores, dict]) -> None:
    scores, expected = case
    rows = {f"{row['sequence']}_{row['object']}": row for row in scores.objects.to_dict("records")}
    assert set(rows) == set(expected["objects"])
    for name, theirs in expected["objects"].items():
        assert rows[name]["frames"] == theirs["n_frames"]
        assert rows[name]["J_mean"] == pytest.approx(theirs["J"], abs=EXACT)
        assert rows[name]["F_mean"] == pytest.approx(theirs["F"], abs=EXACT)


def test_every_frame(case: tuple[Scores, dict]) -> None:
    scores, expected = case
    for (name, object_id), rows in scores.frames.groupby(["sequence", "object"]):
        video = expected["videos"][name]
        theirs = video["objects"][str(object_id)]
        where = [video["frames"].index(frame) for frame in rows["frame"]]
        for measure in "JF":
            wanted = [theirs[measure][i] for i in where]
            assert rows[measure].tolist() == pytest.approx(wanted, abs=EXACT)


def test_seen_and_unseen(case: tuple[Scores, dict]) -> None:
    scores, expected = case
    for ours, theirs in SUMMARY.items():
        assert scores.summary.loc[0, ours] == pytest.approx(expected[theirs], abs=EXACT)
    assert int(scores.objects["seen"].sum()) == expected["n_seen"]
    assert int((~scores.objects["seen"]).sum()) == expected["n_unseen"]


def test_the_split_as_distributed_is_not_scored(shared: Path) -> None:
    folder = shared / "fixtures/ytvos"
    with pytest.raises(DatasetError, match="has masks for 3 of the 14 frames"):
        evaluate("YouTubeVOS2019", folder / "results/Annotations", root=folder / "valid")
