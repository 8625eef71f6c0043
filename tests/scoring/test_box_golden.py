"""The scores of the golden results, which pysot's toolkit and vot-toolkit have scored."""

import json
from pathlib import Path
from typing import Any

import pytest

import vostool
from vostool.datasets.catalog import open_dataset
from vostool.scoring.box_protocols import VOT_PROTOCOLS
from vostool.scoring.scorer import ScoringOptions
from vostool.scoring.tables import Scores
from vostool.scoring.vot import RestartsScorer

GOLDEN = Path(__file__).parent.parent / "golden/vot"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
TRACKERS = ("firm", "loose", "random")
WHO = {"run": "", "tracker": "", "init": ""}


def scores(tracker: str, protocol: str, **options: Any) -> Scores:
    dataset = open_dataset(f"vot:{GOLDEN / 'dataset'}", need_frames=False)
    chosen = ScoringOptions(protocol, interval=tuple(EXPECTED["interval"]), **options)
    return RestartsScorer(dataset, chosen).score(GOLDEN / "results" / tracker, WHO)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_equal_to_pysot(tracker: str) -> None:
    found, expected = scores(tracker, "vot-pysot"), EXPECTED["pysot"][tracker]
    row = found.summary.iloc[0]
    for name in ("A", "R", "failures"):
        assert row[name] == pytest.approx(expected[name], abs=1e-6), name
    assert row["EAO"] == pytest.approx(expected["EAO"]["all"], abs=1e-6)
    eao = found.tags.set_index("tag")["EAO"]
    for tag, value in expected["EAO"].items():
        assert eao[tag] == pytest.approx(value, abs=1e-6), tag


@pytest.mark.parametrize("tracker", TRACKERS)
def test_equal_to_vot_toolkit(tracker: str) -> None:
    row, expected = scores(tracker, "vot-toolkit").summary.iloc[0], EXPECTED["vot_toolkit"][tracker]
    for name in ("A", "EAO", "failures_per_sequence"):
        assert row[name] == pytest.approx(expected[name], abs=1e-6), name


@pytest.mark.parametrize("protocol", VOT_PROTOCOLS)
def test_areas_are_near_pixels(protocol: str) -> None:
    drawn = scores("random", protocol).summary.iloc[0]
    exact = scores("random", protocol, overlap="exact").summary.iloc[0]
    assert exact["overlap"] == "exact"
    assert 1e-5 < abs(exact["A"] - drawn["A"]) < 0.02
    assert exact["failures"] == drawn["failures"]


def test_tables_agree_with_each_other() -> None:
    found = scores("random", "vot-pysot")
    row = found.summary.iloc[0]
    assert row["repetitions"] == 3
    assert found.sequences["failures"].sum() == pytest.approx(row["failures"])
    assert found.sequences["frames"].sum() == row["frames"] == 264
    assert len(found.frames) == 3 * 264
    assert (found.frames["code"] == 2).sum() == round(3 * row["failures"])
    curve = found.curves.set_index("length")["overlap"]
    assert curve.loc[29:79].mean() == pytest.approx(row["EAO"])
    tags = found.tags.set_index("tag")
    assert tags.loc["all", "failures"] == pytest.approx(row["failures"])
    assert list(tags.index) == ["all", "occlusion", "size_change", "empty"]


def test_workers_find_the_same() -> None:
    one, two = scores("random", "vot-pysot"), scores("random", "vot-pysot", workers=2)
    assert one.summary.equals(two.summary)
    assert one.frames.equals(two.frames)


def test_the_public_function_scores_boxes(tmp_path: Path) -> None:
    data = f"vot:{GOLDEN / 'dataset'}"
    interval = tuple(EXPECTED["interval"])
    found = vostool.evaluate(data, GOLDEN / "results/firm", interval=interval)
    expected = EXPECTED["pysot"]["firm"]
    row = found.summary.iloc[0]
    assert (row["run"], row["protocol"]) == ("firm", "vot-pysot")
    assert row["EAO"] == pytest.approx(expected["EAO"]["all"], abs=1e-6)
    assert row["A"] == pytest.approx(expected["A"], abs=1e-6)
    for options, said in (
        ({"stability": True}, "has no masks; drop --stability"),
        ({"split": "val"}, "one split only"),
        ({"seen": tmp_path}, "no categories; drop --seen"),
    ):
        with pytest.raises(vostool.VostoolError, match=said):
            vostool.evaluate(data, GOLDEN / "results/firm", **options)


def test_options_of_boxes_are_not_for_masks(plain_folder) -> None:
    root = plain_folder()
    for options in ({"overlap": "exact"}, {"interval": (2, 4)}):
        with pytest.raises(vostool.VostoolError, match=f"no boxes; drop --{next(iter(options))}"):
            vostool.evaluate(f"folder:{root}", root / "Annotations", **options)
