"""Tables of the scores of boxes, and the files they are kept in."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vostool.errors import ResultError
from vostool.io.listing import folders
from vostool.io.storage import remove
from vostool.runs.folder import RunFolder, runs_in
from vostool.scoring.tables import read_csv, write_csv

SUMMARY = "vot.csv"  # not summary.csv, whose columns are those of masks


@dataclass(frozen=True, slots=True)
class RegionScores:
    """The tables of one evaluation of boxes.

    Args:
        summary: one row; of VOT with `EAO A R failures reliability`, of OTB with `AUC P20 NP20`.
        sequences: a row per sequence.
        curves: of VOT `length overlap`, of OTB `curve threshold value`.
        tags: a row per tag; empty where there are none.
        frames: a row per frame and repetition.
        notes: what was assumed, for people.
    """

    summary: pd.DataFrame
    sequences: pd.DataFrame
    curves: pd.DataFrame
    tags: pd.DataFrame
    frames: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def run(self) -> str:
        return str(self.summary["run"].iloc[0])

    def write(self, folder: Path) -> None:
        """Write each table that is not empty: `vot.csv`, the summary, and `<table>.csv`."""
        for name in ("frames", "tags", "curves", "sequences", "summary"):
            table = getattr(self, name)
            path = folder / (SUMMARY if name == "summary" else f"{name}.csv")
            if table.empty:
                remove(path)
            else:
                write_csv(table, path)


def read_summaries(run: RunFolder | Path) -> pd.DataFrame:
    """Return what `vostool eval` wrote about a run on boxes: a row per protocol and overlap.

    Evaluations of chosen sequences are left out.

    Args:
        run: the run folder, or that of results which are no run.

    Returns:
        Rows of `vot.csv`, see `RegionScores.summary`, with `scores`, the folder that each is in;
        empty if the run has none.

    Raises:
        ResultError: a file is damaged.
    """
    path = run.path / "scores" if isinstance(run, RunFolder) else run
    tables = []
    for file in sorted(path.glob(f"*/{SUMMARY}")):
        if file.parent.name.endswith(".subset"):
            continue
        text = {"run": str, "tracker": str, "init": str}
        try:
            table = read_csv(file, dtype=text)
        except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
            raise ResultError(
                f"{file} cannot be read ({error}). Score that run again with `vostool eval`."
            ) from error
        tables.append(table.assign(scores=str(file.parent)))
    if not tables:
        return pd.DataFrame()
    return pd.concat(tables, ignore_index=True).fillna({"init": "", "tracker": ""})


def collect_summaries(results: Path) -> pd.DataFrame:
    """Return `read_summaries` of every run below a results folder, with `folder`, the dataset's."""
    found = [
        (folder.name, read_summaries(run)) for folder in folders(results) for run in runs_in(folder)
    ]
    tables = [table.assign(folder=folder) for folder, table in found if not table.empty]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
