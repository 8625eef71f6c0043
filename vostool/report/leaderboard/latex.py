"""The leaderboard as LaTeX tables: booktabs, the best in bold, the second best underlined."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from vostool.report.format import LOWER_IS_BETTER, rate, score, scores_of
from vostool.report.leaderboard.markdown import partial_note
from vostool.report.leaderboard.section import OWN, TIMED_ALIKE, Section

LONG = 45  # rows that fit a page
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_HEAD = r"""% In percent, where the caption says nothing else.
% Best in bold, second underlined, among rows of the same initialisation;
% fps among those that were also timed by the same protocol on the same device.
% \usepackage[T1]{fontenc}
% \usepackage{booktabs,longtable}
"""


def as_latex(sections: list[Section]) -> str:
    """Return one table per section, to be taken into a document with `\\input`."""
    return "\n".join([_HEAD, *(_table(section) for section in sections)])


def _table(section: Section) -> str:
    scores = scores_of(section.rows)
    columns = "llr" + "r" * len(scores) + "rl"
    headings = ["method", "init", r"\#", *(label for _, label in scores), "fps", "fps protocol"]
    heading = " & ".join([*headings[:2], headings[2], *map(latex_escaped, headings[3:])]) + r" \\"
    caption = latex_escaped(section.title + ".")
    if section.meaning:
        caption += " " + latex_escaped(section.meaning)
    if not section.whole:
        caption += " " + latex_escaped(partial_note(section))
    body = "\n".join(_body(section, [column for column, _ in scores]))
    if len(section.rows) > LONG:
        return (
            f"{{\\small\n\\begin{{longtable}}{{{columns}}}\n\\caption{{{caption}}}\\\\\n"
            f"\\toprule\n{heading}\n\\midrule\n\\endhead\n\\bottomrule\n\\endfoot\n{body}\n"
            "\\end{longtable}}\n"
        )
    return (
        f"\\begin{{table}}\n\\centering\\small\n\\caption{{{caption}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{heading}\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def _body(section: Section, columns: list[str]) -> Iterable[str]:
    rows = section.rows
    marks = {column: _marks(rows, column, ["init"]) for column in columns}
    fps = _marks(rows[rows["source"] == OWN], "fps", TIMED_ALIKE) if "fps" in rows else {}
    previous = None
    for place, row in rows.iterrows():
        if previous not in (None, row["init"]):
            yield r"\midrule"
        previous = row["init"]
        cells = [latex_escaped(str(row["run"])), latex_escaped(row["init"]), row["rank"]]
        cells += [_marked(score(name, row[name]), marks[name].get(place, "")) for name in columns]
        cells += [_marked(rate(row.get("fps")), fps.get(place, ""))]
        yield " & ".join([*cells, latex_escaped(row["fps_protocol"])]) + r" \\"


def _marks(rows: pd.DataFrame, column: str, among: list[str]) -> dict[Any, str]:
    """Return row -> command, for the best and the second best values as they are printed."""
    found: dict[Any, str] = {}
    for _, group in rows.groupby(among):
        values = [(i, v) for i, v in group[column].items() if not math.isnan(v)]
        printed = {i: float(rate(v) if column == "fps" else score(column, v)) for i, v in values}
        order = sorted(set(printed.values()), reverse=column not in LOWER_IS_BETTER)
        if len(printed) > 1:  # the best of one is no news
            commands = dict(zip(order, ("textbf", "underline"), strict=False))
            found |= {i: commands[v] for i, v in printed.items() if v in commands}
    return found


def _marked(text: str, command: str) -> str:
    text = f"$-${text[1:]}" if text.startswith("-") else text
    return f"\\{command}{{{text}}}" if command else text


def latex_escaped(text: str) -> str:
    """Return text that LaTeX prints literally, on one line."""
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))
