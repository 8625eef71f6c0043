"""`vostool train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.commands.options import ROOT, results_option
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.training.folder import TrainFolder
    from vostool.training.job import TrainJob
    from vostool.training.loop import Outcome


@click.command()
@click.argument("tracker", metavar="TRACKER[/CONFIG]")
@click.option(
    "-o",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting: KEY of the tracker, train.KEY of the engine, train.task.KEY of the "
    "tracker's training.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="NAME[:SPLIT]",
    help="Train on this dataset instead of the configuration's. May be repeated.",
)
@click.option("--root", type=ROOT, help="Folder that holds JPEGImages/ and Annotations/.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "fp16", "bf16"]),
    default="auto",
    show_default=True,
    help="auto is the configuration's.",
)
@click.option(
    "--init",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Weights to start from; what fits by name and shape is taken.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Save a checkpoint and end after so many minutes.",
)
@click.option("--dry-run", is_flag=True, help="Measure what it would cost, and write nothing.")
@click.option("--name", help="Name of the folder; made of the tracker's name if not given.")
@results_option
@click.pass_obj
def train(
    workspace: Workspace,
    /,
    tracker: str,
    minutes: float | None,
    dry_run: bool,
    results: Path | None,
    **asked: Any,
) -> None:
    """Train a tracker into <results>/train/NAME.

    A second start goes on from the newest checkpoint. For several GPUs:
    torchrun --nproc-per-node N -m vostool train ...
    """
    from vostool.io.storage import require_local
    from vostool.training.distributed import Ranks
    from vostool.training.job import TrainRequest, prepare_training
    from vostool.training.loop import train as run
    from vostool.training.stop import Stop

    require_local(
        results or workspace.results, "training appends to its files: name a folder of this machine"
    )
    stop = Stop(minutes)
    ranks = Ranks.from_environment()
    job = prepare_training(TrainRequest(tracker, **asked), workspace)
    if dry_run:
        _estimate(job)
        return
    folder = job.folder(results or workspace.results)
    if not ranks.leads:
        run(job, folder, ranks, stop)
        return
    from vostool.report.terminal.training import training_progress

    with training_progress(job.name, job.settings.steps) as on_row:
        outcome = run(job, folder, ranks, stop, on_row, lambda note: click.echo(note, err=True))
    _say(job, folder, outcome)
    if outcome.step < job.settings.steps and stop.signalled:
        raise KeyboardInterrupt


def _estimate(job: "TrainJob") -> None:
    from vostool.environment import device_name
    from vostool.report.terminal.training import phases, show_estimate
    from vostool.training.dry_run import estimate

    with phases(f"{job.tracker}/{job.config_name}") as on_phase:
        found = estimate(job, on_phase=on_phase)
    show_estimate(job, found, device_name(job.device))


def _say(job: "TrainJob", folder: "TrainFolder", outcome: "Outcome") -> None:
    """Say how far it came, and what to do with it."""
    from vostool.report.terminal.training import duration

    settings = job.settings
    best = ""
    if outcome.best is not None:
        best = f", best {settings.best} {outcome.best:.4f} at step {outcome.best_step}"
    click.echo(
        f"{folder.path}: {outcome.step} of {settings.steps} steps in {duration(outcome.seconds)}"
        f"{best}."
    )
    if outcome.step < settings.steps:
        click.echo("A checkpoint is saved; run the same command again to go on.")
        return
    weights = folder.last if outcome.best is None else folder.best
    config = "" if job.config_name == "default" else f"/{job.config_name}"
    click.echo(f"Use it: vostool run {job.tracker}{config} --dataset NAME --weights {weights}")
