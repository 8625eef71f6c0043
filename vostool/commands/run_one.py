"""Running trackers as several commands do: with progress, and a line that says what was done."""

from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.errors import UsageError
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.datasets.clips import Clips
    from vostool.datasets.dataset import Dataset
    from vostool.datasets.regions import RegionDataset
    from vostool.runs.folder import RunFolder
    from vostool.tracking.job import RunRequest
    from vostool.tracking.restarts import Experiment


def opened(workspace: Workspace, where: dict[str, Any], need_frames: bool = True) -> "Dataset":
    """Open the dataset that the options of a command name."""
    from vostool.datasets.catalog import open_dataset

    name = where.pop("dataset")
    return open_dataset(name, **where, need_frames=need_frames, workspace=workspace)


def opened_regions(
    workspace: Workspace, where: dict[str, Any], need_frames: bool = True
) -> "RegionDataset":
    """Open the dataset of boxes that the options of a command name."""
    from vostool.datasets.catalog import open_regions

    for option in ("split", "resolution"):
        if where.pop(option) is not None:
            raise UsageError(f"{where['dataset']} has one {option} only; leave --{option} away.")
    name = where.pop("dataset")
    return open_regions(name, **where, need_frames=need_frames, workspace=workspace)


def run_one(
    request: "RunRequest",
    dataset: "Dataset",
    workspace: Workspace,
    results: Path,
    executor: Executor | None = None,
) -> None:
    """Track what a run lacks."""
    from vostool.execution.run import missing_sequences, run_tracker
    from vostool.report.terminal.console import frame_progress

    missing = missing_sequences(request, dataset, results)
    frames = sum(len(sequence) for sequence in missing)
    with frame_progress(request.tracker, frames) as advance:
        folder = run_tracker(request, dataset, workspace, results, advance, executor=executor)
    _tell(request, dataset, folder, len(missing), frames)


def run_on_regions(
    request: "RunRequest",
    dataset: "RegionDataset",
    experiment: "Experiment",
    workspace: Workspace,
    results: Path,
    executor: Executor | None = None,
) -> None:
    """Track what a run on boxes lacks."""
    from vostool.execution.run import regions_missing, run_regions
    from vostool.report.terminal.console import frame_progress

    missing = regions_missing(request, dataset, results)
    frames = sum(len(sequence) for sequence in missing)
    passes = experiment.repetitions if dataset.task == "supervised" else 1
    with frame_progress(request.tracker, frames * passes) as advance:
        folder = run_regions(
            request, dataset, experiment, workspace, results, advance, executor=executor
        )
    _tell(request, dataset, folder, len(missing), frames)


def _tell(
    request: "RunRequest", dataset: "Clips[Any]", folder: "RunFolder", count: int, frames: int
) -> None:
    """Say what was tracked, and of a shard whether it was the last."""
    tracked = f"{count} tracked now ({frames} frames)" if count else "all tracked before"
    if request.shard is None:
        click.echo(f"{folder.path}: {len(dataset.sequences)} sequences, {tracked}")
        return
    from vostool.runs.shards import done_in, shards_of

    done = done_in(folder)
    missing = sum(sequence.name not in done for sequence in dataset.sequences)
    rest = f"{missing} of {len(dataset.sequences)} sequences are missing of other shards"
    if not missing:
        rest = "all sequences are there"
        rest += ", gathered by the next `vostool run` or `eval`" if shards_of(folder) else ""
    shard, shards = request.shard
    click.echo(f"{folder.path}: shard {shard}/{shards}, {tracked}; {rest}")
