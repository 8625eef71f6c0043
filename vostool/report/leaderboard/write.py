"""Writing the leaderboard: markdown, csv, LaTeX, the page with what lies beside it, and plots."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vostool.io.storage import write_bytes, write_text
from vostool.report.leaderboard.details import NOT_STATED, trained_on
from vostool.report.leaderboard.latex import as_latex
from vostool.report.leaderboard.markdown import as_markdown
from vostool.report.leaderboard.page.budget import (
    FOLDER,
    MB,
    Advance,
    Filled,
    Frames,
    filled_page,
    shown,
)
from vostool.report.leaderboard.section import Section
from vostool.scoring.tables import SEEN_COLUMNS, SPEED_COLUMNS, SUMMARY_COLUMNS, write_csv
from vostool.workspace import Workspace

_BOXES = ["overlap", "shortest", "longest", "EAO", "A", "R", "failures", "AUC", "P20", "NP20"]
_FIRST = [
    "rank",
    "fps_rank",
    *SUMMARY_COLUMNS,
    *SEEN_COLUMNS,
    *_BOXES,
    "low",
    "high",
    *SPEED_COLUMNS,
]
_LAST = ["trained_on", "venue", "year", "source"]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Args:
        paths: the files.
        page: size of the page, and of what lies beside it, for people.
        notes: what did not fit into the page.
    """

    paths: tuple[Path, ...]
    page: str
    notes: tuple[str, ...]


def write_leaderboard(
    sections: Sequence[Section],
    folder: Path,
    workspace: Workspace,
    *,
    frames: Frames = "embed",
    budget: int = 15 * MB,
    advance: Advance = lambda _, __: None,
) -> Written:
    """Write LEADERBOARD.md, leaderboard.csv, .tex and .html.

    Args:
        sections: in the order in which they are shown.
        folder: for the files.
        workspace: where datasets are looked for whose frames the page shows.
        frames: see `page_fill.filled_page`.
        budget: bytes that the page may have.
        advance: see `page_fill.filled_page`.

    Raises:
        UsageError: the budget is too small.
        ResultError: a table of a run is damaged.
    """
    filled = filled_page([shown(each, workspace) for each in sections], frames, budget, advance)
    names = ("LEADERBOARD.md", "leaderboard.csv", "leaderboard.tex", "leaderboard.html")
    paths = tuple(folder / name for name in names)
    write_text(paths[0], as_markdown(list(sections)))
    write_csv(as_table(sections), paths[1])
    write_text(paths[2], as_latex(list(sections)))
    for name, data in filled.images.items():
        write_bytes(folder / name, data)
    write_text(paths[3], filled.html)
    return Written(paths, _sizes(filled, budget), filled.notes)


def as_table(sections: Sequence[Section]) -> pd.DataFrame:
    """Return all rows of all sections, scores as fractions, `low` and `high` those of the first.

    EAO is over `shortest` to `longest` frames; `R` is failures per 100 frames.
    """
    rows = pd.concat([section.rows for section in sections], ignore_index=True)
    stated = [trained_on(row) for row in rows.to_dict("records")]
    rows = rows.assign(trained_on=["" if text == NOT_STATED else text for text in stated])
    known = [column for column in _FIRST if column in rows.columns]
    return rows.reindex(columns=[*known, *(c for c in _LAST if c in rows.columns)])


def _sizes(filled: Filled, budget: int) -> str:
    size = len(filled.html.encode())
    text = f"leaderboard.html: {size / MB:.1f} of at most {budget / MB:g} MB"
    if filled.clips:
        text += f", with pictures of {filled.clips} sequences"
    if filled.images:
        beside = sum(map(len, filled.images.values()))
        text += f", and {beside / MB:.1f} MB in {FOLDER}/"
    return text
