"""Published numbers, each with its source; they come with the package as tables."""

from collections.abc import Collection
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from vostool.metrics.bootstrap import percentiles, resampled_means
from vostool.scoring.tables import SEEN_COLUMNS, STATISTICS

FPS_PROTOCOL = "as published"  # how others timed theirs is not known well enough to compare
SITE = (
    "github davisvideochallenge/davisvideochallenge.github.io@30be16f raw_eval/2016 "
    "(per-frame values of 3 digits)"
)
_PERCENT = ["JF_mean", *STATISTICS, *SEEN_COLUMNS]


def published(dataset: str, split: str) -> pd.DataFrame:
    """Return published results on a split, as fractions, the best JF_mean first.

    Args:
        dataset: e.g. `DAVIS2016`.
        split: e.g. `val`.

    Returns:
        The columns of `published.csv`, whose scores are in percent there, and `fps_protocol`.
    """
    table = _table("published.csv")
    table = table[(table["dataset"] == dataset) & (table["split"] == split)]
    table = table.assign(**{column: table[column] / 100 for column in _PERCENT})
    timed = table["fps"].notna()
    table = table.assign(fps_protocol=timed.map({True: FPS_PROTOCOL, False: ""}))
    return table.sort_values("JF_mean", ascending=False, kind="stable", ignore_index=True)


def published_splits() -> list[tuple[str, str, str]]:
    """Return every `dataset, split, protocol` for which numbers are published."""
    table = _table("published.csv")[["dataset", "split", "protocol"]].drop_duplicates()
    return [(str(d), str(s), str(p)) for d, s, p in table.itertuples(index=False)]


def published_sequences(dataset: str, protocol: str) -> pd.DataFrame:
    """Return what is published of single sequences, as fractions.

    There are the 59 methods of DAVIS 2016 that davischallenge.org lists: 27 on all 50 sequences,
    the others on the 20 of the validation set. Their statistics over time were computed from the
    values per frame, which are given with three digits; so a recall may differ from the exact one
    where J or F is close to 0.5.

    Args:
        dataset: e.g. `DAVIS2016`.
        protocol: e.g. `davis`.

    Returns:
        `method, init, sequence` and `STATISTICS`; empty where nothing is published.
    """
    table = _table("published_sequences.csv")
    if (dataset, protocol) != ("DAVIS2016", "davis"):
        table = table.iloc[:0]
    return table.assign(**{column: table[column] / 100 for column in STATISTICS})


def published_on(dataset: str, protocol: str, names: Collection[str]) -> pd.DataFrame:
    """Return the means of published methods over exactly these sequences, the best first.

    Args:
        dataset: e.g. `DAVIS2016`.
        protocol: e.g. `davis`.
        names: of sequences; only methods that have all of them are returned.

    Returns:
        `method, init, JF_mean, source` and `STATISTICS`, as fractions.
    """
    wanted = set(names)
    table = published_sequences(dataset, protocol)
    table = table[table["sequence"].isin(wanted)]
    grouped = table.groupby(["method", "init"])
    means = grouped[STATISTICS].mean()[grouped.size() == len(wanted)].reset_index()
    means = means.assign(JF_mean=(means["J_mean"] + means["F_mean"]) / 2)
    means = means.assign(source=f"mean over these {len(wanted)} sequences of {SITE}")
    return means.sort_values("JF_mean", ascending=False, kind="stable", ignore_index=True)


def published_boxes() -> pd.DataFrame:
    """Return published results of VOT: `EAO`, `A` and `R` as their authors state them.

    Returns:
        The columns of `published_boxes.csv`, and `fps_protocol`.
    """
    return _table("published_boxes.csv").assign(fps_protocol=FPS_PROTOCOL, tracker="")


@cache
def published_intervals(dataset: str, protocol: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the bootstrap intervals over sequences of published means, as fractions.

    Args:
        dataset: e.g. `DAVIS2016`.
        protocol: e.g. `davis`.
        names: of sequences; only methods that have all of them are returned.

    Returns:
        `method, init, statistic, low, high` for `JF_mean` and `STATISTICS`, see
        `tables.interval_table`; not to be changed, as it is kept.
    """
    table = published_sequences(dataset, protocol)
    table = table[table["sequence"].isin(names)]
    table = table.assign(JF_mean=(table["J_mean"] + table["F_mean"]) / 2)
    columns = ["JF_mean", *STATISTICS]
    wide = table.pivot(index="sequence", columns=["method", "init"], values=columns)
    wide = wide.loc[:, wide.notna().sum() == len(set(names))]
    means = resampled_means(wide.to_numpy(np.float64), wide.index.to_numpy())
    rows = [
        (key[1], key[2], key[0], *percentiles(means[:, place]))
        for place, key in enumerate(wide.columns)
    ]
    return pd.DataFrame(rows, columns=["method", "init", "statistic", "low", "high"])


@cache
def _table(name: str) -> pd.DataFrame:
    with files("vostool.report").joinpath(name).open(encoding="utf-8") as file:
        return pd.read_csv(file)
