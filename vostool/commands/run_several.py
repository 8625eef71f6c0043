"""Running what several trackers lack before they are scored."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.commands.run_one import run_on_regions, run_one
from vostool.errors import ResultError, VostoolError
from vostool.execution.pools import Workers
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.datasets.clips import Clips
    from vostool.tracking.job import RunRequest
    from vostool.tracking.restarts import Experiment


def run_missing(
    trackers: tuple[str, ...],
    dataset: "Clips[Any]",
    workspace: Workspace,
    results: Path,
    experiment: "Experiment | None" = None,
    workers: Workers = 1,
) -> tuple[list[str] | None, dict[str, str]]:
    """Run what the named trackers lack; in one process they share decoded frames.

    Args:
        trackers: `NAME` or `NAME/CONFIG`, or `all`.
        dataset: what to track.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        experiment: how, on a dataset of boxes.
        workers: processes, or an executor.

    Returns:
        The names of their runs, None if no tracker is named; and for those of 'all' that failed,
        run -> why.

    Raises:
        VostoolError: a tracker that is named failed; the others were run nevertheless.
    """
    from vostool.tracking.job import RunRequest, default_name
    from vostool.tracking.plugins import load_tracker, runnable_trackers, split_spec

    if not trackers:
        return None, {}
    everything = "all" in trackers
    specs = runnable_trackers(workspace) if everything else list(dict.fromkeys(trackers))
    for spec in specs:
        load_tracker(split_spec(spec)[0], workspace)  # a name that is misspelt is told at once
    processes = workers if isinstance(workers, int) else 1
    requests = [RunRequest(spec, workers=processes) for spec in specs]
    if isinstance(workers, int) and workers == 1:
        errors = _in_turns(requests, dataset, workspace, results, experiment)
    else:
        executor = None if isinstance(workers, int) else workers
        errors = _in_line(requests, dataset, workspace, results, experiment, executor)
    failed = {spec: error for spec, error in zip(specs, errors, strict=True) if error is not None}
    if len(failed) == 1 and (not everything or len(specs) == 1):
        raise next(iter(failed.values()))
    if failed and (not everything or len(failed) == len(specs)):
        raise ResultError(" ".join(f"{spec}: {error}" for spec, error in failed.items()))
    names = [default_name(spec) for spec in specs if spec not in failed]
    return names, {default_name(spec): f"{spec}: {error}" for spec, error in failed.items()}


def _in_line(
    requests: "Sequence[RunRequest]",
    dataset: Any,
    workspace: Workspace,
    results: Path,
    experiment: "Experiment | None",
    executor: Any,
) -> list[VostoolError | None]:
    """Track one run after the other by several workers; returns why each failed."""
    errors: list[VostoolError | None] = []
    for request in requests:
        try:
            if experiment is None:
                run_one(request, dataset, workspace, results, executor)
            else:
                run_on_regions(request, dataset, experiment, workspace, results, executor)
            errors.append(None)
        except VostoolError as error:
            errors.append(error)
    return errors


def _in_turns(
    requests: "Sequence[RunRequest]",
    dataset: Any,
    workspace: Workspace,
    results: Path,
    experiment: "Experiment | None",
) -> list[VostoolError | None]:
    """Track all runs in turns in this process; returns why each failed."""
    from vostool.execution.interleave import run_regions_together, run_together
    from vostool.report.terminal.console import frame_progress

    title = requests[0].tracker if len(requests) == 1 else f"{len(requests)} trackers"
    with frame_progress(title, _frames(requests, dataset, results, experiment)) as advance:
        where = (workspace, results, advance)
        if experiment is None:
            turns = run_together(requests, dataset, *where)
        else:
            turns = run_regions_together(requests, dataset, experiment, *where)
    for turn in turns:
        if turn.error is None and turn.folder is not None:
            tracked = "all tracked before"
            if turn.sequences:
                tracked = f"{turn.sequences} tracked now ({turn.frames} frames)"
            click.echo(f"{turn.folder.path}: {len(dataset.sequences)} sequences, {tracked}")
    return [turn.error for turn in turns]


def _frames(
    requests: "Sequence[RunRequest]",
    dataset: Any,
    results: Path,
    experiment: "Experiment | None",
) -> int:
    """Return how many frames there are to track, for the bar."""
    from vostool.execution.run import missing_sequences

    passes = 1
    if experiment is not None and dataset.task == "supervised":
        passes = experiment.repetitions
    frames = 0
    for request in requests:
        try:
            missing = missing_sequences(request, dataset, results)
        except VostoolError:
            continue  # the run will say what is wrong
        frames += passes * sum(len(sequence) for sequence in missing)
    return frames
