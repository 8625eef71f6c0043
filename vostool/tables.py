"""From the per-frame table to objects, sequences and one summary row: each is a groupby."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vostool.metrics.statistics import statistics
from vostool.results import write_text

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


@dataclass(frozen=True, slots=True)
class Scores:
    """The four tables of one evaluation.

    Args:
        frames: `sequence, object, frame, J, F`, one row per object and evaluated frame.
        objects: `sequence, object, frames` and the statistics of J and F over time.
        sequences: `sequence, objects, frames` and the means of its objects' statistics.
        summary: one row: who, what, how much, and the means over all objects.
        notes: what was assumed or left out, for people.
    """

    frames: pd.DataFrame
    objects: pd.DataFrame
    sequences: pd.DataFrame
    summary: pd.DataFrame
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write `frames.csv`, `objects.csv`, `sequences.csv` and `summary.csv`, exactly."""
        for name in ("frames", "objects", "sequences", "summary"):
            write_csv(getattr(self, name), folder / f"{name}.csv")


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


def sequence_table(objects: pd.DataFrame) -> pd.DataFrame:
    """Return the means of the objects' statistics per sequence."""
    grouped = objects.groupby("sequence", sort=False)
    table = grouped[STATISTICS].mean().reset_index()
    table.insert(1, "objects", grouped.size().to_numpy())
    table.insert(2, "frames", grouped["frames"].max().to_numpy())
    return table


def summary_table(
    objects: pd.DataFrame, sequences: pd.DataFrame, about: Mapping[str, object]
) -> pd.DataFrame:
    """Return one row: means over all objects, beside what is known about the run.

    Args:
        objects: per object.
        sequences: per sequence.
        about: values of the remaining columns of `SUMMARY_COLUMNS`, and of `SPEED_COLUMNS`.
    """
    means = objects[STATISTICS].mean()
    row = {
        **about,
        "sequences": len(sequences),
        "objects": len(objects),
        "frames": int(sequences["frames"].sum()),
        "JF_mean": (means["J_mean"] + means["F_mean"]) / 2,
        **means,
    }
    columns = [*SUMMARY_COLUMNS, *(column for column in SPEED_COLUMNS if column in about)]
    return pd.DataFrame([row], columns=columns)
