"""`vostool run`."""

from pathlib import Path
from typing import Any

import click

from vostool.commands.options import (
    dataset_options,
    results_option,
    tracking_options,
    workers_option,
)
from vostool.commands.running import opened, run_one
from vostool.workspace import Workspace


@click.command()
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
    run_one(request, opened(workspace, where), workspace, results or workspace.results)
