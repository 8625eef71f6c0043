"""Running what a plan says is missing, and scoring it: a run that fails stops no other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from vostool.campaign.plan import Planned, experiment_of_cell, scorers_of
from vostool.execution.pools import Workers
from vostool.execution.run import Advance
from vostool.execution.several import failure_of, run_several
from vostool.scoring.batch import evaluate_runs
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
class CampaignContext:
    """What the runs of a campaign share.

    Args:
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        workers: processes of this machine, or an executor that shares out sequences.
        advance: told of frames as they are done.
    """

    workspace: Workspace
    results: Path
    workers: Workers = 1
    advance: Advance = lambda frames, sequence: None


def track_missing(planned: Sequence[Planned], context: CampaignContext) -> Iterator[Outcome]:
    """Track what is missing, one run after the other; yields every run, also what needed nothing.

    Args:
        planned: in the order of the plan.
        context: of the campaign.

    Raises:
        OSError: a disk is full.
    """
    for each in planned:
        yield _tracked(each, context) if each.missing else Outcome(each, error=each.why)


def _tracked(planned: Planned, context: CampaignContext) -> Outcome:
    assert planned.dataset is not None
    workers = context.workers
    processes, executor = (workers, None) if isinstance(workers, int) else (1, workers)
    (run,) = run_several(
        [replace(planned.cell.request, workers=processes)],
        planned.dataset,
        context.workspace,
        context.results,
        context.advance,
        experiment=experiment_of_cell(planned.cell, planned.dataset),
        executor=executor,
    )
    return Outcome(planned, run.frames, run.seconds, "" if run.error is None else str(run.error))


def scored(outcome: Outcome, results: Path, workers: Workers = 1) -> Outcome:
    """Score a run that is complete by every protocol of its dataset.

    Returns:
        The outcome with its scores, and with why it could not be scored.
    """
    planned, dataset = outcome.planned, outcome.planned.dataset
    if outcome.error or dataset is None:
        return outcome
    row, name = planned.cell.dataset, [planned.cell.run]
    tables: list[pd.DataFrame] = []
    errors = []
    for scorer in scorers_of(row, dataset, workers):
        try:
            subset = bool(row.sequences)
            done = evaluate_runs(dataset, scorer.options, results, None, names=name, subset=subset)
        except Exception as error:
            errors.append(f"protocol {scorer.protocol}: {failure_of(error)}")
            continue
        tables += [scores.summary for scores in done.scores]
    return replace(outcome, error=" ".join(errors), summaries=tuple(tables))
