"""From the per-frame table to objects, sequences and one summary row: each is a groupby."""

import io
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vostool.datasets.attributes import check_attributes
from vostool.datasets.dataset import Objects
from vostool.errors import DatasetError
from vostool.io.storage import read_bytes, remove, write_text
from vostool.metrics.bootstrap import Interval, percentiles, resampled_means
from vostool.metrics.statistics import statistics

STATISTICS = ["J_mean", "J_recall", "J_decay", "F_mean", "F_recall", "F_decay"]
SUMMARY_COLUMNS = [
    "run",
    "tracker",
    "init",
    "dataset",
    "split",
    "protocol",
    "sequences",
    "objects",
    "frames",
    "complete",
    "JF_mean",
    *STATISTICS,
]
SEEN_COLUMNS = ["J_seen", "J_unseen", "F_seen", "F_unseen", "G"]  # where categories are known
STABILITY_COLUMNS = ["T_mean"]  # where it was asked for
SPEED_COLUMNS = [
    "fps",
    "fps_object",
    "fps_e2e",
    "p50_ms",
    "p95_ms",
    "init_ms",
    "peak_mb",
    "fps_protocol",
    "device",
    "precision",
]


BOX_SUMMARY = "vot.csv"  # not summary.csv, whose columns are those of masks
_OF_MASKS = ("frames", "objects", "sequences", "intervals", "attributes", "summary")
_OF_BOXES = ("frames", "tags", "curves", "sequences", "summary")


@dataclass(frozen=True, slots=True)
class Scores:
    """The tables of one evaluation.

    Args:
        frames: of masks `sequence, object, frame, J, F`, one row per object and evaluated frame; of
            boxes one row per frame and repetition.
        objects: of masks `sequence, object, frames` and the statistics of J and F over time.
        sequences: a row per sequence; of masks with the means of its objects' statistics.
        summary: one row: who, what, how much, and the means over all objects; of VOT `EAO A R
            failures reliability`, of OTB `AUC P20 NP20`.
        notes: what was assumed or left out, for people.
        intervals: of masks `statistic, low, high`: how sure each mean of the summary is, see
            `interval_table`; empty where it is no mean over objects.
        attributes: J and F with and without each attribute, see `attribute_table`; empty where the
            dataset has none.
        curves: of VOT `length overlap`, of OTB `curve threshold value`.
        tags: of VOT a row per tag, empty where there are none.
        summary_file: name of the file of the summary.
    """

    frames: pd.DataFrame
    objects: pd.DataFrame
    sequences: pd.DataFrame
    summary: pd.DataFrame
    notes: tuple[str, ...] = ()
    intervals: pd.DataFrame = field(default_factory=pd.DataFrame)
    attributes: pd.DataFrame = field(default_factory=pd.DataFrame)
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    tags: pd.DataFrame = field(default_factory=pd.DataFrame)
    summary_file: str = "summary.csv"

    @property
    def run(self) -> str:
        return str(self.summary["run"].iloc[0])

    def interval(self, statistic: str) -> Interval:
        """Return the 95 % interval of a mean, NaN if there is none."""
        for row in self.intervals.to_dict("records"):
            if row["statistic"] == statistic:
                return Interval(row["low"], row["high"])
        return Interval(float("nan"), float("nan"))

    def write(self, folder: Path) -> None:
        """Write each table that is not empty as `<table>.csv`, exactly."""
        for name in _OF_BOXES if self.summary_file == BOX_SUMMARY else _OF_MASKS:
            table = getattr(self, name)
            path = folder / (self.summary_file if name == "summary" else f"{name}.csv")
            if table.empty:
                remove(path)
            else:
                write_csv(table, path)


def combined_summary(scores: Iterable[Scores]) -> pd.DataFrame:
    """Return the summary rows of several evaluations, the best `primary_metric` first."""
    table = pd.concat([each.summary for each in scores], ignore_index=True)
    best = primary_metric(table)
    return table.sort_values(best, ascending=False, kind="stable", ignore_index=True)


# Columns of all tables that hold names.
_TEXT: dict[Hashable, type] = {
    **dict.fromkeys(("sequence", "frame", "attribute", "category", "tag", "statistic"), str),
    **dict.fromkeys(("run", "tracker", "init", "dataset", "split", "protocol", "curve"), str),
    **dict.fromkeys(("device", "precision", "fps_protocol"), str),
}


def read_csv(path: Path, **options: Any) -> pd.DataFrame:
    """Read a table that vostool wrote, of this machine or of a store, see `pandas.read_csv`.

    Names stay the text that they are, whatever they look like: `null`, `NA`, `inf`, `007`. Only
    what is empty is absent.

    Raises:
        OSError: it is absent.
        ValueError: it is damaged.
    """
    types = options.pop("dtype", {})
    options["dtype"] = {**_TEXT, **types} if isinstance(types, dict) else types
    data = io.BytesIO(read_bytes(path))
    table: pd.DataFrame = pd.read_csv(data, keep_default_na=False, na_values=[""], **options)
    return table


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table that appears whole or not at all; floats are written to the last bit."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def object_table(frames: pd.DataFrame) -> pd.DataFrame:
    """Return mean, recall and decay of J and F per object, in the order of the frames table."""
    rows = []
    for (sequence, object_id), group in frames.groupby(["sequence", "object"], sort=False):
        j, f = statistics(group["J"].to_numpy()), statistics(group["F"].to_numpy())
        rows.append((sequence, object_id, len(group), *j, *f))
    return pd.DataFrame(rows, columns=["sequence", "object", "frames", *STATISTICS])


def with_categories(
    objects: pd.DataFrame, about: Objects, seen: Collection[str] | None
) -> pd.DataFrame:
    """Return the objects with the column `category`, and `seen` if that is known.

    Args:
        objects: per object.
        about: what the dataset says about its objects; nothing is added if that is nothing.
        seen: categories that training has seen, None if not known.

    Raises:
        DatasetError: the dataset says nothing about one of them.
    """
    if not about:
        return objects
    keys = list(zip(objects["sequence"], objects["object"], strict=True))
    strange = [(s, i) for s, i in keys if i not in about.get(s, {})]
    if strange:
        name, object_id = strange[0]
        raise DatasetError(
            f"Sequence '{name}': the ground truth has object {object_id}, and meta.json does not "
            "say what it is. Leave the sequence out, or complete meta.json."
        )
    categories = [about[s][i].category for s, i in keys]
    table = objects.assign(category=categories)
    return table if seen is None else table.assign(seen=[c in seen for c in categories])


def primary_metric(table: pd.DataFrame) -> str:
    """Return the column that sums up summary rows.

    It is `G` where that is known, as for YouTube-VOS, and for boxes `EAO` (VOT) or `AUC` (OTB).
    """
    boxes = [name for name in ("EAO", "AUC") if name in table.columns]
    if boxes:
        return boxes[0]
    return "G" if "G" in table.columns and table["G"].notna().any() else "JF_mean"


def seen_means(objects: pd.DataFrame) -> dict[str, float]:
    """Return the columns `SEEN_COLUMNS` of YouTube-VOS, or nothing if `seen` is not known.

    Each is a mean over objects, G that of the other four: blank if one of them has no object.

    Args:
        objects: per object, see `with_categories`.
    """
    if "seen" not in objects:
        return {}
    seen, unseen = objects[objects["seen"]], objects[~objects["seen"]]
    means = {
        f"{measure}_{name}": float(part[f"{measure}_mean"].mean())
        for measure in "JF"
        for name, part in (("seen", seen), ("unseen", unseen))
    }
    return {**means, "G": sum(means.values()) / len(means)}


def interval_table(objects: pd.DataFrame) -> pd.DataFrame:
    """Return the bootstrap interval over sequences of every mean over objects.

    Args:
        objects: per object, at best with `seen`.

    Returns:
        `statistic, low, high` for `JF_mean`, `STATISTICS` and, where known, `SEEN_COLUMNS`: ends of
        the 95 % interval, NaN for a single sequence.
    """
    values = objects[STATISTICS].copy()
    values.insert(0, "JF_mean", (values["J_mean"] + values["F_mean"]) / 2)
    parts = {"seen": objects["seen"], "unseen": ~objects["seen"]} if "seen" in objects else {}
    for measure in "JF":
        for name, part in parts.items():
            values[f"{measure}_{name}"] = values[f"{measure}_mean"].where(part)
    means = resampled_means(values.to_numpy(np.float64), objects["sequence"].to_numpy())
    columns = dict(zip(values.columns, means.T, strict=True))
    if parts:
        columns["G"] = np.mean([columns[name] for name in SEEN_COLUMNS if name != "G"], axis=0)
    rows = [(name, *percentiles(column)) for name, column in columns.items()]
    return pd.DataFrame(rows, columns=["statistic", "low", "high"])


def sequence_table(objects: pd.DataFrame) -> pd.DataFrame:
    """Return the means of the objects' statistics per sequence."""
    grouped = objects.groupby("sequence", sort=False)
    table = grouped[STATISTICS].mean().reset_index()
    table.insert(1, "objects", grouped.size().to_numpy())
    table.insert(2, "frames", grouped["frames"].max().to_numpy())
    return table


def pooled_statistics(frames: pd.DataFrame) -> "pd.Series[float]":
    """Return mean, recall and decay of all frames of all sequences, as one long sequence.

    SiamPolarMask's repository scored itself so, in the order of its list of sequences. Its decay
    came from indices in eight bits and meant nothing; here they are whole numbers.

    Args:
        frames: the per-frame table.
    """
    values = *statistics(frames["J"].to_numpy()), *statistics(frames["F"].to_numpy())
    return pd.Series(values, index=STATISTICS)


def summary_table(
    objects: pd.DataFrame,
    sequences: pd.DataFrame,
    about: Mapping[str, object],
    overall: "pd.Series[float] | None" = None,
) -> pd.DataFrame:
    """Return one row: overall figures, beside what is known about the run.

    Args:
        objects: per object.
        sequences: per sequence.
        about: values of the remaining columns of `SUMMARY_COLUMNS`, and of `SEEN_COLUMNS` and
            `SPEED_COLUMNS` where they are known.
        overall: the figures named in `STATISTICS`; means over all objects if None.
    """
    means = objects[STATISTICS].mean() if overall is None else overall
    row = {
        **about,
        "sequences": len(sequences),
        "objects": len(objects),
        "frames": int(sequences["frames"].sum()),
        "JF_mean": (means["J_mean"] + means["F_mean"]) / 2,
        **means,
    }
    more = [
        column for column in (*SEEN_COLUMNS, *STABILITY_COLUMNS, *SPEED_COLUMNS) if column in about
    ]
    columns = [*SUMMARY_COLUMNS, *more]
    return pd.DataFrame([row], columns=columns)


ATTRIBUTE_COLUMNS = [
    "attribute",
    "sequences",
    *(f"{measure}_{what}" for measure in "JF" for what in ("mean", "without", "difference")),
]


def attribute_table(
    sequences: pd.DataFrame, attributes: Mapping[str, tuple[str, ...]]
) -> pd.DataFrame:
    """Return the means of J and F over the sequences with each attribute and over those without.

    The difference is that of Table 3 of Perazzi et al. (CVPR 2016), as the authors' script for it
    has it: the mean over the sequences without the attribute minus the mean over those with it. So
    a positive one is what the attribute costs. Every sequence counts once, however many objects it
    has. The paper takes all 50 sequences of DAVIS 2016; here it is those that were scored.

    Args:
        sequences: the table of `tables.sequence_table`: `sequence, J_mean, F_mean`, as fractions.
        attributes: see `known_attributes`; more sequences than there are scores of do no harm.

    Returns:
        `ATTRIBUTE_COLUMNS`, a row per attribute that a scored sequence has, by its code.
        `sequences` counts those with it; `_without` and `_difference` are NaN if all have it.

    Raises:
        DatasetError: a scored sequence is not among `attributes`.
    """
    names = sequences["sequence"].tolist()
    check_attributes(names, attributes)
    scores = {measure: sequences[f"{measure}_mean"].to_numpy(np.float64) for measure in "JF"}
    rows: list[list[object]] = []
    for code in sorted({code for name in names for code in attributes[name]}):
        has = np.array([code in attributes[name] for name in names])
        row: list[object] = [code, int(has.sum())]
        for values in scores.values():
            mean = float(values[has].mean())
            without = float("nan") if has.all() else float(values[~has].mean())
            row += [mean, without, without - mean]
        rows.append(row)
    return pd.DataFrame(rows, columns=ATTRIBUTE_COLUMNS)
