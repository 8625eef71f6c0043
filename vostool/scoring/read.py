"""Scores that `vostool eval` wrote, found by name or path and read back."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vostool.errors import ResultError, UnknownNameError
from vostool.io.storage import place
from vostool.runs.folder import RunFolder, runs_in
from vostool.scoring.tables import read_csv

_TEXT: dict[Hashable, type] = {"sequence": str, "frame": str}
_NEEDED = ("sequence", "object", "frames", "J_mean", "F_mean")


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of one run, read from files.

    Args:
        name: what the tables call it.
        folder: where `objects.csv` was.
        objects: `sequence, object, frames, JF, J, F`: means over time, as fractions.
        about: the row of `summary.csv`, empty where there is none.
        frames: `sequence, object, frame, JF`, empty where there is no `frames.csv`.
    """

    name: str
    folder: Path
    objects: pd.DataFrame
    about: dict[str, object]
    frames: pd.DataFrame = field(default_factory=pd.DataFrame)


def holds_scores(folder: Path) -> bool:
    """Return True if `vostool eval` has written scores directly into a folder."""
    return (folder / "objects.csv").is_file()


def find_scores(
    given: str, runs: Path, protocol: str, command: str, *, subset: bool = False
) -> Path:
    """Return the folder that holds the `objects.csv` of a run.

    Args:
        given: name of a run or of scored masks; or a folder of scores, or a run folder.
        runs: `results/<dataset>`, where names are looked for.
        protocol: name of the protocol, in whose folder a run's scores are.
        command: the `vostool eval` command that scores what has no scores yet.
        subset: scores of chosen sequences will do where there are none of all.

    Raises:
        UnknownNameError: it is neither.
        ResultError: the run is there, but not its scores.
    """
    for folder in (runs / given, runs / "scores" / given / protocol, place(given)):
        if RunFolder(folder).exists():
            scores = folder / "scores" / protocol
            if subset and not holds_scores(scores):
                scores = scores.with_name(f"{protocol}.subset")
            if not holds_scores(scores):
                raise ResultError(
                    f"Run '{folder.name}' has no scores by protocol '{protocol}'. Make them with "
                    f"`{command}`."
                )
            return scores
        if holds_scores(folder):
            return folder
    if "/" in given or place(given).is_dir():
        raise ResultError(
            f"{given} has no objects.csv. Name a folder that `vostool eval --out` wrote, or a run."
        )
    known = [run.name for run in runs_in(runs)]
    known += [path.parent.parent.name for path in runs.glob(f"scores/*/{protocol}/objects.csv")]
    raise UnknownNameError.of("run", given, known, f"in {runs}")


def read_scores(folder: Path, sequences: Iterable[str] | None = None) -> Scored:
    """Read the scores that `vostool eval` wrote.

    Args:
        folder: holds `objects.csv` and, usually, `summary.csv`.
        sequences: only these.

    Raises:
        ResultError: a file is damaged.
        UnknownNameError: a sequence has no scores.
    """
    table = _read_csv(folder / "objects.csv")
    lacking = [column for column in _NEEDED if column not in table.columns]
    if lacking or table.empty or table[list(_NEEDED)].isna().to_numpy().any():
        what = f"the column {lacking[0]}" if lacking else "values"
        raise ResultError(
            f"{folder / 'objects.csv'} lacks {what}. Score again with `vostool eval`."
        )
    objects = table[["sequence", "object", "frames"]].copy()
    objects["sequence"] = objects["sequence"].astype(str)
    objects["J"], objects["F"] = table["J_mean"], table["F_mean"]
    objects["JF"] = (objects["J"] + objects["F"]) / 2
    if sequences is not None:
        wanted = list(sequences)
        known = set(objects["sequence"])
        for name in wanted:
            if name not in known:
                raise UnknownNameError.of("sequence", name, known, f"in {folder}")
        objects = objects[objects["sequence"].isin(wanted)].reset_index(drop=True)
    summary = folder / "summary.csv"
    rows = _read_csv(summary).to_dict("records") if summary.is_file() else []
    about = {str(k): v for k, v in rows[0].items() if pd.notna(v)} if len(rows) == 1 else {}
    frames = _frames(folder / "frames.csv", objects["sequence"])
    return Scored(str(about.get("run") or folder.name), folder, objects, about, frames)


def _frames(path: Path, sequences: Iterable[str]) -> pd.DataFrame:
    """Return J&F of every object and frame of some sequences, nothing if they were not kept."""
    if not path.is_file():
        return pd.DataFrame()
    table = _read_csv(path)
    if not {"sequence", "object", "frame", "J", "F"} <= set(table.columns):
        raise ResultError(f"{path} lacks columns. Score again with `vostool eval`.")
    kept = table[table["sequence"].isin(set(sequences))]
    return kept.assign(JF=(kept["J"] + kept["F"]) / 2)[["sequence", "object", "frame", "JF"]]


def frame_scores(folder: Path) -> dict[tuple[str, str], float]:
    """Return J of every scored frame, the mean over its objects, by sequence and frame.

    Args:
        folder: holds `frames.csv`.

    Raises:
        ResultError: it is absent or damaged.
    """
    path = folder / "frames.csv"
    if not path.is_file():
        raise ResultError(f"{folder} has no frames.csv. Score again with `vostool eval`.")
    table = _read_csv(path)
    if not {"sequence", "frame", "J"} <= set(table.columns):
        raise ResultError(f"{path} lacks columns. Score again with `vostool eval`.")
    means = table.groupby(["sequence", "frame"], sort=False)["J"].mean().reset_index()
    keys = zip(means["sequence"], means["frame"], strict=True)
    return dict(zip(keys, means["J"], strict=True))


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return read_csv(path, dtype=_TEXT)
    except (ValueError, UnicodeDecodeError) as error:  # pandas' own errors are ValueErrors
        raise ResultError(
            f"{path} cannot be read ({error}). Score again with `vostool eval`."
        ) from error
