"""`vostool leaderboard`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vostool.commands.options import FOLDER, results_option
from vostool.commands.run_several import run_missing
from vostool.errors import ResultError
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.report.leaderboard.page.budget import Frames


def _finite(_: click.Context, __: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter("it is no number of megabytes.")
    return value


@click.command()
@click.option("--run", "run_first", is_flag=True, help="First run and score what is missing.")
@click.option(
    "--dataset", "datasets", multiple=True, metavar="NAME", help="Only this one; may be repeated."
)
@click.option("--out", type=FOLDER, help="Folder for the files; the results folder if not given.")
@click.option(
    "--frames",
    type=click.Choice(["embed", "folder", "none"]),
    default="embed",
    show_default=True,
    help="Small pictures for the page's viewer: in the page, in a folder beside it, or no viewer.",
)
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    default=15,
    show_default=True,
    metavar="MB",
    callback=_finite,
    help="Largest size of the page; what does not fit is left out.",
)
@click.option("--plots", is_flag=True, help="Also draw the plots as svg and png files.")
@results_option
@click.pass_obj
def leaderboard(
    workspace: Workspace,
    /,
    run_first: bool,
    datasets: tuple[str, ...],
    out: Path | None,
    frames: "Frames",
    budget: float,
    plots: bool,
    results: Path | None,
) -> None:
    """Rank all scored runs, and published numbers among them.

    Writes LEADERBOARD.md, leaderboard.csv, leaderboard.tex and leaderboard.html, a page that opens
    from disk and needs no network, and prints the ranks of the runs.

    With --run every tracker that needs no weights runs on the synthetic dataset, and on DAVIS2016
    where it is under datasets/.
    """
    from vostool.io.storage import require_writable
    from vostool.report.leaderboard.collect import collect
    from vostool.report.leaderboard.write import write_leaderboard
    from vostool.report.terminal.console import frame_progress
    from vostool.report.terminal.masks import show_leaderboard

    if plots:
        from vostool.report.leaderboard.plots import check_installed

        check_installed()
    results = results or workspace.results
    require_writable(out or results)
    if run_first:
        _run_all(workspace, results)
    sections = collect(results, datasets)
    if not sections:
        raise ResultError(
            f"There are no scored runs in {results}; scores of sequences that --sequences chose "
            "are not ranked. Make some with `vostool leaderboard --run`, or with `vostool eval "
            "--dataset synthetic --tracker copy_first`."
        )
    folder = out or results
    with frame_progress("pictures", None) as advance:
        written = write_leaderboard(
            sections,
            folder,
            workspace,
            frames=frames,
            budget=int(budget * 1_000_000),
            advance=advance,
        )
    drawn: tuple[Path, ...] = ()
    if plots:
        from vostool.report.leaderboard.plots import write_plots

        drawn = write_plots(sections, folder / "leaderboard_plots")
    show_leaderboard(sections, written, drawn)


def _run_all(workspace: Workspace, results: Path) -> None:
    """Run and score, where that is missing, every tracker that needs no download."""
    from vostool.datasets.catalog import CATALOG, find_root, open_masks
    from vostool.scoring.batch import evaluate_runs
    from vostool.scoring.scorer import ScoringOptions

    for name in ("synthetic", "DAVIS2016"):
        entry = CATALOG[name]
        if name != "synthetic" and find_root(entry, workspace) is None:
            click.echo(f"{name} is not there and is left out. {entry.how_to_get}")
            continue
        dataset = open_masks(name, workspace=workspace)
        names, failed = run_missing(("all",), dataset, workspace, results)
        done = evaluate_runs(dataset, ScoringOptions(), results, None, names=names)
        for reason in (*failed.values(), *done.left_out.values()):
            click.echo(f"Left out: {reason}", err=True)
