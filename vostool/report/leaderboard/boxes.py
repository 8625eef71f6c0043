"""Boards of runs on boxes: VOT with EAO, A and R, and OTB, which have no J and F."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from vostool.datasets.catalog import REGIONS
from vostool.datasets.region_entries import OWN_REGIONS
from vostool.errors import ResultError
from vostool.io.storage import place, resolved
from vostool.report.format import OTB_SCORES, VOT_SCORES, is_blank
from vostool.report.leaderboard.published import published_boxes
from vostool.report.leaderboard.section import OWN, Section, ranked
from vostool.scoring.box_protocols import vot_protocol
from vostool.scoring.box_tables import collect_summaries
from vostool.scoring.tables import BOX_SUMMARY, read_csv

_KEYS = ["folder", "dataset", "protocol", "overlap", "shortest", "longest", "names"]
_NEEDED = ["run", "dataset", "split", "protocol", "sequences", "frames", "complete"]
_OF_VOT: dict[str, Any] = {"overlap": "", "shortest": 0, "longest": 0}  # which OTB does not have
_OTB = (
    "Tracked without restarts, in percent. AUC: area under the success plot; P 20 px and P 20 %: "
    "frames whose centre is off by at most 20 pixels, or 20 % of the object's sides."
)


def box_sections(results: Path, only: Collection[Path] | None = None) -> list[Section]:
    """Return a section for each dataset, protocol, overlap, interval and set of sequences.

    Only runs on the whole of a dataset are ranked, and published numbers stand beside those alone
    that were scored as they were.

    Args:
        results: folder of run folders, by dataset.
        only: the only run folders to take; all if None.

    Raises:
        ResultError: a table is damaged.
    """
    runs = collect_summaries(results)
    if only is not None and not runs.empty:
        runs = runs[[_place(scores).parents[1] in only for scores in runs["scores"]]]
    if runs.empty:
        return []
    _require(runs)
    # Their own `low` and `high` are lengths, those of the leaderboard ends of a score's interval.
    runs = runs.rename(columns={"low": "shortest", "high": "longest"})
    absent = {key: value for key, value in _OF_VOT.items() if key not in runs.columns}
    runs = runs.assign(**absent).fillna(_OF_VOT)
    runs = runs.assign(
        dataset=[plain_name(name) for name in runs["dataset"]],
        names=[_names(_place(scores)) for scores in runs["scores"]],
        source=OWN,
        trained_on="",
        low=float("nan"),
        high=float("nan"),
    )
    sections = [_section(group) for _, group in runs.groupby(_KEYS)]
    return sorted(sections, key=lambda each: (each.dataset, bool(each.variant), each.title))


def _require(runs: pd.DataFrame) -> None:
    """Refuse summaries that lack what rows are told apart by."""
    for row in runs.reindex(columns=[*_NEEDED, "scores"]).to_dict("records"):
        lacking = [name for name in _NEEDED if is_blank(row[name])]
        if lacking:
            raise ResultError(
                f"{Path(row['scores']) / BOX_SUMMARY} lacks {', '.join(lacking)}. Score that run "
                "again with `vostool eval`, or remove the folder."
            )


def published_box_sections(sections: list[Section]) -> list[Section]:
    """Return sections of published numbers alone, for the datasets where no run joins them."""
    joined = {each.dataset for each in sections if each.boxes and len(each.rows) > each.own}
    found = []
    for name in sorted(set(published_boxes()["dataset"]) - joined):
        entry = REGIONS[name]
        rows = ranked(_cited(name))
        meaning = _meaning(*entry.interval) if entry.interval else _OTB
        protocol = str(rows["protocol"].iloc[0])
        count = entry.official
        found.append(Section(name, "all", "", protocol, count, count, rows, meaning=meaning))
    return found


def plain_name(dataset: str) -> str:
    """Return a dataset's name, of `vot:PATH` only with the last part of the path."""
    prefix, colon, path = dataset.partition(":")
    if not colon or prefix not in OWN_REGIONS:
        return dataset
    return f"{prefix}:{resolved(place(path)).name}"


def _place(scores: str) -> Path:
    return place(scores, listed=False)


def _names(scores: Path) -> str:
    """Read which sequences were scored, as text."""
    path = scores / "sequences.csv"
    try:
        names = read_csv(path, dtype=str, usecols=["sequence"])
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise ResultError(
            f"{path} cannot be read ({error}). Score that run again with `vostool eval`, or remove "
            "the folder."
        ) from error
    return "\0".join(sorted(names["sequence"]))  # which no name has


def _section(runs: pd.DataFrame) -> Section:
    first = runs.iloc[0]
    dataset, protocol, overlap = (str(first[key]) for key in ("dataset", "protocol", "overlap"))
    names = tuple(str(first["names"]).split("\0"))
    entry = REGIONS.get(dataset)
    official = entry.official if entry else 0
    interval = (int(first["shortest"]), int(first["longest"]))
    usual = not overlap or (entry is not None and interval == entry.interval)
    variant = [] if overlap in ("", "raster") else [f"{overlap} overlap"]
    variant += [] if usual else ["EAO over {} to {} frames".format(*interval)]
    whole = bool(runs["complete"].all())
    rows = runs.drop(columns=["folder", "names"])
    if whole and not variant and protocol == vot_protocol(None).name:
        cited = _cited(dataset)
        rows = pd.concat([rows, cited], ignore_index=True) if len(cited) else rows
    # What only other sections have.
    others = [column for column, _ in (OTB_SCORES if overlap else VOT_SCORES)]
    others += [] if overlap else list(_OF_VOT)
    rows = ranked(rows.drop(columns=others, errors="ignore"))
    if not whole:
        rows["rank"] = ""
    return Section(
        dataset,
        str(first["split"]),
        "",
        protocol,
        len(names),
        official,
        rows,
        names,
        ", ".join(variant),
        _meaning(*interval) if overlap else _OTB,
    )


def _meaning(low: int, high: int) -> str:
    return (
        f"EAO: expected average overlap, over {low} to {high} frames. A: mean overlap. R: failures "
        "per 100 frames, the lower the better."
    )


def _cited(dataset: str) -> pd.DataFrame:
    """Return what is published for a whole dataset, as rows of a section."""
    table = published_boxes()
    table = table[table["dataset"] == dataset]
    if table.empty:
        return table
    return table.rename(columns={"method": "run", "hardware": "device"}).assign(
        split="all",
        sequences=REGIONS[dataset].official,
        complete=True,
        low=float("nan"),
        high=float("nan"),
    )
