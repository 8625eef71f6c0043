"""`vostool run`."""

from pathlib import Path
from typing import Any

import click

from vostool.commands.options import (
    batch_option,
    dataset_options,
    execution_of,
    executor_options,
    region_option,
    results_option,
    shard_option,
    tracking_options,
)
from vostool.commands.run_one import opened, opened_regions, run_on_regions, run_one
from vostool.workspace import Workspace


@click.command()
@click.argument("tracker", metavar="TRACKER[/CONFIG]")
@dataset_options
@tracking_options
@executor_options
@batch_option
@shard_option
@results_option
@click.option("--name", help="Name of the run folder; made of the tracker's name if not given.")
@region_option
@click.option(
    "--repetitions",
    type=click.IntRange(1, 999),
    help="VOT: track so often, once if a tracker gives the same whatever the seed; 1 if not given.",
)
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
    batch: int | None,
    shard: tuple[int, int] | None,
    region: Any,
    repetitions: int | None,
    **where: Any,
) -> None:
    """Track a dataset into a run folder.

    What is there is kept: a second start tracks what is missing.

    On VOT a tracker that loses its object is started anew five frames later; on OTB it is not.
    """
    from vostool.datasets.catalog import has_regions
    from vostool.errors import UsageError
    from vostool.tracking.job import RunRequest

    execution = execution_of(where)
    if shard and execution.scheduler:
        raise UsageError("A scheduler shares out the sequences itself; leave --shard away.")
    request = RunRequest(
        *(tracker, name, overrides, device, precision, weights),
        seed=seed,
        workers=execution.workers or 1,
        batch=batch,
        shard=shard,
    )
    results = results or workspace.results
    if not has_regions(where["dataset"]):
        if region or repetitions:
            raise UsageError("--region and --repetitions are for datasets of boxes, such as VOT.")
        dataset = opened(workspace, where)
        with execution.executor() as executor:
            run_one(request, dataset, workspace, results, executor)
        return
    from vostool.tracking.restarts import Experiment

    experiment = Experiment(region or "auto", repetitions or 1)
    regions = opened_regions(workspace, where)
    with execution.executor() as executor:
        run_on_regions(request, regions, experiment, workspace, results, executor)
