"""Comparing two scored runs on the same sequences: differences, how sure they are, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from vostool.errors import ResultError, UsageError
from vostool.metrics.bootstrap import Paired, paired_comparison
from vostool.scoring.read import Scored

MEASURES = ("JF", "J", "F")
_STATED = ("dataset", "split", "protocol")  # what both summaries must agree on
ENOUGH = 0.05  # p-values below it count as a difference


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs by one measure, as fractions.

    Args:
        measure: `JF`, `J` or `F`.
        first: mean of the first run over all objects.
        second: mean of the second run.
        paired: second minus first, with its interval and p-value.
    """

    measure: str
    first: float
    second: float
    paired: Paired

    @property
    def verdict(self) -> Literal["same", "chance", "unsure", "better"]:
        """Return `same`, `chance`, `unsure` or `better`.

        `same`: there is no difference at all. `better`: interval and p-value both say that the
        sign of the difference is no accident of the sequences. `chance`: the interval holds 0.
        `unsure`: it does not, or there is none, and p is not below 5 %.
        """
        low, high = self.paired.interval
        if self.paired.difference == 0 and not (low < 0 or high > 0):
            return "same"
        if low <= 0 <= high:
            return "chance"
        return "better" if self.paired.p_value < ENOUGH else "unsure"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the same sequences.

    Args:
        first: name of the first run, A.
        second: name of the second run, B.
        title: dataset, split and protocol; empty where the files do not tell.
        overall: by J&F, J and F.
        sequences: `sequence, objects` and, for `JF`, `J` and `F`, `<measure>_first`,
            `<measure>_second` and `<measure>_difference`; the biggest gain of B in J&F first. Where
            frames are known, also `first_ahead` and `second_ahead`: on which share of them, object
            by object, the one or the other has the higher J&F.
        notes: what to bear in mind, for people.
    """

    first: str
    second: str
    title: str
    overall: tuple[Difference, ...]
    sequences: pd.DataFrame
    notes: tuple[str, ...] = ()


def compare_scores(first: Scored, second: Scored, *, seed: int = 0) -> Comparison:
    """Compare two runs that were scored alike.

    Args:
        first: A.
        second: B; differences are B minus A.
        seed: of the resampling.

    Raises:
        UsageError: both are the same scores.
        ResultError: they were not scored on the same data by the same rules.
    """
    if first.folder.resolve() == second.folder.resolve():
        raise UsageError(f"Both are the scores in {first.folder}. Name two different runs.")
    _check_alike(first, second)
    table = first.objects.merge(
        second.objects, on=["sequence", "object"], suffixes=("_first", "_second")
    )
    names = (first.name, second.name)
    if first.name == second.name:
        names = (str(first.folder), str(second.folder))
    return Comparison(
        first=names[0],
        second=names[1],
        title=_title(first.about),
        overall=tuple(_difference(table, measure, seed) for measure in MEASURES),
        sequences=_with_shares(_by_sequence(table), first, second),
        notes=_notes(names, first, second),
    )


def _check_alike(first: Scored, second: Scored) -> None:
    """Refuse runs that were scored by other rules, on other sequences, objects or frames."""
    for key in _STATED:
        stated, other = first.about.get(key, ""), second.about.get(key, "")
        if stated and other and stated != other:
            raise ResultError(
                f"'{first.name}' was scored with {key} {stated}, '{second.name}' with {other}: "
                f"they do not compare. Score both alike, with `{_command(first.about, key)}`."
            )
    mine, theirs = (set(run.objects["sequence"]) for run in (first, second))
    if mine != theirs:
        shared = [name for name in dict.fromkeys(first.objects["sequence"]) if name in theirs]
        gaps = [_only(first.name, mine - theirs), _only(second.name, theirs - mine)]
        mend = f"Score both on the same data with `{_command(first.about, 'split')}`"
        if 0 < len(shared) <= 20:
            mend += f", or compare what they share with --sequences {','.join(shared)}"
        raise ResultError(f"Not the same sequences: {'; '.join(filter(None, gaps))}. {mend}.")
    keys = ["sequence", "object", "frames"]
    counted = [set(run.objects[keys].itertuples(index=False, name=None)) for run in (first, second)]
    if counted[0] != counted[1]:
        names = sorted({str(row[0]) for row in counted[0] ^ counted[1]})
        raise ResultError(
            f"'{first.name}' and '{second.name}' were scored on other objects or frames of "
            f"{_listed(names)}. Score both again, on the same ground truth, with "
            f"`{_command(first.about, 'split', 'protocol')}`."
        )


def _command(about: Mapping[str, object], *keys: str) -> str:
    """Return the `vostool eval` command that scores like a run, in so far as the keys say."""
    options = [f"--{key} {about[key]}" for key in dict.fromkeys(("dataset", *keys)) if key in about]
    return " ".join(["vostool eval", *options])


def _only(name: str, sequences: set[str]) -> str:
    return f"only '{name}' has {_listed(sorted(sequences))}" if sequences else ""


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _difference(table: pd.DataFrame, measure: str, seed: int) -> Difference:
    first = table[f"{measure}_first"].to_numpy(np.float64)
    second = table[f"{measure}_second"].to_numpy(np.float64)
    paired = paired_comparison(first, second, table["sequence"].to_numpy(), seed=seed)
    return Difference(measure, float(first.mean()), float(second.mean()), paired)


def _by_sequence(table: pd.DataFrame) -> pd.DataFrame:
    columns = [f"{measure}_{side}" for measure in MEASURES for side in ("first", "second")]
    grouped = table.groupby("sequence", sort=False)
    means = grouped[columns].mean().reset_index()
    means.insert(1, "objects", grouped.size().to_numpy())
    for place, measure in enumerate(MEASURES, start=1):
        gained = means[f"{measure}_second"] - means[f"{measure}_first"]
        means.insert(1 + 3 * place, f"{measure}_difference", gained)
    return means.sort_values("JF_difference", ascending=False, kind="stable", ignore_index=True)


def _with_shares(sequences: pd.DataFrame, first: Scored, second: Scored) -> pd.DataFrame:
    """Add on which share of frames the one or the other is ahead, if that is known."""
    if first.frames.empty or second.frames.empty:
        return sequences
    keys = ["sequence", "object", "frame"]
    pairs = first.frames.merge(second.frames, on=keys, suffixes=("_first", "_second"))
    gained = pairs["JF_second"] - pairs["JF_first"]
    shares = pd.DataFrame(
        {"sequence": pairs["sequence"], "first_ahead": gained < 0, "second_ahead": gained > 0}
    )
    return sequences.merge(shares.groupby("sequence").mean().reset_index(), on="sequence")


def _title(about: Mapping[str, object]) -> str:
    if not all(key in about for key in _STATED):
        return ""
    return f"{about['dataset']} {about['split']}, protocol {about['protocol']}"


def _notes(names: tuple[str, str], first: Scored, second: Scored) -> tuple[str, ...]:
    notes = []
    starts = [str(run.about.get("init") or "") for run in (first, second)]
    if all(starts) and starts[0] != starts[1]:
        notes.append(
            f"'{names[0]}' starts from a {starts[0]}, '{names[1]}' from a {starts[1]}: they were "
            "not told the same."
        )
    stated = first.about.get("JF_mean")
    whole = first.about.get("objects") == len(first.objects)
    if whole and isinstance(stated, float) and abs(stated - first.objects["JF"].mean()) > 1e-9:
        notes.append(
            f"Means are over objects here; protocol '{first.about.get('protocol', '')}' averages "
            "otherwise, so the figures of `vostool eval` differ."
        )
    count = first.objects["sequence"].nunique()
    if count == 1:
        notes.append("One sequence tells nothing about others: there is no interval.")
    elif count < 10:
        notes.append(
            f"{count} sequences are few: intervals of so few are too narrow, and p is at least "
            f"{2 / 2**count:.3f}."
        )
    return tuple(notes)
