"""Running one tracker over one dataset: what is missing is tracked, what is there is kept."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips
from vostool.datasets.regions import RegionDataset
from vostool.errors import ResultError
from vostool.execution.distribute import Advance, Effort, describe, share_of
from vostool.execution.shard import track_shard
from vostool.execution.worker import Track
from vostool.runs.folder import Manifest, RunFolder
from vostool.runs.layouts import layout_of
from vostool.runs.resume import new_manifest, resumed
from vostool.runs.shards import done_in, gather
from vostool.tracking.job import RunRequest, prepare, run_name
from vostool.tracking.loop import track_sequence
from vostool.tracking.restarts import Experiment
from vostool.types import Clip
from vostool.workspace import Workspace


def run_regions(
    request: RunRequest,
    dataset: RegionDataset,
    experiment: Experiment,
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    *,
    executor: Executor | None = None,
) -> RunFolder:
    """Track every sequence of a dataset of boxes that the run folder lacks.

    Args:
        request: tracker, configuration and how to run it.
        dataset: what to track.
        experiment: how.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of frames as they are done.
        executor: shares out the sequences, see `runner.run_tracker`.

    Raises:
        VostoolError: see `runner.run_tracker`.
    """
    return run_tracker(
        request,
        dataset,
        workspace,
        results,
        advance,
        track=experiment.track,
        experiment=asdict(experiment),
        executor=executor,
    )


def regions_missing(request: RunRequest, dataset: RegionDataset, results: Path) -> tuple[Clip, ...]:
    """Return the sequences of the dataset that the run folder of a request lacks."""
    return missing_sequences(request, dataset, results)


__all__ = [
    "Advance",
    "describe",
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
    track: Track = track_sequence,
    experiment: Mapping[str, Any] | None = None,
    executor: Executor | None = None,
) -> RunFolder:
    """Track every sequence of the dataset that the run folder lacks.

    An executor needs no more than `submit` with the rules of `concurrent.futures`: its workers are
    given functions of vostool by name, plain values and paths. They must see the dataset, the
    results folder and the weights under the same paths, and have the same vostool, tracker and
    packages; each says so if it has not. Threads take turns, for trackers draw random numbers from
    generators of the process. What an executor may tell beside that is in `workers.Crew`; of one
    that tells nothing, `request.workers` says how many of its workers share a machine.

    Args:
        request: tracker, configuration and how to run it.
        dataset: what to track.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of frames as they are done: each one, or with several workers those of a
            whole sequence.
        track: tracks a sequence.
        experiment: what else decides the results, for the manifest.
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
    effort = Effort(job, track, request.workers, executor, request.batch, advance)
    name = run_name(request.tracker, request.name)
    folder = RunFolder(results / dataset.key / name, layout_of(dataset))
    fresh = new_manifest(job, dataset, folder.name, experiment)
    if request.shard is not None:
        track_shard(effort, folder, fresh, dataset, request.shard)
        return folder
    with opened_run(folder, fresh, dataset) as (manifest, todo):
        if todo:
            effort.track_into(folder, manifest, dataset, todo)
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


def missing_sequences(request: RunRequest, dataset: Clips[Any], results: Path) -> tuple[Clip, ...]:
    """Return the sequences, or those of a shard's share, that a run and all its shards lack."""
    name = run_name(request.tracker, request.name)
    folder = RunFolder(results / dataset.key / name, layout_of(dataset))
    done = done_in(folder)
    if request.shard is not None:
        return tuple(s for s in share_of(dataset.sequences, *request.shard) if s.name not in done)
    return tuple(sequence for sequence in dataset.sequences if sequence.name not in done)
