"""Running what several trackers lack before they are scored."""

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.errors import ResultError, VostoolError
from vostool.execution.pools import Workers
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.datasets.clips import Clips
    from vostool.tracking.job import RunRequest


def run_missing(
    trackers: tuple[str, ...],
    dataset: "Clips[Any]",
    workspace: Workspace,
    results: Path,
    workers: Workers = 1,
) -> tuple[list[str] | None, dict[str, str]]:
    """Run what the named trackers lack, one after the other.

    Args:
        trackers: `NAME` or `NAME/CONFIG`, or `all`.
        dataset: what to track.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
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
    executor = None if isinstance(workers, int) else workers
    errors = _run_each(requests, dataset, workspace, results, executor)
    failed = {spec: error for spec, error in zip(specs, errors, strict=True) if error is not None}
    if len(failed) == 1 and (not everything or len(specs) == 1):
        raise next(iter(failed.values()))
    if failed and (not everything or len(failed) == len(specs)):
        raise ResultError(" ".join(f"{spec}: {error}" for spec, error in failed.items()))
    names = [default_name(spec) for spec in specs if spec not in failed]
    return names, {default_name(spec): f"{spec}: {error}" for spec, error in failed.items()}


def _run_each(
    requests: "Sequence[RunRequest]",
    dataset: "Clips[Any]",
    workspace: Workspace,
    results: Path,
    executor: Executor | None,
) -> list[VostoolError | None]:
    """Run one after the other; returns why each failed."""
    from vostool.execution.several import run_several
    from vostool.report.terminal.console import frame_progress

    title = requests[0].tracker if len(requests) == 1 else f"{len(requests)} trackers"
    where = (dataset, workspace, results)
    with frame_progress(title, _frames(requests, dataset, results)) as advance:
        outcomes = list(run_several(requests, *where, advance, executor=executor))
    for each in outcomes:
        if each.folder is not None:
            tracked = "all tracked before"
            if each.sequences:
                tracked = f"{each.sequences} tracked now ({each.frames} frames)"
            click.echo(f"{each.folder.path}: {len(dataset.sequences)} sequences, {tracked}")
    return [each.error for each in outcomes]


def _frames(requests: "Sequence[RunRequest]", dataset: "Clips[Any]", results: Path) -> int:
    """Return how many frames there are to track, for the bar."""
    from vostool.execution.run import missing_sequences

    frames = 0
    for request in requests:
        with suppress(VostoolError):  # the run will say what is wrong
            missing = missing_sequences(request, dataset, results)
            frames += sum(len(sequence) for sequence in missing)
    return frames
