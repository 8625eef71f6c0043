"""The leaderboard as markdown."""

from typing import Any

from vostool.report.format import percent, rate, scores_of, span
from vostool.report.leaderboard import OWN, Section

ABOUT = (
    "Scores in percent; the column `95 %` is the bootstrap interval of the first over sequences. "
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
    if not section.whole:
        lines.append(f"{partial_note(section)}\n")
    return "\n".join([*lines, _table(section)]) + "\n"


def partial_note(section: Section) -> str:
    """Return the sentence that says what a part of a split may be compared with."""
    note = (
        f"Only {section.sequences} of the split's {section.official} sequences: not comparable "
        "with numbers for the whole split."
    )
    if len(section.rows) > section.own:
        note += " The published rows are means over the same sequences."
    return note


def _folded(section: Section) -> str:
    """Return published numbers that no run can be ranked with, folded away."""
    count = f"all {section.sequences} sequences of " if section.sequences else ""
    split = f"{section.dataset} {section.split}, protocol {section.protocol}"
    return (
        f"<details><summary>Published numbers for {count}{escaped(split)} "
        f"({len(section.rows)} methods)</summary>\n\n{_table(section)}\n\n</details>\n"
    )


def _table(section: Section) -> str:
    scores = scores_of(section.rows)
    labels = [heading for _, heading in scores]
    headings = ["#", "run", "init", labels[0], "95 %", *labels[1:]]
    headings += ["fps", "fps protocol", "device", "source"]
    rows = [_row(row, [column for column, _ in scores]) for row in section.rows.to_dict("records")]
    return markdown_table(headings, rows, right=set(range(3, 5 + len(scores))) | {0})


def _row(row: dict[Any, Any], columns: list[str]) -> list[str]:
    own = row["source"] == OWN
    name = escaped(str(row["run"]))
    figures = [percent(row[column]) for column in columns]
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
