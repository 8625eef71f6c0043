"""Evaluating many runs at once, and where their tables go."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vostool.datasets.dataset import Dataset
from vostool.errors import ResultError, VostoolError
from vostool.evaluation import combined_summary, evaluate_masks, evaluate_run
from vostool.plugins import load_tracker, tracker_names
from vostool.protocol import Protocol
from vostool.results import RunFolder, runs_in
from vostool.tables import Scores, write_csv
from vostool.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation of several runs gave.

    Args:
        scores: one per run.
        left_out: run name -> why it could not be scored.
        folder: where the tables are.
    """

    scores: list[Scores]
    left_out: dict[str, str]
    folder: Path


def evaluate_runs(
    dataset: Dataset,
    protocol: Protocol | None,
    results: Path,
    out: Path | None,
    workers: int,
    *,
    names: Iterable[str] | None = None,
    subset: bool = False,
) -> Evaluated:
    """Score the runs of a dataset and write their tables.

    Without `out` a run's tables go into its own folder, `scores/<protocol>/`, and the summary of
    all into the dataset's folder. With it they go there: those of a single run directly, those of
    several into a folder each, with `summary.csv` beside them.

    Args:
        dataset: what to score.
        protocol: the dataset's own if None.
        results: folder of run folders, by dataset.
        out: folder for the tables.
        workers: processes.
        names: only these runs.
        subset: the dataset is only a part that the user chose; the run's own scores stay.

    Raises:
        ResultError: there is no run, or none that can be scored.
    """
    protocol = protocol or dataset.protocol
    runs = runs_in(results / dataset.key)
    if names is not None:
        wanted = set(names)
        runs = [run for run in runs if run.name in wanted]
    if not runs:
        raise ResultError(
            f"There are no runs in {results / dataset.key}. Make one with `vostool run copy_first "
            f"--dataset {dataset.name}`, or score any folder of masks with --masks."
        )
    scored: list[tuple[RunFolder, Scores]] = []
    left_out: dict[str, str] = {}
    for run in runs:
        try:
            scored.append((run, evaluate_run(run, dataset, protocol, workers)))
        except VostoolError as error:
            left_out[run.name] = str(error)
    if not scored:
        raise ResultError(" ".join(left_out.values()))
    leaf = f"{protocol.name}.subset" if subset else protocol.name
    folders = []
    for run, scores in scored:
        folder = run.path / "scores" / leaf
        if out is not None:
            folder = out if len(runs) == 1 else out / run.name
        scores.write(folder)
        folders.append(folder)
    # The dataset's own summary is of all runs and all sequences, or it would mislead.
    everything = names is None and not subset
    if len(runs) > 1 and (out is not None or everything):
        write_csv(
            combined_summary(scores for _, scores in scored),
            (out or results / dataset.key) / "summary.csv",
        )
    where = folders[0] if len(scored) == 1 else out or results / dataset.key
    return Evaluated([scores for _, scores in scored], left_out, where)


def evaluate_folder(
    masks: Path,
    dataset: Dataset,
    protocol: Protocol | None,
    results: Path,
    out: Path | None,
    workers: int,
) -> Evaluated:
    """Score any folder of masks and write its tables, by default below the results folder."""
    scores = evaluate_masks(masks, dataset, protocol or dataset.protocol, workers)
    folder = out or results / dataset.key / "scores" / masks.resolve().name
    scores.write(folder)
    return Evaluated([scores], {}, folder)


def runnable_trackers(workspace: Workspace) -> list[str]:
    """Return the trackers that can run as they are: importable, and without weights to give."""
    runnable = []
    for name in tracker_names(workspace):
        try:
            plugin = load_tracker(name, workspace)
        except VostoolError:
            continue
        if plugin.cls.weights != "required":
            runnable.append(name)
    return runnable
