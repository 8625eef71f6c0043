"""Running trackers as several commands do: with progress, and a line that says what was done."""

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.errors import ResultError, UsageError, VostoolError
from vostool.workers import Workers
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.datasets.clips import Clips
    from vostool.datasets.dataset import Dataset
    from vostool.datasets.regions import RegionDataset
    from vostool.jobs import RunRequest
    from vostool.vot.experiment import Experiment


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
    from vostool.report.terminal import frame_progress
    from vostool.runner import missing_sequences, run_tracker

    missing = missing_sequences(request, dataset, results)
    frames = sum(len(sequence) for sequence in missing)
    with frame_progress(request.tracker, frames) as advance:
        folder = run_tracker(request, dataset, workspace, results, advance, executor=executor)
    tracked = f"{len(missing)} tracked now ({frames} frames)" if missing else "all tracked before"
    click.echo(f"{folder.path}: {len(dataset.sequences)} sequences, {tracked}")


def run_on_regions(
    request: "RunRequest",
    dataset: "RegionDataset",
    experiment: "Experiment",
    workspace: Workspace,
    results: Path,
    executor: Executor | None = None,
) -> None:
    """Track what a run on boxes lacks."""
    from vostool.report.terminal import frame_progress
    from vostool.vot.running import regions_missing, run_regions

    missing = regions_missing(request, dataset, results)
    frames = sum(len(sequence) for sequence in missing)
    passes = experiment.repetitions if dataset.task == "supervised" else 1
    with frame_progress(request.tracker, frames * passes) as advance:
        folder = run_regions(
            request, dataset, experiment, workspace, results, advance, executor=executor
        )
    tracked = f"{len(missing)} tracked now ({frames} frames)" if missing else "all tracked before"
    click.echo(f"{folder.path}: {len(dataset.sequences)} sequences, {tracked}")


def run_missing(
    trackers: tuple[str, ...],
    dataset: "Clips[Any]",
    workspace: Workspace,
    results: Path,
    run: "Callable[[RunRequest, Any, Workspace, Path, Executor | None], None]" = run_one,
    workers: Workers = 1,
) -> tuple[list[str] | None, dict[str, str]]:
    """Run what the named trackers lack.

    Args:
        trackers: `NAME` or `NAME/CONFIG`, or `all`.
        dataset: what to track.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        run: how one of them is run.
        workers: processes, or an executor.

    Returns:
        The names of their runs, None if no tracker is named; and for those of 'all' that failed,
        run -> why.
    """
    from vostool.bench import runnable_trackers
    from vostool.jobs import RunRequest, default_name

    if not trackers:
        return None, {}
    processes, executor = (workers, None) if isinstance(workers, int) else (1, workers)
    everything = "all" in trackers
    failed = {}
    specs = runnable_trackers(workspace) if everything else list(trackers)
    for spec in specs:
        try:
            run(RunRequest(spec, workers=processes), dataset, workspace, results, executor)
        except VostoolError as error:
            if not everything:
                raise
            failed[default_name(spec)] = f"{spec}: {error}"  # one tracker does not stop the others
    if failed and len(failed) == len(specs):
        raise ResultError(" ".join(failed.values()))
    return [name for name in map(default_name, specs) if name not in failed], failed
