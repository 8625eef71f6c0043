"""Running one tracker over one dataset: what is missing is tracked, what is there is kept."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips
from vostool.errors import ResultError
from vostool.execution.distribute import Advance, TrackingContext, share_of
from vostool.execution.shard import track_shard
from vostool.runs.folder import Manifest, RunFolder
from vostool.runs.layouts import layout_of
from vostool.runs.resume import new_manifest, resumed
from vostool.runs.shards import done_in, gather
from vostool.tracking.experiments import Experiment, experiment_of
from vostool.tracking.job import RunRequest, prepare, run_name
from vostool.types import Clip
from vostool.workspace import Workspace

__all__ = [
    "Advance",
    "folder_of",
    "missing_sequences",
    "new_manifest",
    "opened_run",
    "resumed",
    "run_tracker",
]


def run_tracker(
    request: RunRequest,
    dataset: Clips[Any],
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    *,
    experiment: Experiment | None = None,
    executor: Executor | None = None,
) -> RunFolder:
    """Track every sequence of the dataset that the run folder lacks.

    An executor needs no more than `submit` with the rules of `concurrent.futures`: its workers are
    given functions of vostool by name, plain values and paths. They must see the dataset, the
    results folder and the weights under the same paths, and have the same vostool, tracker and
    packages; each says so if it has not. Threads take turns, for trackers draw random numbers from
    generators of the process. What an executor may tell beside that is in `pools.Crew`; of one
    that tells nothing, `request.workers` says how many of its workers share a machine.

    Args:
        request: tracker, configuration and how to run it.
        dataset: what to track.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of frames as they are done: each one, or with several workers those of a
            whole sequence.
        experiment: how the tracker is run; as usual for the dataset if None.
        executor: shares out the sequences, the longest first; it is left open. Otherwise they are
            tracked in this process, or in as many of this machine as `request.workers` says.

    Returns:
        The run folder, holding all sequences of the dataset; of a shard, if it was the last.

    Raises:
        ResultError: the folder holds another run, or another process is writing it.
        WeightsError: the tracker needs weights, or the file is not there.
        ResourceError: a worker died, or a cluster is gone; what is finished is kept.
        VostoolError: as raised by the dataset and the tracker.
    """
    job = prepare(request, workspace, cuda=getattr(executor, "cuda", None))
    experiment = experiment or experiment_of(dataset)
    context = TrackingContext(
        job, experiment.track, request.workers, executor, request.batch, advance
    )
    folder = folder_of(request, dataset, results)
    fresh = new_manifest(job, dataset, folder.name, experiment.recorded())
    if request.shard is not None:
        track_shard(context, folder, fresh, dataset, request.shard)
        return folder
    with opened_run(folder, fresh, dataset) as (manifest, todo):
        if todo:
            for finished in context.track(folder, manifest, dataset, todo):
                folder.commit_all(manifest, finished)
        else:
            folder.begin(manifest)
    return folder


@contextmanager
def opened_run(
    folder: RunFolder, fresh: Manifest, dataset: Clips[Any]
) -> Iterator[tuple[Manifest, list[Clip]]]:
    """Lock a run folder, tidied, and yield its manifest and the sequences it lacks.

    Hidden folders that are left in the end are removed, whatever ends it.

    Args:
        folder: of the run.
        fresh: manifest of a run that begins now; it is used if there is none to go on with.
        dataset: what is to be tracked.

    Raises:
        ResultError: the folder holds another run, or another process is writing it.
    """
    with folder.locked():
        if not folder.is_begun() and folder.has_masks():
            raise ResultError(
                f"{folder.path} holds masks but no run.json that tells whose they are. Remove that "
                "folder, or choose another name with --name."
            )
        gather(folder)
        manifest = resumed(folder, fresh, dataset)
        folder.tidy(manifest)
        todo = [each for each in dataset.sequences if each.name not in manifest.sequences]
        try:
            yield manifest, todo
            folder.settle()
        finally:
            folder.discard_partials()


def folder_of(request: RunRequest, dataset: Clips[Any], results: Path) -> RunFolder:
    """Return the run folder of a request."""
    name = run_name(request.tracker, request.name)
    return RunFolder(results / dataset.key / name, layout_of(dataset))


def missing_sequences(request: RunRequest, dataset: Clips[Any], results: Path) -> tuple[Clip, ...]:
    """Return the sequences, or those of a shard's share, that a run and all its shards lack."""
    done = done_in(folder_of(request, dataset, results))
    if request.shard is not None:
        return tuple(s for s in share_of(dataset.sequences, *request.shard) if s.name not in done)
    return tuple(sequence for sequence in dataset.sequences if sequence.name not in done)
