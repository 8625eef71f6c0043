"""Evaluating many runs at once, and where their tables go."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import Protocol
from vostool.errors import ResultError, VostoolError
from vostool.execution.pools import Workers
from vostool.io.storage import create, read_text, require_writable, resolved
from vostool.runs.folder import RunFolder, runs_in
from vostool.runs.shards import gather_all
from vostool.scoring.cache import ScoreCache
from vostool.scoring.evaluate import combined_summary, evaluate_masks, evaluate_run
from vostool.scoring.stability import check_stability
from vostool.scoring.tables import Scores, write_csv

_FILES = {".zip", ".json", ".npz", ".npy"}  # of masks; their names without it
MASKS_FILE = "masks.txt"  # beside the scores of masks that are no run: where the masks are


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
    workers: Workers,
    *,
    names: Iterable[str] | None = None,
    subset: bool = False,
    fresh: bool = False,
    allow_trivial: bool = False,
    stability: bool = False,
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
        workers: processes, or an executor.
        names: only these runs.
        subset: the dataset is only a part that the user chose; the run's own scores stay.
        fresh: compute all scores, whatever was kept of earlier evaluations.
        allow_trivial: also score runs whose scores are all 0 or all 1.
        stability: also score temporal stability.

    Raises:
        ResultError: there is no run, or none that can be scored.
    """
    protocol = protocol or dataset.protocol
    if stability:
        check_stability(dataset, protocol)
    require_writable(out or results)
    gather_all(results / dataset.key)
    runs = runs_in(results / dataset.key)
    if names is not None:
        wanted = set(names)
        runs = [run for run in runs if run.name in wanted]
    if not runs:
        raise ResultError(
            f"There are no runs in {results / dataset.key}. Make one with `vostool run copy_first "
            f"--dataset {dataset.name}`, or score any folder of masks with --masks."
        )
    how: Any = {"allow_trivial": allow_trivial, "stability": stability}
    scored, left_out = _each_scored(runs, dataset, protocol, workers, fresh, how)
    folders = []
    for run, scores in scored:
        folder = run.path / "scores" / _leaf(protocol, subset)
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


def _each_scored(
    runs: list[RunFolder],
    dataset: Dataset,
    protocol: Protocol,
    workers: Workers,
    fresh: bool,
    how: dict[str, Any],
) -> tuple[list[tuple[RunFolder, Scores]], dict[str, str]]:
    """Score runs one after the other; returns the scores, and why others could not be scored.

    Raises:
        ResultError: none could be scored.
    """
    scored: list[tuple[RunFolder, Scores]] = []
    left_out: dict[str, str] = {}
    for run in runs:
        cache = _cache(run.path / "scores", fresh)
        try:
            scores = evaluate_run(run, dataset, protocol, workers, cache=cache, **how)
            scored.append((run, scores))
        except VostoolError as error:
            left_out[run.name] = str(error)
    if not scored:
        raise ResultError(" ".join(left_out.values()))
    return scored, left_out


def evaluate_folder(
    masks: Path,
    dataset: Dataset,
    protocol: Protocol | None,
    results: Path,
    out: Path | None,
    workers: Workers,
    *,
    subset: bool = False,
    fresh: bool = False,
    allow_trivial: bool = False,
    stability: bool = False,
    source: Path | None = None,
    notes: Iterable[str] = (),
) -> Evaluated:
    """Score any folder of masks and write its tables.

    Without `out` they go into the results folder, `<dataset>/scores/<name of the folder>/
    <protocol>/`; those of a run folder into the run. Masks that were made of another folder or file
    bear the name of that `source`, and `notes` say how.
    """
    protocol = protocol or dataset.protocol
    if stability:
        check_stability(dataset, protocol)
    run = RunFolder(masks)
    own = run.path / "scores" if run.exists() else None
    require_writable(out or own or results)
    source = source or masks
    home = own or out or home_of(source, results / dataset.key)
    how: Any = {
        "cache": _cache(home, fresh),
        "allow_trivial": allow_trivial,
        "stability": stability,
    }
    if run.exists():
        scores = evaluate_run(run, dataset, protocol, workers, **how)
    else:
        name = name_of(source) if out else home.name
        scores = evaluate_masks(masks, dataset, protocol, workers, name=name, **how)
    scores = replace(scores, notes=(*notes, *scores.notes))
    folder = out or home / _leaf(protocol, subset)
    scores.write(folder)
    return Evaluated([scores], {}, folder)


def home_of(masks: Path, runs: Path) -> Path:
    """Return the folder for the scores of a folder of masks, which bears its name.

    It says at once whose it is: another folder of that name gets one that is told from it.
    """
    path, name = resolved(masks), name_of(masks)
    own_name = f"{name}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"
    for home in (runs / "scores" / name, runs / "scores" / own_name):
        create(home / MASKS_FILE, f"{path}\n".encode())
        if read_text(home / MASKS_FILE).strip() == str(path):
            break
    return home


def name_of(masks: Path) -> str:
    path = resolved(masks)
    if path.suffix.lower() in _FILES and path.is_file():
        return path.stem
    return path.parent.name if path.name == "masks" else path.name


def _leaf(protocol: Protocol, subset: bool) -> str:
    """Return the name of the folder of tables: those of a part never replace those of a whole."""
    return f"{protocol.name}.subset" if subset else protocol.name


def _cache(scores: Path, fresh: bool) -> ScoreCache:
    return ScoreCache(scores / ".cache", fresh=fresh)
