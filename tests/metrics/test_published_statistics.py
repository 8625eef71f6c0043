"""Mean, recall and decay of 59 published methods, from their per-frame values.

They must be those of the site's table. Its raw values are rounded to three digits, so means and
decays may differ by 0.001, and recalls, which depend on single frames beside 0.5, by 0.0035.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vostool.datasets.splits import OFFICIAL
from vostool.metrics.statistics import statistics
from vostool.scoring.tables import STATISTICS, object_table, sequence_table, summary_table

NAMES = """
agame ags andiff arp bvs cinm cosnet ctn cut cvos elm epo+ favos fcp feelvos fseg fst hvs jmp
key lmp lsmo lucid lvo matnet mcg mhpvos motadapt msg msk mugs mugu nlc ofl onavos osmn osvos
osvoss pdb plm pml premvos ranet rgmp sal sea sflab sfls sflu sfmot siammask siamrcnn stm tis
trc tsp uovos voswl vpn
"""
METHODS = NAMES.split()
VAL = OFFICIAL[2016, "val"]
SITE = dict(
    zip(STATISTICS, ["Jmean", "Jrecall", "Jdecay", "Fmean", "Frecall", "Fdecay"], strict=True)
)
TOLERANCE = {"mean": 0.001, "recall": 0.0035, "decay": 0.001}


@pytest.fixture(scope="module")
def official(shared: Path) -> Path:
    folder = shared / "data/davis-official"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(scope="module")
def published(official: Path) -> dict[str, Any]:
    """Return the site's table: a JavaScript variable whose value is JSON."""
    text = (official / "global_eval_val_2016.js").read_text(encoding="utf-8")
    return json.loads(text.partition("=")[2].strip().rstrip(";"))


def raw_values(official: Path, method: str) -> dict[str, dict[str, list[str]]]:
    path = official / f"raw_eval/2016/{method}_davis.json"
    return json.loads(path.read_text(encoding="utf-8"))


def frames_table(official: Path, method: str) -> pd.DataFrame:
    """Return the long table of a method over the validation split; DAVIS 2016 has one object."""
    raw = raw_values(official, method)
    rows = [
        (name, 1, f"{index:05d}", float(j), float(f))
        for name in VAL
        for index, (j, f) in enumerate(zip(raw[name]["J"], raw[name]["F"], strict=True), start=1)
    ]
    return pd.DataFrame(rows, columns=["sequence", "object", "frame", "J", "F"])


def assert_published(ours: pd.Series, theirs: dict[str, str]) -> None:
    for column, key in SITE.items():
        tolerance = TOLERANCE[column.partition("_")[2]]
        assert ours[column] == pytest.approx(float(theirs[key]), abs=tolerance), column


def test_the_methods_are_those_of_the_site(official: Path, published: dict[str, Any]) -> None:
    there = [path.name for path in (official / "raw_eval/2016").glob("*_davis.json")]
    assert sorted(there) == sorted(f"{method}_davis.json" for method in METHODS)
    assert sorted(published["techniques"]) == sorted(METHODS)
    assert len(METHODS) == 59


@pytest.mark.parametrize("method", METHODS)
def test_the_published_table(official: Path, published: dict[str, Any], method: str) -> None:
    objects = object_table(frames_table(official, method))
    sequences = sequence_table(objects)
    assert len(sequences) == 20
    assert_published(sequences[STATISTICS].mean(), published[method])
    about = dict.fromkeys(["run", "tracker", "init", "dataset", "split", "protocol", "complete"])
    assert_published(summary_table(objects, sequences, about).iloc[0], published[method])


@pytest.mark.parametrize("method", ["siammask", "osvos", "stm"])
def test_the_tolerances_tell_other_rules_apart(
    official: Path, published: dict[str, Any], method: str
) -> None:
    """Decay over all frames as one sequence, and recall above another threshold, are not it."""
    frames = frames_table(official, method)
    for measure in "JF":
        values = frames[measure].to_numpy(np.float64)
        decay = float(published[method][f"{measure}decay"])
        recall = float(published[method][f"{measure}recall"])
        assert abs(statistics(values).decay - decay) > TOLERANCE["decay"]
        above = (frames[measure] > 0.55).groupby(frames["sequence"]).mean().mean()
        assert abs(above - recall) > TOLERANCE["recall"]
