"""The summaries of scores of boxes, read back from their files."""

from pathlib import Path

import pandas as pd

from vostool.errors import ResultError
from vostool.io.listing import folders
from vostool.runs.folder import RunFolder, runs_in
from vostool.scoring.tables import BOX_SUMMARY, read_csv


def read_summaries(run: RunFolder | Path) -> pd.DataFrame:
    """Return what `vostool eval` wrote about a run on boxes: a row per protocol and overlap.

    Evaluations of chosen sequences are left out.

    Args:
        run: the run folder, or that of results which are no run.

    Returns:
        Rows of `vot.csv`, see `Scores.summary`, with `scores`, the folder that each is in;
        empty if the run has none.

    Raises:
        ResultError: a file is damaged.
    """
    path = run.path / "scores" if isinstance(run, RunFolder) else run
    tables = []
    for file in sorted(path.glob(f"*/{BOX_SUMMARY}")):
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
