"""`vostool results`: list, check, rm and import."""

import sys
from pathlib import Path
from typing import Any

import click

from vostool.commands.options import FOLDER_OR_ZIP, dataset_options, results_option
from vostool.workspace import Workspace

_of_option = click.option(
    "--dataset", "dataset", metavar="FOLDER", help="Only runs in this folder of the results."
)


@click.group(name="results", invoke_without_command=True)
@click.pass_context
def results_group(ctx: click.Context) -> None:
    """List, check, remove and import runs."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_runs)


@results_group.command(name="list")
@_of_option
@results_option
@click.pass_obj
def list_runs(workspace: Workspace, /, dataset: str | None, results: Path | None) -> None:
    """List the runs, how complete they are and their scores."""
    from vostool.report.terminal.runs import show_runs
    from vostool.runs.lookup import all_runs

    results = results or workspace.results
    runs = all_runs(results, dataset)
    if runs:
        show_runs(runs)
    else:
        click.echo(
            f"There are no runs in {results}. Make one with `vostool run copy_first --dataset "
            "synthetic`."
        )


@results_group.command(name="check")
@click.argument("names", metavar="[RUN]...", nargs=-1)
@_of_option
@results_option
@click.pass_obj
def check_runs(
    workspace: Workspace, /, names: tuple[str, ...], dataset: str | None, results: Path | None
) -> None:
    """Look at every mask of runs: is it there, whole, and what it should be?

    All runs if none is named. Exit code 1 if anything is wrong.
    """
    from vostool.datasets.dataset import Dataset
    from vostool.errors import ResultError, VostoolError
    from vostool.exchange.verification import run_problems, what_mends
    from vostool.report.terminal.console import frame_progress
    from vostool.runs.lookup import all_runs, dataset_of, entry_of, find_run, full_name

    results = results or workspace.results
    runs = [find_run(results, name, dataset) for name in names] or all_runs(results, dataset)
    if not runs:
        raise ResultError(f"There are no runs in {results}.")
    opened: dict[tuple[str, str], Dataset] = {}
    bad = 0
    for run in runs:
        mend, count = "", 0
        try:
            manifest = run.manifest()
            if not names and entry_of(manifest.dataset) is None:
                click.echo(f"{full_name(run)}: boxes, which are not looked at")
                continue
            key = (manifest.dataset, manifest.root)
            opened[key] = opened.get(key) or dataset_of(manifest, workspace)
            count = sum(status.frames for status in manifest.sequences.values())
            with frame_progress(full_name(run), count) as advance:
                problems = run_problems(run, opened[key], advance)
            mend = what_mends(run)
        except VostoolError as error:
            problems = [str(error)]
        bad += bool(problems)
        if problems:
            click.secho(f"{full_name(run)}: {len(problems)} problem(s)", fg="red")
            for sentence in filter(None, (*problems, mend)):
                click.echo(f"  {sentence}")
        else:
            click.echo(f"{full_name(run)}: {len(manifest.sequences)} sequences, {count} masks, ok")
    if bad:
        click.echo(f"{bad} of {len(runs)} runs have problems.")
        sys.exit(1)


@results_group.command(name="rm")
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@_of_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@results_option
@click.pass_obj
def remove_runs(
    workspace: Workspace,
    /,
    names: tuple[str, ...],
    dataset: str | None,
    yes: bool,
    results: Path | None,
) -> None:
    """Remove runs with their masks and scores.

    RUN is a name, or DATASET/RUN where several datasets have it.
    """
    from vostool.io.listing import files_below
    from vostool.runs.lookup import find_run, full_name, remove_run

    results = results or workspace.results
    runs = list({run.path: run for run in (find_run(results, n, dataset) for n in names)}.values())
    for run in runs:
        files = files_below(run.path)
        size = sum(files.values()) / 1e6
        if not yes:
            question = f"Remove {run.path} ({len(files)} files, {size:.1f} MB)?"
            if not click.confirm(question, err=True):
                click.echo(f"{full_name(run)} stays.")
                continue
        remove_run(run)
        click.echo(
            f"{full_name(run)} is gone. Tables made before still name it until `vostool eval` and "
            "`vostool leaderboard` are run again."
        )


@results_group.command(name="import")
@click.argument("source", metavar="DIR_OR_FILE", type=FOLDER_OR_ZIP)
@click.option("--name", required=True, help="Name of the new run.")
@dataset_options
@click.option("--tracker", help="What made the masks; the name of the run if not given.")
@click.option(
    "--init",
    type=click.Choice(["mask", "box", "none"]),
    help="What it started from; 'none' if it was given no objects. Runs are ranked by it.",
)
@results_option
@click.pass_obj
def import_masks(
    workspace: Workspace,
    /,
    source: Path,
    name: str,
    tracker: str | None,
    init: str | None,
    results: Path | None,
    **where: Any,
) -> None:
    """Bring in masks of another program as a run.

    DIR_OR_FILE is a folder or zip of <sequence>/<frame>.png at any depth, like what is sent to the
    servers of DAVIS and YouTube-VOS; or of <sequence>/<object>/<frame>.png, of a NumPy file per
    sequence, or of JSON with run-length encoded masks. Every mask is checked first; if one is wrong
    nothing is imported.
    """
    from vostool.exchange.imports import import_run
    from vostool.report.terminal.console import frame_progress
    from vostool.runs.folder import RunFolder
    from vostool.runs.lookup import full_name, with_frames
    from vostool.tracking.job import run_name

    dataset = with_frames(where.pop("dataset"), workspace=workspace, **where)
    folder = (results or workspace.results) / dataset.key / run_name(tracker or name, name)
    count = sum(len(sequence) for sequence in dataset.sequences)
    with frame_progress("import", count) as advance:
        done = import_run(
            source,
            dataset,
            RunFolder(folder),
            tracker=tracker or name,
            init=init or "",
            advance=advance,
        )
    for note in done.notes:
        click.secho(f"Note: {note}", fg="yellow")
    click.echo(f"{full_name(done.run)}: {done.sequences} sequences, {done.frames} masks imported.")
    if init is None:
        click.echo(
            "It is ranked apart, for nobody knows whether it started from masks or boxes: say it "
            "with --init."
        )
