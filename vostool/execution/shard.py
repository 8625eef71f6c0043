"""Shards: processes that know nothing of each other and track shares of one run at the same time.

Each process writes a folder of its own, `<run>/.shards/<i>-of-<n>.<unique>/`, see `shard_folders`,
so nothing depends on locks; what others have finished is seen in theirs. The one that finds nothing
missing in the end gathers them into the run, or else the next `vostool run` or `vostool eval` that
finds nobody at work, see `gathering`.
"""

import uuid
from dataclasses import replace
from typing import Any

from vostool.datasets.clips import Clips
from vostool.environment import versions
from vostool.errors import ResultError, UsageError
from vostool.execution.distribute import TrackingContext, share_of
from vostool.io.storage import is_remote
from vostool.runs.folder import Manifest, RunFolder
from vostool.runs.resume import resumed
from vostool.runs.shards import FOLDER, Shard, alive, done_in, gather_if_idle, recorded, shards_of


def track_shard(
    context: TrackingContext,
    folder: RunFolder,
    fresh: Manifest,
    dataset: Clips[Any],
    shard: tuple[int, int],
) -> None:
    """Track what is missing of a shard's share, and gather all shards if that was the last.

    Args:
        context: of the run.
        folder: of the run.
        fresh: manifest of a run that begins now.
        dataset: all sequences of the run.
        shard: `(i, n)`, i counted from 1.

    Raises:
        ResultError: the run or another shard of it is of something else, or a process is at work on
            this very shard.
        UsageError: the results are on an object store.
    """
    if is_remote(folder.path):
        raise UsageError(
            f"Shards need a disk that they share, and {folder.path} is an object store. Leave "
            "--shard away; --scheduler shares out the sequences."
        )
    resumed(folder, fresh, dataset)
    others = shards_of(folder)
    _check_alike(folder, fresh, others, context)
    name = f"{shard[0]}-of-{shard[1]}"
    for other in others:
        if other.run.name.startswith(f"{name}.") and other.at_work():
            raise ResultError(
                f"Shard {other.number} of {folder.path} is being tracked by process "
                f"{other.process} of {other.host}. If that was killed, start again in a minute."
            )
    done = done_in(folder)
    todo = [each for each in share_of(dataset.sequences, *shard) if each.name not in done]
    if todo:
        own = RunFolder(folder.path / FOLDER / f"{name}.{uuid.uuid4().hex[:12]}", folder.layout)
        with alive(own.path):
            try:
                manifest = replace(fresh, sequences={})
                for finished in context.track(own, manifest, dataset, todo):
                    own.commit_all(manifest, finished)
            finally:
                own.discard_partials()
    if {each.name for each in dataset.sequences} <= done_in(folder):
        gather_if_idle(folder)


def _check_alike(
    folder: RunFolder, fresh: Manifest, others: list[Shard], context: TrackingContext
) -> None:
    """Raise ResultError if another shard is of another run or has other versions of packages."""
    mine = versions(context.job.packages)
    for other in others:
        theirs = recorded(other.run)
        if theirs is None or not theirs.sequences:
            continue
        differences = theirs.differences(fresh)
        differences += [
            f"version of {name} ({theirs.versions[name]} -> {version})"
            for name, version in mine.items()
            if theirs.versions.get(name, version) != version
        ]
        if differences:
            raise ResultError(
                f"Shard {other.number} of {folder.path} is of another run; what differs: "
                f"{', '.join(differences)}. Give all shards the same, choose another name with "
                f"--name, or remove {folder.path / FOLDER}."
            )
