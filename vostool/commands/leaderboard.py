"""`vostool leaderboard`."""

from pathlib import Path

import click

from vostool.commands.options import FOLDER, results_option
from vostool.commands.running import run_missing
from vostool.errors import ResultError
from vostool.workspace import Workspace


@click.command()
@click.option("--run", "run_first", is_flag=True, help="First run and score what is missing.")
@click.option("--out", type=FOLDER, help="Folder for the files; the results folder if not given.")
@results_option
@click.pass_obj
def leaderboard(
    workspace: Workspace, /, run_first: bool, out: Path | None, results: Path | None
) -> None:
    """Rank all scored runs.

    Writes LEADERBOARD.md and leaderboard.csv, and prints them.

    With --run every tracker that needs no weights runs on the synthetic dataset, and on DAVIS2016
    where it is under datasets/.
    """
    from vostool.bench import evaluate_runs
    from vostool.datasets.catalog import CATALOG, find_root, open_dataset
    from vostool.report.leaderboard import collect, write_leaderboard
    from vostool.report.screens import show_leaderboard

    results = results or workspace.results
    for name in ("synthetic", "DAVIS2016") if run_first else ():
        entry = CATALOG[name]
        if name != "synthetic" and find_root(entry, workspace) is None:
            click.echo(f"{name} is not there and is left out. {entry.how_to_get}")
            continue
        dataset = open_dataset(name, workspace=workspace)
        names, failed = run_missing(("all",), dataset, workspace, results)
        done = evaluate_runs(dataset, None, results, None, workers=1, names=names)
        for reason in (*failed.values(), *done.left_out.values()):
            click.echo(f"Left out: {reason}", err=True)
    sections = collect(results)
    if not sections:
        raise ResultError(
            f"There are no scored runs in {results}. Make some with `vostool leaderboard --run`, "
            "or with `vostool eval --dataset synthetic --tracker copy_first`."
        )
    files = write_leaderboard(sections, out or results)
    show_leaderboard(sections, files)
