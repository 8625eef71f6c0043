"""How numbers are written for people: scores in percent, rates and times short, blanks blank."""

import math
from typing import Any

import pandas as pd

from vostool.scoring.tables import primary_metric

# Columns of the printed tables: (column, heading).
SCORES = [
    ("JF_mean", "J&F"),
    ("J_mean", "J mean"),
    ("J_recall", "J recall"),
    ("J_decay", "J decay"),
    ("F_mean", "F mean"),
    ("F_recall", "F recall"),
    ("F_decay", "F decay"),
]
SEEN_SCORES = [  # of YouTube-VOS, where it is known which categories training has seen
    ("G", "G"),
    ("J_seen", "Js"),
    ("J_unseen", "Ju"),
    ("F_seen", "Fs"),
    ("F_unseen", "Fu"),
]
VOT_SCORES = [("EAO", "EAO"), ("A", "A"), ("R", "R")]  # fractions, and failures per 100 frames
OTB_SCORES = [("AUC", "AUC"), ("P20", "P 20 px"), ("NP20", "P 20 %")]
LOWER_IS_BETTER = ("J_decay", "F_decay", "R")
_BY_PRIMARY = {"JF_mean": SCORES, "G": SEEN_SCORES, "EAO": VOT_SCORES, "AUC": OTB_SCORES}
_AS_THEY_ARE = tuple(column for column, _ in VOT_SCORES)


def scores_of(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the columns to show of summary rows, the one that sums them up first."""
    return _BY_PRIMARY[primary_metric(table)]


def in_percent(column: str) -> bool:
    """Return True if a score is printed in percent; those of VOT never are."""
    return column not in _AS_THEY_ARE


def score(column: str, value: Any) -> str:
    """Return a score as it is printed: percent with one digit, those of VOT with three."""
    return percent(value) if in_percent(column) else three_digits(value)


def three_digits(value: Any) -> str:
    """Return a number with three digits behind the point, as tables of VOT have them."""
    return "" if is_blank(value) else f"{value:.3f}"


def percent(value: Any) -> str:
    """Return a fraction as percent with one digit, blank for a missing one."""
    return "" if is_blank(value) else f"{round(100 * value, 1) + 0.0:.1f}"


def span(low: float, high: float) -> str:
    """Return an interval of fractions in percent, e.g. `61.2..77.9`, blank for a missing one."""
    return "" if is_blank(low) else f"{percent(low)}..{percent(high)}"


def rate(value: Any) -> str:
    """Return a rate or time with three significant digits, blank for a missing one."""
    if is_blank(value):
        return ""
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def coverage(sequences: int, official: int) -> str:
    """Return `20` for a whole split and `6 of 20` for a part of it."""
    return str(sequences) if sequences == official or not official else f"{sequences} of {official}"


def is_blank(value: Any) -> bool:
    """Return True if a table cell is empty: None, NaN or no text."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))
