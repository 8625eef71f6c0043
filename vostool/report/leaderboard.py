"""The leaderboard: scored runs ranked against their equals, published numbers beside them.

Rows share a rank only if dataset, split, protocol, coverage of the split and initialisation are the
same. Published numbers cover the whole split, so they are ranked only with runs that do.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vostool.datasets.catalog import CATALOG
from vostool.errors import ResultError
from vostool.report.format import SCORES, coverage, percent, rate, scores_of
from vostool.report.published import published
from vostool.results import runs_in, write_text
from vostool.tables import SUMMARY_COLUMNS, lead_score, write_csv

_INIT_ORDER = {"mask": 0, "box": 1, "none": 2, "": 3}
OWN = "vostool run"  # the source of a row that is not published by others
EXTRA_COLUMNS = ["rank", "source", "trained_on", "hardware"]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that may be compared with each other.

    Args:
        dataset: name of the dataset.
        split: name of the split.
        resolution: name of the resolution if it is not the usual one.
        protocol: name of the protocol.
        sequences: how many sequences the rows cover.
        official: how many the official split has, 0 if there is none.
        rows: ranked within each `init`; the columns of `SUMMARY_COLUMNS` and `EXTRA_COLUMNS`.
    """

    dataset: str
    split: str
    resolution: str
    protocol: str
    sequences: int
    official: int
    rows: pd.DataFrame

    @property
    def title(self) -> str:
        split = "" if self.split == "all" else f" {self.split}"
        split += f" {self.resolution}" if self.resolution else ""
        covered = coverage(self.sequences, self.official)
        return f"{self.dataset}{split}, protocol {self.protocol}, {covered} sequences"

    @property
    def whole(self) -> bool:
        return self.official in (0, self.sequences)


def collect(results: Path) -> list[Section]:
    """Read the summaries that `vostool eval` left in the run folders and rank them.

    Args:
        results: folder of run folders, by dataset.

    Returns:
        One section for each dataset, split, protocol and set of sequences; synthetic data last.

    Raises:
        ResultError: a table is damaged.
    """
    tables = [
        _summary(path, folder.name)
        for folder in sorted(results.glob("*/"))
        for run in runs_in(folder)
        for path in sorted(run.path.glob("scores/*/summary.csv"))
        if not path.parent.name.endswith(".subset")
    ]
    if not tables:
        return []
    runs = pd.concat(tables, ignore_index=True).assign(source=OWN)
    keys = ["folder", "dataset", "split", "protocol", "names"]
    sections = [_section(group) for _, group in runs.groupby(keys)]
    return sorted(sections, key=lambda s: (s.dataset == "synthetic", s.dataset, -s.sequences))


def _summary(path: Path, folder: str) -> pd.DataFrame:
    """Read one run's summary, with the names of the sequences that it covers."""
    text = {"run": str, "tracker": str, "init": str}
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
        names = pd.read_csv(path.with_name("sequences.csv"), dtype=str, usecols=["sequence"])
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise ResultError(
            f"The tables in {path.parent} cannot be read ({error}). Score that run again with "
            "`vostool eval`, or remove the folder."
        ) from error
    covered = " ".join(sorted(names["sequence"]))
    return table.fillna({"init": "", "tracker": ""}).assign(folder=folder, names=covered)


def _section(runs: pd.DataFrame) -> Section:
    first = runs.iloc[0]
    dataset, split, protocol = str(first["dataset"]), str(first["split"]), str(first["protocol"])
    sequences = int(first["sequences"])
    entry = CATALOG.get(dataset)
    official = entry.count(split) if entry else 0
    rows = runs.drop(columns=["folder", "names"])
    # Published numbers are for the usual resolution, whose results folder names no other.
    usual = str(first["folder"]) in (dataset, f"{dataset}-{split}")
    resolution = "" if usual or not official else str(first["folder"]).rpartition("-")[2]
    if official == sequences and not resolution:
        cited = published(dataset, split)
        cited = cited[cited["protocol"] == protocol]
        cited = cited.rename(columns={"method": "run"})
        cited = cited.assign(sequences=official, complete=True, tracker="")
        rows = pd.concat([rows, cited], ignore_index=True)
    return Section(dataset, split, resolution, protocol, sequences, official, ranked(rows))


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by initialisation, then `lead_score`, and number them within each initialisation.

    Equal scores share a rank; rows without that score have none.
    """
    score = lead_score(rows)
    ordered = rows.assign(order=rows["init"].map(_INIT_ORDER).fillna(len(_INIT_ORDER)))
    ordered = ordered.sort_values(["order", score], ascending=[True, False], kind="stable")
    ranks = ordered.groupby("order")[score].rank(method="min", ascending=False)
    text = ranks.map(lambda value: "" if pd.isna(value) else str(int(value)))
    return ordered.assign(rank=text).drop(columns="order").reset_index(drop=True)


def write_leaderboard(sections: list[Section], folder: Path) -> tuple[Path, Path]:
    """Write `LEADERBOARD.md` and `leaderboard.csv`; returns their paths."""
    markdown, table = folder / "LEADERBOARD.md", folder / "leaderboard.csv"
    write_text(markdown, as_markdown(sections))
    rows = pd.concat([section.rows for section in sections], ignore_index=True)
    first = ["rank", *SUMMARY_COLUMNS]
    rest = [c for c in rows.columns if c not in first and c not in ("venue", "year")]
    write_csv(rows.reindex(columns=[*first, *rest]), table)
    return markdown, table


def as_markdown(sections: list[Section]) -> str:
    """Return the leaderboard as markdown."""
    parts = [
        "# Leaderboard\n",
        "Scores in percent. Rows are ranked only against rows of the same dataset, split, "
        "protocol, sequences and initialisation. fps is measured inside the tracker's step on the "
        "device named; published fps were measured otherwise, by others, and are not comparable.\n",
    ]
    for section in sections:
        parts.append(_section_markdown(section))
        if not section.whole:
            parts.append(_beside_markdown(section))
    return "\n".join(part for part in parts if part)


def _section_markdown(section: Section) -> str:
    scores = scores_of(section.rows)
    headings = ["#", "run", "init", *(heading for _, heading in scores), "fps", "device or source"]
    lines = [f"## {section.title}\n"]
    if not section.whole:
        lines.append(
            f"Only {section.sequences} of the split's {section.official} sequences: not comparable "
            "with numbers for the whole split.\n"
        )
    rows = []
    for row in section.rows.to_dict("records"):
        own = row["source"] == OWN
        name = f"**{escaped(row['run'])}**" if own else escaped(row["run"])
        where = row.get("device") if own else f"published: {row['source']}"
        rows.append(
            [
                row["rank"],
                name,
                row["init"],
                *(percent(row[column]) for column, _ in scores),
                rate(row.get("fps")),
                escaped(str(where)),
            ]
        )
    lines.append(markdown_table(headings, rows, right=set(range(3, 4 + len(scores))) | {0}))
    return "\n".join(lines) + "\n"


def _beside_markdown(section: Section) -> str:
    """Return published numbers for the whole split as a table of its own, without ranks."""
    cited = published(section.dataset, section.split)
    cited = cited[cited["protocol"] == section.protocol].dropna(subset="JF_mean")
    if cited.empty:
        return ""
    rows = [
        [
            escaped(row["method"]),
            row["init"],
            *(percent(row[column]) for column, _ in SCORES),
            escaped(row["source"]),
        ]
        for row in cited.to_dict("records")
    ]
    headings = ["method", "init", *(heading for _, heading in SCORES), "source"]
    table = markdown_table(headings, rows, right=set(range(2, 2 + len(SCORES))))
    return (
        f"<details><summary>Published numbers for all {section.official} sequences of "
        f"{section.dataset} {section.split} ({len(rows)} methods)</summary>\n\n"
        f"{table}\n\n</details>\n"
    )


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
    for character in "\\`*_{}[]<>|#":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", " ")
