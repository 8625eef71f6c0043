"""The command line: one thin command per verb.

Nothing heavy is imported at the top, so that `vostool --help` answers at once; each command imports
what it needs.
"""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.compare_command import compare
from vostool.convert_command import convert
from vostool.dataset_commands import pack, split
from vostool.errors import ResultError, VostoolError, resource_error
from vostool.options import (
    FOLDER,
    dataset_options,
    results_option,
    seen_option,
    tracking_options,
    workers_option,
)
from vostool.tracker_commands import check, speed, trackers
from vostool.train_command import train
from vostool.workspace import ENVIRONMENT, Workspace

if TYPE_CHECKING:
    from vostool.datasets.dataset import Dataset


class Failure(click.ClickException):
    """An error that the user can mend."""

    exit_code = 2


class Stopped(click.ClickException):
    """Ctrl-C."""

    exit_code = 130


class Commands(click.Group):
    """Ends every error a user can mend with its sentence and exit code 2, and Ctrl-C with 130."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VostoolError as error:
            if ctx.params["traceback"]:
                raise
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            raise Stopped(
                "Stopped. What is finished is kept; run the same command again to go on."
            ) from None
        except Exception as error:
            explained = resource_error(error)
            if explained is None or ctx.params["traceback"]:
                raise
            raise Failure(str(explained)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vostool")
@click.option(
    "--home", type=FOLDER, help=f"Workspace; ${ENVIRONMENT} or the current folder if not given."
)
@click.option("--traceback", is_flag=True, help="Show where in the code an error came from.")
@click.pass_context
def cli(ctx: click.Context, home: Path | None, traceback: bool) -> None:
    """Run, time, score and compare trackers for video object segmentation."""
    ctx.obj = Workspace.find(home)


@cli.command()
@click.argument("tracker", metavar="TRACKER[/CONFIG]")
@dataset_options
@tracking_options
@workers_option
@results_option
@click.option("--name", help="Name of the run folder; made of the tracker's name if not given.")
@click.pass_obj
def run(
    workspace: Workspace,
    /,
    tracker: str,
    results: Path | None,
    name: str | None,
    device: str,
    precision: str,
    weights: Path | None,
    overrides: tuple[str, ...],
    seed: int,
    workers: int,
    **where: Any,
) -> None:
    """Track a dataset into a run folder.

    What is there is kept: a second start tracks what is missing.
    """
    from vostool.jobs import RunRequest

    request = RunRequest(
        tracker, name, overrides, device, precision, weights, seed=seed, workers=workers
    )
    _run(request, _open(workspace, where), workspace, results or workspace.results)


@cli.command(name="eval")
@dataset_options
@click.option("--masks", type=FOLDER, help="Score this folder of <sequence>/<frame>.png.")
@click.option(
    "--tracker",
    "trackers",
    multiple=True,
    metavar="NAME",
    help="Run what this tracker lacks first, then score it; 'all' for every one that can run "
    "without weights. May be repeated.",
)
@click.option("--protocol", help="The dataset's own if not given.")
@seen_option
@click.option("--out", type=FOLDER, help="Folder for the tables; in the results if not given.")
@click.option("--attributes", is_flag=True, help="Show J and F by attribute of the sequences.")
@click.option("--stability", is_flag=True, help="Score temporal stability T, too: slow.")
@click.option("--fresh", is_flag=True, help="Score again what has not changed.")
@click.option("--allow-trivial", is_flag=True, help="Accept scores that are all 0 or all 1.")
@workers_option
@results_option
@click.pass_obj
def evaluate(
    workspace: Workspace,
    /,
    masks: Path | None,
    trackers: tuple[str, ...],
    protocol: str | None,
    out: Path | None,
    attributes: bool,
    stability: bool,
    fresh: bool,
    allow_trivial: bool,
    workers: int,
    results: Path | None,
    **where: Any,
) -> None:
    """Score the runs of a dataset, or any masks.

    Writes frames.csv, objects.csv, sequences.csv and summary.csv, beside them intervals.csv, how
    sure the means are, and attributes.csv where attributes are known; and prints the summary.
    """
    gc.disable()  # what is imported stays, and looking for garbage in it takes time
    from vostool.attributes import check_attributes, known_attributes
    from vostool.bench import evaluate_folder, evaluate_runs
    from vostool.protocol import protocol_named
    from vostool.report.screens import show_attributes, show_scores

    gc.freeze()
    gc.enable()
    if masks and trackers:
        raise click.UsageError("--masks scores a folder as it is; leave --tracker away.")
    rules = protocol_named(protocol) if protocol else None
    dataset = _open(workspace, where, need_frames=bool(trackers))
    if attributes:
        names_of = (sequence.name for sequence in dataset.sequences)
        check_attributes(names_of, known_attributes(dataset.sequences))
    results = results or workspace.results
    subset = where["sequences"] is not None
    how = {
        "subset": subset,
        "fresh": fresh,
        "allow_trivial": allow_trivial,
        "stability": stability,
    }
    if masks:
        done = evaluate_folder(masks, dataset, rules, results, out, workers, **how)
    else:
        names, failed = _run_missing(trackers, dataset, workspace, results)
        done = evaluate_runs(dataset, rules, results, out, workers, names=names, **how)
        done.left_out.update(failed)
    show_scores(done, dataset)
    if attributes:
        show_attributes({scores.run: scores.attributes for scores in done.scores})


@cli.command()
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
        names, failed = _run_missing(("all",), dataset, workspace, results)
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


@cli.group(invoke_without_command=True)
@click.pass_context
def datasets(ctx: click.Context) -> None:
    """List the datasets and how to get them."""
    if ctx.invoked_subcommand is None:
        from vostool.report.screens import show_datasets

        show_datasets(ctx.obj)


@datasets.group()
def make() -> None:
    """Draw a dataset."""


@make.command()
@click.argument("directory", type=FOLDER)
@click.option("--seed", default=0, show_default=True)
@click.option("--size", default="424x240", show_default=True, help="WIDTHxHEIGHT.")
@click.option("--frames", type=click.IntRange(3), default=40, show_default=True)
def synthetic(directory: Path, seed: int, size: str, frames: int) -> None:
    """Draw the synthetic dataset into DIRECTORY; the same seed gives the same files."""
    from vostool.datasets.synthetic import make as draw
    from vostool.speed import parse_size

    draw(directory, seed, size=parse_size(size), frames=frames)
    click.echo(f"Drawn into {directory}: use it with --dataset folder:{directory}")


for command in (speed, check, trackers, compare, convert, split, pack, train):
    cli.add_command(command)


def _open(workspace: Workspace, where: dict[str, Any], need_frames: bool = True) -> "Dataset":
    from vostool.datasets.catalog import open_dataset

    name = where.pop("dataset")
    return open_dataset(name, **where, need_frames=need_frames, workspace=workspace)


def _run(request: Any, dataset: "Dataset", workspace: Workspace, results: Path) -> None:
    from vostool.report.terminal import frame_progress
    from vostool.runner import missing_sequences, run_tracker

    missing = missing_sequences(request, dataset, results)
    frames = sum(len(sequence) for sequence in missing)
    with frame_progress(request.tracker, frames) as advance:
        folder = run_tracker(request, dataset, workspace, results, advance)
    tracked = f"{len(missing)} tracked now ({frames} frames)" if missing else "all tracked before"
    click.echo(f"{folder.path}: {len(dataset.sequences)} sequences, {tracked}")


def _run_missing(
    trackers: tuple[str, ...], dataset: "Dataset", workspace: Workspace, results: Path
) -> tuple[list[str] | None, dict[str, str]]:
    """Run what the named trackers lack.

    Returns:
        The names of their runs, None if no tracker is named; and for those of 'all' that failed,
        run -> why.
    """
    from vostool.bench import runnable_trackers
    from vostool.jobs import RunRequest, default_name

    if not trackers:
        return None, {}
    everything = "all" in trackers
    failed = {}
    specs = runnable_trackers(workspace) if everything else list(trackers)
    for spec in specs:
        try:
            _run(RunRequest(spec), dataset, workspace, results)
        except VostoolError as error:
            if not everything:
                raise
            failed[default_name(spec)] = f"{spec}: {error}"  # one tracker does not stop the others
    if failed and len(failed) == len(specs):
        raise ResultError(" ".join(failed.values()))
    return [name for name in map(default_name, specs) if name not in failed], failed


def main() -> None:
    """Run the command line."""
    cli(prog_name="vostool")


if __name__ == "__main__":
    main()
