"""The leaderboard as markdown."""

from typing import Any

from vostool.report.format import rate, score, scores_of, span
from vostool.report.leaderboard.section import OWN, Section

ABOUT = (
    "Scores in percent, except where a board says otherwise; the column `95 %` is the bootstrap "
    "interval of the first over sequences. "
    "Rows are ranked only against rows of the same dataset, split, protocol, sequences and "
    "initialisation, because another of these is another task. fps is measured inside the "
    "tracker's step on the device named, by the protocol named; published fps were measured "
    "otherwise, by others, and are not comparable."
)


def as_markdown(sections: list[Section]) -> str:
    """Return the leaderboard as markdown."""
    parts = ["# Leaderboard\n", f"{ABOUT}\n"]
    parts += [_of_runs(section) if section.own else _folded(section) for section in sections]
    return "\n".join(parts)


def _of_runs(section: Section) -> str:
    lines = [f"## {escaped(section.title)}\n"]
    if section.meaning:
        lines.append(f"{section.meaning}\n")
    if not section.whole:
        lines.append(f"{partial_note(section)}\n")
    return "\n".join([*lines, _table(section)]) + "\n"


def partial_note(section: Section) -> str:
    """Return the sentence that says what a part of a split may be compared with."""
    note = (
        f"Only {section.sequences} of the split's {section.official} sequences: not comparable "
        "with numbers for the whole split."
    )
    if section.boxes:
        return f"{note} They are not ranked."
    if len(section.rows) > section.own:
        note += " The published rows are means over the same sequences."
    return note


def _folded(section: Section) -> str:
    """Return published numbers that no run can be ranked with, folded away."""
    count = f"all {section.sequences} sequences of " if section.sequences else ""
    name = section.dataset if section.split == "all" else f"{section.dataset} {section.split}"
    split = f"{name}, protocol {section.protocol}"
    methods = f"{len(section.rows)} method{'' if len(section.rows) == 1 else 's'}"
    body = f"{section.meaning}\n\n{_table(section)}" if section.meaning else _table(section)
    return (
        f"<details><summary>Published numbers for {count}{escaped(split)} "
        f"({methods})</summary>\n\n{body}\n\n</details>\n"
    )


def _table(section: Section) -> str:
    scores = scores_of(section.rows)
    labels = [heading for _, heading in scores]
    spread = [] if section.boxes else ["95 %"]
    headings = ["#", "run", "init", labels[0], *spread, *labels[1:]]
    headings += ["fps", "fps protocol", "device", "source"]
    columns = [column for column, _ in scores]
    rows = [_row(row, columns, spread=bool(spread)) for row in section.rows.to_dict("records")]
    return markdown_table(headings, rows, right=set(range(3, 4 + len(scores) + len(spread))) | {0})


def _row(row: dict[Any, Any], columns: list[str], *, spread: bool) -> list[str]:
    own = row["source"] == OWN
    name = escaped(str(row["run"]))
    figures = [score(column, row[column]) for column in columns]
    if spread:
        figures.insert(1, span(row["low"], row["high"]))
    where = [escaped(str(row[key])) for key in ("fps_protocol", "device")]
    source = OWN if own else f"published: {row['source']}"
    fps = rate(row.get("fps"))
    name = f"**{name}**" if own else name
    return [row["rank"], name, row["init"], *figures, fps, *where, escaped(source)]


def markdown_table(headings: list[str], rows: list[list[str]], right: set[int]) -> str:
    """Return a markdown table whose columns line up in plain text too.

    Args:
        headings: one per column.
        rows: cells, already escaped.
        right: indices of the columns set flush right.
    """
    table = [headings, *rows]
    widths = [max(3, *(len(row[i]) for row in table)) for i in range(len(headings))]
    rule = ["-" * (w - 1) + ":" if i in right else "-" * w for i, w in enumerate(widths)]
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in [headings, rule, *rows]
    )


def escaped(text: str) -> str:
    """Return text that markdown takes literally, also inside a table cell."""
    for character in "\\`*_{}[]<>|#~&":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
