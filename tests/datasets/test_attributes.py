"""J and F by attribute, against numbers worked out by hand and DAVIS 2016's own attributes."""

import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from vostool.datasets.davis import read_davis
from vostool.datasets.splits import OFFICIAL
from vostool.errors import DatasetError
from vostool.scoring.tables import ATTRIBUTE_COLUMNS, attribute_table

SEQUENCES = pd.DataFrame(
    [("bear", 0.5, 1.0), ("goat", 0.25, 0.5), ("surf", 1.0, 0.75), ("boat", 0.75, 0.25)],
    columns=["sequence", "J_mean", "F_mean"],
)
ATTRIBUTES = {
    "surf": ("FM", "OCC"),
    "goat": ("OCC", "DEF"),
    "bear": ("DEF",),
    "boat": (),
    "not-scored": ("LR", "OCC"),
}


def test_by_hand() -> None:
    table = attribute_table(SEQUENCES, ATTRIBUTES)
    assert table.columns.tolist() == ATTRIBUTE_COLUMNS
    assert table.to_numpy().tolist() == [
        # J of bear and goat, of surf and boat, the difference; likewise F
        ["DEF", 2, 0.375, 0.875, 0.5, 0.75, 0.5, -0.25],
        ["FM", 1, 1.0, 0.5, -0.5, 0.75, 1.75 / 3, 1.75 / 3 - 0.75],
        ["OCC", 2, 0.625, 0.625, 0.0, 0.625, 0.625, 0.0],
    ]


def test_an_attribute_of_all_sequences_has_nothing_to_differ_from() -> None:
    row = attribute_table(SEQUENCES.iloc[:2], ATTRIBUTES).iloc[0]
    assert (row["attribute"], row["sequences"], row["J_mean"]) == ("DEF", 2, 0.375)
    assert math.isnan(row["J_without"])
    assert math.isnan(row["F_difference"])


def test_no_attributes_give_no_rows() -> None:
    table = attribute_table(SEQUENCES, dict.fromkeys(ATTRIBUTES, ()))
    assert table.empty
    assert table.columns.tolist() == ATTRIBUTE_COLUMNS


def test_sequences_of_another_dataset() -> None:
    with pytest.raises(DatasetError, match="'boat'"):
        attribute_table(SEQUENCES, {name: () for name in ("bear", "goat", "surf")})


def test_the_attributes_that_davis_states(shared: Path) -> None:
    """A published method by the attributes of `db_info.yml`, each read here by other means.

    The arithmetic is that of the authors' script for Table 3: without minus with.
    """
    raw_path = shared / "data/davis-official/raw_eval/2016/osvos_davis.json"
    info = shared / "data/DAVIS/db_info.yml"
    if not raw_path.is_file() or not info.is_file():
        pytest.skip("the official results or db_info.yml are not there")
    raw = json.loads(raw_path.read_text(encoding="utf-8"))
    means = {
        name: [sum(map(float, raw[name][m])) / len(raw[name][m]) for m in "JF"]
        for name in OFFICIAL[2016, "val"]
    }
    pattern = r"- attributes: \[(.*)\]\s*\n\s*name: (\S+)"
    stated = {
        name: tuple(re.findall(r"\w+", codes))
        for codes, name in re.findall(pattern, info.read_text(encoding="utf-8"))
    }
    assert len(stated) == 50
    rows = [(name, *values) for name, values in means.items()]
    sequences = pd.DataFrame(rows, columns=["sequence", "J_mean", "F_mean"])
    table = attribute_table(sequences, stated).set_index("attribute")
    assert len(table) == 16
    for code, row in table.iterrows():
        with_it = [means[name] for name in means if code in stated[name]]
        without = [means[name] for name in means if code not in stated[name]]
        assert row["sequences"] == len(with_it)
        for place, measure in enumerate("JF"):
            mean = sum(each[place] for each in with_it) / len(with_it)
            rest = sum(each[place] for each in without) / len(without)
            assert row[f"{measure}_mean"] == pytest.approx(mean, abs=1e-12)
            assert row[f"{measure}_difference"] == pytest.approx(rest - mean, abs=1e-12)
    assert table.loc["HO", "J_difference"] > 0.1  # heterogeneous objects are hard for OSVOS
    assert round(table.loc["OCC", "J_mean"], 3) == 0.772


def test_the_adapter_reads_the_attributes(shared: Path) -> None:
    found = read_davis(shared / "data/DAVIS", 2016, "val", "480p", need_frames=False)
    attributes = {sequence.name: sequence.attributes for sequence in found}
    assert attributes["blackswan"] == ()
    assert attributes["libby"]
    table = pd.DataFrame({"sequence": list(attributes), "J_mean": 0.5, "F_mean": 0.5})
    assert attribute_table(table, attributes)["J_mean"].eq(0.5).all()


def test_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    from vostool.report.terminal.console import make_console
    from vostool.report.terminal.mask_scores import show_attributes

    empty = attribute_table(SEQUENCES, dict.fromkeys(ATTRIBUTES, ()))
    tables = {"mine": attribute_table(SEQUENCES, ATTRIBUTES), "none": empty}
    show_attributes(make_console(), tables)
    text = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]
    assert ["DEF", "deformation", "2", "37.5", "87.5", "+50.0", "75.0", "50.0", "-25.0"] in rows
    assert "mine" in text
    assert "none" not in text
