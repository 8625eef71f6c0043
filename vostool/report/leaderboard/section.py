"""A board of the leaderboard: rows that may be compared, and how they are ranked."""

from dataclasses import dataclass

import pandas as pd

from vostool.report.format import coverage
from vostool.scoring.tables import primary_metric

OWN = "vostool run"  # the source of a row that is not published by others
TIMED_ALIKE = ["init", "fps_protocol", "device", "precision"]  # what a rank by speed is among
_INIT_ORDER = {"mask": 0, "box": 1, "none": 2, "": 3}
_TEXTS = ["tracker", "fps_protocol", "device", "precision", "trained_on", "scores"]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that may be compared with each other.

    Args:
        dataset: name of the dataset.
        split: name of the split.
        resolution: name of the resolution if it is not the usual one.
        protocol: name of the protocol.
        sequences: how many sequences the rows cover, 0 if that is not known.
        official: how many the official split has, 0 if there is none.
        rows: ranked within each `init`. The columns of `tables.SUMMARY_COLUMNS`, or of boxes those
            of `vot.scores.RegionScores.summary`, and, where known, of `tables.SPEED_COLUMNS`;
            `rank` and `fps_rank`, text, empty for none; `low` and `high`, the 95 % interval of the
            lead score; `source`, `trained_on`; and `scores`, the folder of a run's tables, empty
            for published rows.
        names: of the sequences, empty where they are not known.
        variant: what else sets the rows apart, for the title.
        meaning: what the scores are, a sentence or two; empty where they are those of masks.
    """

    dataset: str
    split: str
    resolution: str
    protocol: str
    sequences: int
    official: int
    rows: pd.DataFrame
    names: tuple[str, ...] = ()
    variant: str = ""
    meaning: str = ""

    @property
    def title(self) -> str:
        split = "" if self.split == "all" else f" {self.split}"
        split += f" {self.resolution}" if self.resolution else ""
        title = f"{self.dataset}{split}, protocol {self.protocol}"
        title += f", {self.variant}" if self.variant else ""
        if not self.sequences:  # of a split whose sequences nobody here knows
            return title
        return f"{title}, {coverage(self.sequences, self.official)} sequences"

    @property
    def whole(self) -> bool:
        return self.official in (0, self.sequences)

    @property
    def boxes(self) -> bool:
        """Return True if boxes were scored, not masks."""
        return bool(self.meaning)

    @property
    def own(self) -> int:
        """Return how many rows are runs; the others are published."""
        return int((self.rows["source"] == OWN).sum())


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by initialisation, then `primary_metric`, and number those within each.

    Equal scores share a rank; rows without that score have none. `fps_rank` numbers runs by speed,
    among those that started alike and were timed by the same protocol on the same device in the
    same precision; published rows have none.
    """
    score = primary_metric(rows)
    absent = {column: "" for column in _TEXTS if column not in rows.columns}
    # A column without any text was read as one of numbers.
    rows = rows.assign(**absent).astype(dict.fromkeys(_TEXTS, object))
    rows = rows.fillna(dict.fromkeys(_TEXTS, ""))
    ordered = rows.assign(order=rows["init"].map(_INIT_ORDER).fillna(len(_INIT_ORDER)))
    ordered = ordered.sort_values(["order", score], ascending=[True, False], kind="stable")
    ordered["rank"] = _as_text(ordered.groupby("order")[score].rank("min", ascending=False))
    ordered["fps_rank"] = ""
    own = ordered["source"] == OWN if "source" in ordered else ordered["init"].isna()
    if "fps" in ordered and own.any():
        timed = ordered[own].groupby(TIMED_ALIKE)["fps"].rank("min", ascending=False)
        ordered.loc[own, "fps_rank"] = _as_text(timed)
    return ordered.drop(columns="order").reset_index(drop=True)


def _as_text(ranks: "pd.Series[float]") -> "pd.Series[str]":
    return ranks.map(lambda value: "" if pd.isna(value) else str(int(value)))
