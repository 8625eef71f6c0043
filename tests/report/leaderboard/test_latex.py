"""LaTeX: values as printed, the best bold, the second underlined, names that stay text."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.report.conftest import ODD_NAME, draw_run
from vostool.report.format import SCORES, percent
from vostool.report.leaderboard.collect import collect
from vostool.report.leaderboard.latex import as_latex, latex_escaped


def rows_of(text: str) -> dict[str, list[str]]:
    lines = [line.removesuffix(r" \\") for line in text.splitlines() if line.endswith(r" \\")]
    cells = [re.split(r"(?<!\\) & ", line) for line in lines]
    return {row[0]: row for row in cells}


def bare(cell: str) -> str:
    return re.sub(r"\\(textbf|underline)\{(.*)\}", r"\2", cell).replace("$-$", "-")


def test_values_and_marks(tmp_path: Path) -> None:
    paths = {
        name: draw_run(tmp_path, name, level=level, frames={"one": 9, "two": 9}, seed=3)
        for name, level in (("good", 0.8), ("fair", 0.6), ("poor", 0.3))
    }
    draw_run(tmp_path, "lone", level=0.2, init="box", frames={"one": 9, "two": 9})
    (section,) = [section for section in collect(tmp_path) if section.own]
    rows = rows_of(as_latex([section]))
    for name, path in paths.items():
        summary = pd.read_csv(path / "summary.csv").iloc[0]
        shown = [bare(cell) for cell in rows[name][3 : 3 + len(SCORES)]]
        assert shown == [percent(summary[column]) for column, _ in SCORES]
    assert rows["good"][3] == f"\\textbf{{{bare(rows['good'][3])}}}"
    assert rows["fair"][3] == f"\\underline{{{bare(rows['fair'][3])}}}"
    assert rows["poor"][3] == bare(rows["poor"][3])
    assert rows["lone"][3] == bare(rows["lone"][3]), "the best of one is no news"
    decays = {name: float(bare(rows[name][6])) for name in paths}
    assert rows[min(decays, key=decays.__getitem__)][6].startswith(r"\textbf")


def test_booktabs_and_long_tables(tmp_path: Path) -> None:
    draw_run(tmp_path, "mine")
    text = as_latex(collect(tmp_path))
    for pair in ("table", "tabular", "longtable"):
        assert text.count(f"\\begin{{{pair}}}") == text.count(f"\\end{{{pair}}}") > 0
    assert r"\toprule" in text
    assert r"\bottomrule" in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a_b & c", r"a\_b \& c"),
        ("100 %", r"100 \%"),
        ("<script>", r"\textless{}script\textgreater{}"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("~^", r"\textasciitilde{}\textasciicircum{}"),
        ("two\nlines", "two lines"),
        ("#1$x$", r"\#1\$x\$"),
    ],
)
def test_escaping(text: str, safe: str) -> None:
    assert latex_escaped(text) == safe


def test_an_odd_name_stays_text(tmp_path: Path) -> None:
    draw_run(tmp_path, ODD_NAME)
    assert latex_escaped(ODD_NAME) in as_latex(collect(tmp_path))
