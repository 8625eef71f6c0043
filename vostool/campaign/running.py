"""Running what a plan says is missing, and scoring it: a run that fails stops no other."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from vostool.campaign.plan import Planned, protocols_of, rules_of
from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import protocol_named
from vostool.datasets.regions import RegionDataset
from vostool.execution.frame_cache import SharedFrames
from vostool.execution.interleave import failure_of, run_regions_together, run_together
from vostool.execution.pools import Workers
from vostool.execution.run import Advance, run_regions, run_tracker
from vostool.scoring.batch import evaluate_runs
from vostool.scoring.box_evaluate import evaluate_region_runs
from vostool.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run of the plan.

    Args:
        planned: what was planned.
        frames: that were tracked now.
        seconds: that took, with building the tracker.
        error: why it failed, empty if it did not.
        summaries: a row of scores for every protocol.
    """

    planned: Planned
    frames: int = 0
    seconds: float = 0.0
    error: str = ""
    summaries: tuple[pd.DataFrame, ...] = ()

    @property
    def expected(self) -> float | None:
        """Return the seconds that the plan predicted, None if it could not or it failed."""
        return None if self.error else self.planned.cost.seconds


@dataclass(frozen=True, slots=True)
class Means:
    """With what a campaign tracks.

    Args:
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        frames: what the trackers of a dataset share, where they run in this process.
        workers: processes of this machine, or an executor that shares out sequences.
        advance: told of frames as they are done.
    """

    workspace: Workspace
    results: Path
    frames: SharedFrames
    workers: Workers = 1
    advance: Advance = lambda frames, sequence: None


def track_missing(planned: Sequence[Planned], means: Means) -> Iterator[Outcome]:
    """Track what is missing, dataset by dataset; yields every run, also what needed nothing.

    In one process the trackers of a dataset take turns and share its frames; otherwise one run
    follows the other.

    Args:
        planned: in the order of the plan, in which the runs of a dataset follow each other.
        means: with what.

    Raises:
        OSError: a disk is full.
    """
    shared = isinstance(means.workers, int) and means.workers == 1
    for _, group in groupby(planned, key=lambda each: each.cell.dataset):
        runs = list(group)
        missing = [each for each in runs if each.missing]
        tracked = iter(_together(missing, means)) if shared else _in_line(missing, means)
        for each in runs:
            yield next(tracked) if each.missing else Outcome(each, error=each.why)


def _together(planned: Sequence[Planned], means: Means) -> list[Outcome]:
    """Track runs of one dataset in turns."""
    if not planned:
        return []
    cell, dataset = planned[0].cell, planned[0].dataset
    requests = [each.cell.request for each in planned]
    where = (means.workspace, means.results, means.advance)
    if isinstance(dataset, RegionDataset):
        turns = run_regions_together(
            requests, dataset, cell.experiment, *where, frames=means.frames
        )
    else:
        assert dataset is not None
        turns = run_together(requests, dataset, *where, frames=means.frames)
    return [
        Outcome(each, turn.frames, turn.seconds, "" if turn.error is None else str(turn.error))
        for each, turn in zip(planned, turns, strict=True)
    ]


def _in_line(planned: Sequence[Planned], means: Means) -> Iterator[Outcome]:
    """Track one run after the other, by several workers."""
    for each in planned:
        yield _alone(each, means)


def processes_and_executor(workers: Workers) -> tuple[int, Executor | None]:
    """Return what `run_tracker` wants: processes to start, or an executor."""
    return (workers, None) if isinstance(workers, int) else (1, workers)


def _alone(planned: Planned, means: Means) -> Outcome:
    cell, dataset = planned.cell, planned.dataset
    processes, executor = processes_and_executor(means.workers)
    request = replace(cell.request, workers=processes)
    where = (means.workspace, means.results, means.advance)
    start = time.perf_counter()
    error = ""
    try:
        if isinstance(dataset, RegionDataset):
            run_regions(request, dataset, cell.experiment, *where, executor=executor)
        else:
            assert isinstance(dataset, Dataset)
            run_tracker(request, dataset, *where, executor=executor)
    except Exception as problem:
        error = str(failure_of(problem))
    frames = 0 if error else sum(len(sequence) for sequence in planned.missing)
    return Outcome(planned, frames, time.perf_counter() - start, error)


def scored(outcome: Outcome, results: Path, workers: Workers = 1) -> Outcome:
    """Score a run that is complete by every protocol of its dataset.

    Returns:
        The outcome with its scores, and with why it could not be scored.
    """
    planned, dataset = outcome.planned, outcome.planned.dataset
    if outcome.error or dataset is None:
        return outcome
    row, name = planned.cell.dataset, [planned.cell.run]
    subset = bool(row.sequences)
    tables: list[pd.DataFrame] = []
    errors = []
    for protocol in protocols_of(row, dataset):
        try:
            if isinstance(dataset, RegionDataset):
                rules = rules_of(row, protocol, workers)
                done: Any = evaluate_region_runs(
                    dataset, rules, results, None, names=name, subset=subset
                )
            else:
                assert isinstance(dataset, Dataset)
                named = protocol_named(protocol)
                done = evaluate_runs(
                    dataset, named, results, None, workers, names=name, subset=subset
                )
        except Exception as error:
            errors.append(f"protocol {protocol}: {failure_of(error)}")
            continue
        tables += [scores.summary for scores in done.scores]
    return replace(outcome, error=" ".join(errors), summaries=tuple(tables))
