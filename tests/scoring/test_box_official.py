"""Every value of pysot's toolkit and vot-toolkit for the results of the fixtures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vostool.datasets.catalog import open_dataset
from vostool.datasets.regions import RegionDataset
from vostool.metrics.vot import mean_within
from vostool.scoring.box_protocols import VOT_PROTOCOLS
from vostool.scoring.boxes import (
    ScoredSequence,
    expected_overlaps,
    score_results,
    sequence_accuracy,
)
from vostool.scoring.scorer import ScoringOptions
from vostool.scoring.vot import RestartsScorer
from vostool.tracking.box_files import results_root

TRACKERS = ("drifter", "edgecase", "steady", "stochastic15")
INTERVALS = {"VOT2016": (108, 371), "VOT2018": (100, 356), "VOT2019": (46, 291)}
TAGS = ["all", "camera_motion", "illum_change", "motion_change", "size_change", "occlusion"]
WHO = {"run": "", "tracker": "", "init": ""}
PRECISION = 1e-6


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "fixtures/vot"


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text())


def dataset(folder: Path, name: str = "VOT2018") -> RegionDataset:
    return open_dataset(name, root=folder / "dataset", need_frames=False)


def scored(folder: Path, tracker: str, protocol: str) -> list[ScoredSequence]:
    root = results_root(folder / "results" / tracker)
    found, notes = score_results(
        root, dataset(folder).sequences, VOT_PROTOCOLS[protocol], exact=False
    )
    assert not notes
    return found


def numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


@pytest.mark.parametrize("name", INTERVALS)
@pytest.mark.parametrize("tracker", TRACKERS)
def test_summaries_of_pysot(folder: Path, expected, tracker: str, name: str) -> None:
    values = expected["pysot"]["trackers"][tracker]
    scorer = RestartsScorer(dataset(folder, name), ScoringOptions("vot-pysot"))
    found = scorer.score(folder / "results" / tracker, WHO)
    row = found.summary.iloc[0]
    assert (row["low"], row["high"]) == INTERVALS[name]
    assert row["A"] == pytest.approx(values["accuracy"], abs=PRECISION)
    assert row["failures"] == pytest.approx(values["lost_number"], abs=PRECISION)
    assert row["R"] == pytest.approx(values["robustness"], abs=PRECISION)
    assert row["EAO"] == pytest.approx(values["eao"][name]["all"], abs=PRECISION)
    eao = found.tags.set_index("tag")["EAO"]
    for tag in TAGS:
        assert eao[tag] == pytest.approx(values["eao"][name][tag], abs=PRECISION), tag


@pytest.mark.parametrize("tracker", TRACKERS)
def test_frames_of_pysot(folder: Path, expected, tracker: str) -> None:
    videos = expected["pysot"]["trackers"][tracker]["videos"]
    for each in scored(folder, tracker, "vot-pysot"):
        values = videos[each.sequence.name]
        first, inner = each.repetitions[0], each.expected[0]
        assert len(each.repetitions) == values["n_runs_used"]
        assert sequence_accuracy(each, VOT_PROTOCOLS["vot-pysot"]) == pytest.approx(
            values["accuracy_burnin10"], abs=PRECISION
        )
        assert first.failures.tolist() == values["run1_failure_frames"]
        # pysot reads the files of a folder in whatever order it gets them.
        counts = sorted(len(each.failures) for each in each.repetitions)
        assert counts == sorted(values["failures_per_run_in_file_order"])
        for overlaps, key in ((first.overlaps, ""), (inner.overlaps, "_minus1")):
            wanted = numbers(values[f"run1_overlaps_bound_wh{key}"])
            np.testing.assert_allclose(overlaps, wanted, atol=PRECISION)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_everything_of_vot_toolkit(folder: Path, expected, tracker: str) -> None:
    values = expected["vot_toolkit"]["trackers"][tracker]
    protocol = VOT_PROTOCOLS["vot-toolkit"]
    scorer = RestartsScorer(dataset(folder), ScoringOptions(protocol.name))
    row = scorer.score(folder / "results" / tracker, WHO).summary.iloc[0]
    assert row["A"] == pytest.approx(values["accuracy"], abs=PRECISION)
    assert row["failures_per_sequence"] == pytest.approx(values["failures"], abs=PRECISION)
    assert row["reliability"] == pytest.approx(values["ar_plot_robustness"], abs=PRECISION)
    found = scored(folder, tracker, "vot-toolkit")
    assert np.mean([len(each.sequence) for each in found]) == values["mean_length"]
    curve = expected_overlaps(found, protocol, ["all"])[0]
    np.testing.assert_allclose(curve, values["eao_curve"], atol=PRECISION)
    for name, (low, high) in INTERVALS.items():
        assert mean_within(curve, low, high) == pytest.approx(values["eao"][name], abs=PRECISION)
    for each in found:
        video = values["videos"][each.sequence.name]
        assert sequence_accuracy(each, protocol) == pytest.approx(video["accuracy"], abs=PRECISION)
        assert each.failures == pytest.approx(video["failures"], abs=PRECISION)
        overlaps = np.nan_to_num(each.repetitions[0].overlaps)
        np.testing.assert_allclose(overlaps, video["run1_overlaps"], atol=PRECISION)
