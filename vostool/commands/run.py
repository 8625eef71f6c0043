"""`vostool run`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.datasets.clips import Clips
    from vostool.runs.folder import RunFolder
    from vostool.tracking.job import RunRequest


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
    help="VOT: number of repetitions; deterministic trackers run once.  [default: 1]",
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
    from vostool.datasets.catalog import open_dataset
    from vostool.errors import UsageError
    from vostool.execution.run import missing_sequences, run_tracker
    from vostool.report.terminal.console import frame_progress
    from vostool.tracking.experiments import experiment_of
    from vostool.tracking.job import RunRequest

    execution = execution_of(where)
    if shard and execution.scheduler:
        raise UsageError("A scheduler shares out the sequences itself; drop --shard.")
    request = RunRequest(
        *(tracker, name, overrides, device, precision, weights),
        seed=seed,
        workers=execution.workers or 1,
        batch=batch,
        shard=shard,
    )
    results = results or workspace.results
    opened = open_dataset(where.pop("dataset"), **where, workspace=workspace)
    experiment = experiment_of(opened, {"region": region, "repetitions": repetitions})
    missing = missing_sequences(request, opened, results)
    frames = sum(len(sequence) for sequence in missing)
    with (
        execution.executor() as executor,
        frame_progress(request.tracker, frames * experiment.passes) as advance,
    ):
        folder = run_tracker(
            request,
            opened,
            workspace,
            results,
            advance,
            experiment=experiment,
            executor=executor,
        )
    click.echo(f"{folder.path}: {_done(request, opened, folder, len(missing), frames)}")


def _done(
    request: "RunRequest", dataset: "Clips[Any]", folder: "RunFolder", count: int, frames: int
) -> str:
    """Say what was tracked, and of a shard whether it was the last."""
    from vostool.runs.shards import done_in, shards_of

    whole = len(dataset.sequences)
    tracked = f"{count} tracked now ({frames} frames)" if count else "all tracked before"
    if request.shard is None:
        return f"{whole} sequences, {tracked}"
    done = done_in(folder)
    missing = sum(sequence.name not in done for sequence in dataset.sequences)
    rest = f"{missing} of {whole} sequences are missing of other shards"
    if not missing:
        rest = "all sequences are there"
        rest += ", gathered by the next `vostool run` or `eval`" if shards_of(folder) else ""
    shard, shards = request.shard
    return f"shard {shard}/{shards}, {tracked}; {rest}"
