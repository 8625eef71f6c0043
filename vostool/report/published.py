"""Published numbers, each with its source; they come with the package as a table."""

from importlib.resources import files

import pandas as pd

from vostool.tables import SEEN_COLUMNS, STATISTICS

_PERCENT = ["JF_mean", *STATISTICS, *SEEN_COLUMNS]


def published(dataset: str, split: str) -> pd.DataFrame:
    """Return published results on a split, as fractions, the best JF_mean first.

    Args:
        dataset: e.g. `DAVIS2016`.
        split: e.g. `val`.

    Returns:
        The columns of `published.csv`, whose scores are in percent there.
    """
    with files("vostool.report").joinpath("published.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file)
    table = table[(table["dataset"] == dataset) & (table["split"] == split)]
    table = table.assign(**{column: table[column] / 100 for column in _PERCENT})
    return table.sort_values("JF_mean", ascending=False, kind="stable", ignore_index=True)
