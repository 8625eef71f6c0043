"""Protocol pooled: all frames of all sequences as one long sequence, objects merged."""

import json
from pathlib import Path

import numpy as np
import pytest

from vostool import evaluate

GOLDEN = Path(__file__).parent.parent / "golden"


def test_figures_are_those_of_one_long_sequence() -> None:
    scores = evaluate("DAVIS2017", GOLDEN / "predictions", root=GOLDEN / "DAVIS", protocol="pooled")
    summary = scores.summary.iloc[0]
    for measure in "JF":
        values = scores.frames[measure].to_numpy()
        edges = np.round(np.linspace(1, len(values), 5)).astype(int) - 1
        first, last = values[: edges[1] + 1], values[edges[3] :]
        assert summary[f"{measure}_mean"] == pytest.approx(values.mean(), abs=1e-12)
        assert summary[f"{measure}_recall"] == pytest.approx((values > 0.5).mean(), abs=1e-12)
        decay = first.mean() - last.mean()
        assert summary[f"{measure}_decay"] == pytest.approx(decay, abs=1e-12)
    assert summary["protocol"] == "pooled"
    assert summary["frames"] == len(scores.frames)
    # Sequences differ in length, so this is no mean over sequences.
    assert summary["J_mean"] != pytest.approx(scores.objects["J_mean"].mean(), abs=1e-6)


def test_inner_frames_are_the_merged_ones_of_the_golden() -> None:
    """The official evaluator's J and F of merged objects, with first and last frame beside them."""
    expected = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))["merged"]
    scores = evaluate("DAVIS2017", GOLDEN / "predictions", root=GOLDEN / "DAVIS", protocol="pooled")
    for name, theirs in expected["sequences"].items():
        ours = scores.frames[scores.frames["sequence"] == name]
        assert ours["object"].unique().tolist() == [1]
        assert ours["frame"].tolist()[1:-1] == theirs["frames"]
        for measure in "JF":
            inner = ours[measure].tolist()[1:-1]
            assert inner == pytest.approx(theirs["objects"][0][measure], abs=1e-12)


@pytest.mark.parametrize("dataset", ["DAVIS2016", "DAVIS2017"])
def test_merged_or_not_the_dataset_scores_the_same(dataset: str) -> None:
    folder = GOLDEN / "predictions"
    merged = evaluate("DAVIS2016", folder, root=GOLDEN / "DAVIS", protocol="pooled")
    scores = evaluate(dataset, folder, root=GOLDEN / "DAVIS", protocol="pooled")
    assert scores.summary.loc[0, "J_mean"] == merged.summary.loc[0, "J_mean"]


def test_real_masks(shared: Path) -> None:
    """Inner frames equal the official DAVIS 2016 values; 72 frames are one sequence."""
    folder = shared / "fixtures/davis_real"
    scores = evaluate(
        "DAVIS2016",
        folder / "results/perturbed_2016",
        root=folder / "DAVIS2016",
        protocol="pooled",
    )
    path = folder / "expected/davis2016/perturbed_2016/per_frame.json"
    official = json.loads(path.read_text(encoding="utf-8"))["sequences"]
    for name, theirs in official.items():
        ours = scores.frames[scores.frames["sequence"] == name]
        assert ours["frame"].tolist() == theirs["frames"]
        for measure in "JF":
            assert ours[measure].tolist()[1:-1] == pytest.approx(theirs[measure][1:-1], abs=1e-9)
    assert len(scores.frames) == 72
    assert scores.summary.loc[0, "J_mean"] == pytest.approx(scores.frames["J"].mean(), abs=1e-12)
