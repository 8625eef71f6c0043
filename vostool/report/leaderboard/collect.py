"""The leaderboard: scored runs ranked against their equals, published numbers among them.

Rows share a rank only if dataset, split, resolution, protocol, sequences and initialisation are the
same, and a rank by speed only if also fps protocol, device and precision are. Published numbers are
ranked with runs on the same sequences; where runs cover a part of a split, the published means are
taken over just that part, for the methods whose numbers per sequence are published.
"""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from vostool.datasets.catalog import CATALOG
from vostool.errors import ResultError, UnknownNameError
from vostool.io.listing import folders
from vostool.report.leaderboard.boxes import box_sections, plain_name, published_box_sections
from vostool.report.leaderboard.published import (
    published,
    published_intervals,
    published_on,
    published_splits,
)
from vostool.report.leaderboard.section import OWN, Section, ranked
from vostool.runs.folder import runs_in
from vostool.scoring.tables import primary_metric, read_csv


def collect(
    results: Path, datasets: Collection[str] = (), runs: Collection[Path] | None = None
) -> list[Section]:
    """Read the summaries that `vostool eval` left in the run folders and rank them.

    Args:
        results: folder of run folders, by dataset.
        datasets: names of the only datasets to take; all if empty.
        runs: the only run folders to take, and published numbers only where they are; all if None.

    Returns:
        One section for each dataset, split, protocol and set of sequences that runs have, synthetic
        data last, those of boxes after those of masks; then one for each split that only published
        numbers cover. Empty if there is no run, unless datasets are named.

    Raises:
        ResultError: a table is damaged.
        UnknownNameError: neither runs nor published numbers are of a dataset that is named.
    """
    tables = [
        _summary(path, folder.name)
        for folder in folders(results)
        for run in runs_in(folder)
        if runs is None or run.path in runs
        for path in sorted(run.path.glob("scores/*/summary.csv"))
        if not path.parent.name.endswith(".subset")
    ]
    sections = _of_runs(pd.concat(tables, ignore_index=True)) if tables else []
    sections += box_sections(results, runs)
    if runs is not None or (not sections and not datasets):
        return sections
    sections += _of_published(sections) + published_box_sections(sections)
    known = {section.dataset for section in sections}
    datasets = [plain_name(name) for name in datasets]
    for name in datasets:
        if name not in known:
            raise UnknownNameError.of("dataset with scored runs or published numbers", name, known)
    return [section for section in sections if not datasets or section.dataset in datasets]


def _summary(path: Path, folder: str) -> pd.DataFrame:
    """Read one run's summary, with the names of the sequences that it covers."""
    text = {"run": str, "tracker": str, "init": str}
    try:
        table = read_csv(path, dtype=text)
        names = read_csv(path.with_name("sequences.csv"), dtype=str, usecols=["sequence"])
        intervals = path.with_name("intervals.csv")
        spread = read_csv(intervals) if intervals.is_file() else pd.DataFrame()
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise ResultError(
            f"The tables in {path.parent} cannot be read ({error}). Score that run again with "
            "`vostool eval`, or remove the folder."
        ) from error
    ends = {"low": float("nan"), "high": float("nan")}
    for row in spread.to_dict("records"):
        if row["statistic"] == primary_metric(table):
            ends = {"low": row["low"], "high": row["high"]}
    covered = "\0".join(sorted(names["sequence"]))  # which no name has
    table = table.fillna({"init": "", "tracker": ""})
    return table.assign(
        folder=folder, names=covered, scores=str(path.parent), source=OWN, trained_on="", **ends
    )


def _of_runs(runs: pd.DataFrame) -> list[Section]:
    keys = ["folder", "dataset", "split", "protocol", "names"]
    sections = [_section(group) for _, group in runs.groupby(keys)]
    return sorted(sections, key=_place)


def _place(section: Section) -> tuple[bool, str, int, int]:
    """Return what sections are sorted by: the usual split first, whole ones before parts."""
    entry = CATALOG.get(section.dataset)
    splits = entry.splits if entry else ()
    split = splits.index(section.split) if section.split in splits else len(splits)
    return section.dataset == "synthetic", section.dataset, split, -section.sequences


def _section(runs: pd.DataFrame) -> Section:
    first = runs.iloc[0]
    dataset, split, protocol = str(first["dataset"]), str(first["split"]), str(first["protocol"])
    names = tuple(str(first["names"]).split("\0"))
    entry = CATALOG.get(dataset)
    official = entry.count(split) if entry else 0
    rows = runs.drop(columns=["folder", "names"])
    # Published numbers are for the usual resolution, whose results folder names no other.
    usual = str(first["folder"]) in (dataset, f"{dataset}-{split}")
    resolution = "" if usual or not official else str(first["folder"]).rpartition("-")[2]
    if not resolution:
        listed = entry.official.get(split, ()) if entry else ()
        whole = official == len(names) and (not listed or set(listed) == set(names))
        cited = _cited(dataset, split, protocol, names, whole=whole)
        rows = pd.concat([rows, cited], ignore_index=True) if len(cited) else rows
    count = int(first["sequences"])
    return Section(dataset, split, resolution, protocol, count, official, ranked(rows), names)


def _of_published(sections: list[Section]) -> list[Section]:
    """Return sections of published numbers alone, for the splits that no run covers whole."""
    covered = {(s.dataset, s.split, s.protocol) for s in sections if s.whole and not s.resolution}
    found = []
    for dataset, split, protocol in published_splits():
        if (dataset, split, protocol) in covered:
            continue
        entry = CATALOG.get(dataset)
        count = entry.count(split) if entry else 0
        names = tuple(sorted(entry.official.get(split, ()))) if entry else ()
        rows = ranked(_cited(dataset, split, protocol, names, whole=True, count=count))
        found.append(Section(dataset, split, "", protocol, count, count, rows, names))
    return found


def _cited(
    dataset: str,
    split: str,
    protocol: str,
    names: tuple[str, ...],
    *,
    whole: bool,
    count: int | None = None,
) -> pd.DataFrame:
    """Return what is published for exactly these sequences, as rows of a section.

    Args:
        dataset: its name.
        split: its name.
        protocol: its name.
        names: of the sequences.
        whole: they are the whole split, so numbers for it count.
        count: of the sequences, where their names are not known.
    """
    means = published_on(dataset, protocol, names).assign(protocol=protocol)
    if whole:
        table = published(dataset, split)
        table = table[table["protocol"] == protocol]
        stated = set(zip(table["method"], table["init"], strict=True))
        keys = list(zip(means["method"], means["init"], strict=True))
        means = means[[key not in stated for key in keys]]
        means = pd.concat([table, means], ignore_index=True) if len(means) else table
    if means.empty:
        return pd.DataFrame()
    spread = published_intervals(dataset, protocol, names)
    spread = spread[spread["statistic"] == "JF_mean"].drop(columns="statistic")
    means = means.merge(spread, how="left")
    return means.rename(columns={"method": "run", "hardware": "device"}).assign(
        dataset=dataset,
        split=split,
        sequences=len(names) if count is None else count,
        complete=whole,
        tracker="",
    )
