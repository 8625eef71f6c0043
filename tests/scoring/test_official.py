"""Scores of real and adversarial masks equal those of the official evaluators."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vostool import evaluate
from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import read_sequence
from vostool.datasets.protocols import PROTOCOLS
from vostool.errors import VostoolError
from vostool.scoring.masks import score
from vostool.scoring.tables import STATISTICS, Scores, object_table, sequence_table, summary_table

EXACT = 1e-9
OFFICIAL_NAMES = dict(zip(STATISTICS, ["JM", "JR", "JD", "FM", "FR", "FD"], strict=True))
OFFICIAL_GLOBAL = {
    "JF_mean": "J&F-Mean",
    "J_mean": "J-Mean",
    "J_recall": "J-Recall",
    "J_decay": "J-Decay",
    "F_mean": "F-Mean",
    "F_recall": "F-Recall",
    "F_decay": "F-Decay",
}
OFFICIAL_2016 = dict(zip(STATISTICS, ["J(M)", "J(O)", "J(D)", "F(M)", "F(O)", "F(D)"], strict=True))


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def assert_frames(frames: pd.DataFrame, object_id: int, names: list[str], expected: dict) -> None:
    rows = frames[frames["object"] == object_id]
    assert rows["frame"].tolist() == names
    for measure in "JF":
        assert rows[measure].tolist() == pytest.approx(expected[measure], abs=EXACT)


# --- real masks, DAVIS 2017 ---


@pytest.fixture(scope="module", params=["perturbed", "rvos_matched"])
def real(request: pytest.FixtureRequest, shared: Path) -> tuple[Scores, dict]:
    folder = shared / "fixtures/davis_real"
    scores = evaluate("DAVIS2017", folder / "results" / request.param, root=folder / "DAVIS")
    expected = folder / "expected/semi-supervised" / request.param / "per_frame.json"
    return scores, load(expected)


def test_real_frames(real: tuple[Scores, dict]) -> None:
    scores, expected = real
    assert set(scores.frames["sequence"]) == set(expected["sequences"])
    for name, sequence in expected["sequences"].items():
        ours = scores.frames[scores.frames["sequence"] == name]
        assert ours["object"].nunique() == len(sequence["objects"])
        for each in sequence["objects"]:
            assert_frames(ours, each["object"], sequence["frames"], each)


def test_real_objects_and_sequences(real: tuple[Scores, dict]) -> None:
    scores, expected = real
    objects = scores.objects.set_index(["sequence", "object"])
    sequences = scores.sequences.set_index("sequence")
    for name, sequence in expected["sequences"].items():
        for each in sequence["objects"]:
            for ours, theirs in OFFICIAL_NAMES.items():
                value = objects.loc[(name, each["object"]), ours]
                assert value == pytest.approx(each[theirs], abs=EXACT)
        for ours, theirs in OFFICIAL_NAMES.items():
            mean = np.mean([each[theirs] for each in sequence["objects"]])
            assert sequences.loc[name, ours] == pytest.approx(mean, abs=EXACT)


def test_real_overall(real: tuple[Scores, dict]) -> None:
    scores, expected = real
    for ours, theirs in OFFICIAL_GLOBAL.items():
        value = scores.summary.loc[0, ours]
        assert value == pytest.approx(expected["global"][theirs], abs=EXACT)


# --- real masks, DAVIS 2016 ---


@pytest.fixture(scope="module")
def official_2016(shared: Path) -> dict:
    folder = shared / "fixtures/davis_real/expected/davis2016/perturbed_2016"
    return load(folder / "per_frame.json")


def scores_2016(shared: Path, root: str, predictions: str = "perturbed_2016") -> Scores:
    folder = shared / "fixtures/davis_real"
    return evaluate("DAVIS2016", folder / "results" / predictions, root=folder / root)


def assert_equals_2016(scores: Scores, official: dict) -> None:
    sequences = scores.sequences.set_index("sequence")
    for name in sequences.index:
        theirs = official["sequences"][name]
        inner = {m: theirs[m][1:-1] for m in "JF"}  # they write null for first and last
        ours = scores.frames[scores.frames["sequence"] == name]
        assert_frames(ours, 1, theirs["frames"][1:-1], inner)
        for column, key in OFFICIAL_2016.items():
            assert sequences.loc[name, column] == pytest.approx(theirs[key], abs=EXACT)


def test_2016(shared: Path, official_2016: dict) -> None:
    scores = scores_2016(shared, "DAVIS2016")
    assert len(scores.sequences) == 6
    assert_equals_2016(scores, official_2016)
    for column, key in OFFICIAL_2016.items():
        value = scores.summary.loc[0, column]
        assert value == pytest.approx(official_2016["global"][key], abs=EXACT)


@pytest.mark.parametrize("predictions", ["perturbed_2016", "perturbed"])
def test_2016_read_from_a_2017_folder(shared: Path, official_2016: dict, predictions: str) -> None:
    """Ids are merged in the ground truth, and in predictions that have them."""
    scores = scores_2016(shared, "DAVIS", predictions)
    assert scores.sequences["sequence"].tolist() == ["blackswan", "bmx-trees"]
    assert_equals_2016(scores, official_2016)


# --- adversarial masks ---

# The official evaluator ends without numbers, and ours has reason to give them; see below.
SCORED_ALL_THE_SAME = ["late_object_id_gt_k_predicted", "enc_pred_LA"]


def adversarial_cases() -> list[Any]:
    path = Path(os.environ.get("VOSTOOL_TEST_DATA", "")) / "fixtures/adversarial/expected.json"
    if not os.environ.get("VOSTOOL_TEST_DATA") or not path.is_file():
        absent = pytest.mark.skip(reason="VOSTOOL_TEST_DATA is not set: no adversarial masks")
        return [pytest.param(None, marks=absent)]
    cases = [case for case in load(path)["cases"] if case["task"] == "semi-supervised"]
    cases = [case for case in cases if case["name"] not in SCORED_ALL_THE_SAME]
    return [pytest.param(case, id=case["name"]) for case in cases]


def score_case(shared: Path, name: str, results: Path | None = None) -> pd.DataFrame:
    return score_case_with_notes(shared, name, results)[0]


def score_case_with_notes(
    shared: Path, name: str, results: Path | None = None
) -> tuple[pd.DataFrame, list[str]]:
    folder = shared / "fixtures/adversarial"
    sequence = read_sequence(
        name,
        folder / "DAVIS/JPEGImages/480p" / name,
        folder / "DAVIS/Annotations/480p" / name,
        dense=True,
        need_frames=True,
    )
    dataset = Dataset("DAVIS2017", "DAVIS2017", "val", folder, (sequence,), PROTOCOLS["davis"])
    masks = results or folder / "results"
    return score(dataset, masks, dataset.protocol, allow_trivial=True)


def true_decay(values: list[float]) -> float:
    """Decay with indices of any size; the official evaluator keeps them in eight bits."""
    edges = [round(1 + (len(values) - 1) * quarter / 4 + 1e-10) - 1 for quarter in range(5)]
    quarters = [values[edges[0] : edges[1] + 1], values[edges[3] : edges[4] + 1]]
    first, last = (sum(quarter) / len(quarter) for quarter in quarters)
    return first - last


def corrected(case: dict) -> tuple[list[dict], dict]:
    """Return the official objects and overall values, decay mended where the indices overflow.

    From 300 frames the official decay is another number, at 256 it is no number at all.
    """
    objects, overall = case["result"]["objects"], dict(case["global"])
    if case["name"] in ("decay_len_258", "decay_long_302"):
        objects = [{**o, **{f"{m}D": true_decay(o[m]) for m in "JF"}} for o in objects]
        for measure in "JF":
            mean = np.mean([o[f"{measure}D"] for o in objects])
            assert mean != pytest.approx(overall[f"{measure}-Decay"] or 0, abs=EXACT)
            overall[f"{measure}-Decay"] = mean
    return objects, overall


# Colors that are exactly those of the palette are ids here; the official evaluator ends with them.
COLORS = {"enc_pred_RGB", "enc_pred_RGBA", "enc_gt_RGB"}
# Read as if it were a PNG there, and refused here: what is left of the ids is chance.
REFUSED = {"enc_jpeg_named_png"}


@pytest.mark.parametrize("case", adversarial_cases())
def test_adversarial(case: dict, shared: Path) -> None:
    if case["name"] in COLORS:
        pytest.skip("see test_colors_of_the_palette")
    if case["name"] in REFUSED:
        case = {**case, "status": "refused"}
    if case["status"] != "ok":
        with pytest.raises(VostoolError) as caught:
            score_case(shared, case["name"])
        assert_sentence(str(caught.value))
        return
    frames = score_case(shared, case["name"])
    expected, overall = corrected(case)
    assert sorted(frames["object"].unique()) == [each["object"] for each in expected]
    objects = object_table(frames)
    for each in expected:
        assert_frames(frames, each["object"], case["result"]["frames"], each)
        row = objects[objects["object"] == each["object"]].iloc[0]
        for ours, theirs in OFFICIAL_NAMES.items():
            assert row[ours] == pytest.approx(each[theirs], abs=EXACT)
    about = dict.fromkeys(["run", "tracker", "init", "dataset", "split", "protocol", "complete"])
    summary = summary_table(objects, sequence_table(objects), about)
    for ours, theirs in OFFICIAL_GLOBAL.items():
        assert summary.loc[0, ours] == pytest.approx(overall[theirs], abs=EXACT)


@pytest.mark.parametrize("name", sorted(COLORS))
def test_colors_of_the_palette(shared: Path, name: str) -> None:
    """They score what the same masks as ids do."""
    frames, plain = score_case(shared, name), score_case(shared, "enc_both_L")
    assert frames["J"].tolist() == plain["J"].tolist()


def assert_sentence(message: str) -> None:
    assert len(message) > 30
    assert message.endswith(".")
    assert "Traceback" not in message


def test_a_predicted_object_that_the_ground_truth_has_later(shared: Path) -> None:
    """A tracker that follows late objects is no error: they are left out, and a note says so."""
    frames, notes = score_case_with_notes(shared, "late_object_id_gt_k_predicted")
    assert sorted(frames["object"].unique()) == [1, 2]
    assert len(notes) == 1
    assert "object 3 appears too late to be scored" in notes[0]


def test_predictions_with_an_opaque_alpha_channel(shared: Path, tmp_path: Path) -> None:
    """DAVIS 2016 has such a mask itself: its values are ids like those of a grey image."""
    name = "enc_pred_LA"
    (tmp_path / name).mkdir()
    for path in (shared / "fixtures/adversarial/results" / name).glob("*.png"):
        with Image.open(path) as image:
            assert image.mode == "LA"
            image.getchannel("L").save(tmp_path / name / path.name)
    pd.testing.assert_frame_equal(
        score_case(shared, name), score_case(shared, name, results=tmp_path)
    )
