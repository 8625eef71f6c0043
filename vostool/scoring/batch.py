"""Evaluating many runs at once, and where their tables go."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips
from vostool.errors import ResultError, VostoolError
from vostool.io.storage import create, read_text, require_writable, resolved
from vostool.runs.folder import RunFolder, runs_in
from vostool.runs.layouts import layout_of
from vostool.runs.shards import gather_all
from vostool.scoring.cache import ScoreCache
from vostool.scoring.evaluate import name_of, run_columns, score_folder
from vostool.scoring.kinds import scorer_of
from vostool.scoring.scorer import Scorer, ScoringOptions
from vostool.scoring.tables import Scores, combined_summary, write_csv

MASKS_FILE = "masks.txt"  # beside the scores of masks that are no run: where the masks are


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation of several runs gave.

    Args:
        scores: one per run.
        left_out: run name -> why it could not be scored.
        folder: where the tables are.
        partial: several runs were scored, but not all or on chosen sequences; the folder is of
            whole runs.
    """

    scores: list[Scores]
    left_out: dict[str, str]
    folder: Path
    partial: bool = False


def evaluate_runs(
    dataset: Clips[Any],
    options: ScoringOptions,
    results: Path,
    out: Path | None,
    *,
    names: Iterable[str] | None = None,
    subset: bool = False,
) -> Evaluated:
    """Score the runs of a dataset and write their tables.

    Without `out` a run's tables go into its own folder, `scores/<protocol>/`, and the summary of
    all into the dataset's folder. With it they go there: those of a single run directly, those of
    several into a folder each, with the summary of all beside them.

    Args:
        dataset: what to score.
        options: how.
        results: folder of run folders, by dataset.
        out: folder for the tables.
        names: only these runs.
        subset: the dataset is only a part that the user chose; the run's own scores stay.

    Raises:
        ResultError: there is no run, or none that can be scored.
    """
    scorer = scorer_of(dataset, options)
    require_writable(out or results)
    runs = _runs(dataset, results / dataset.key, names)
    scored: list[tuple[RunFolder, Scores]] = []
    left_out: dict[str, str] = {}
    for run in runs:
        try:
            with _cache(run.path / "scores", scorer).emptied_if_refused() as cache:
                scored.append((run, scorer.score(run.masks, run_columns(run, scorer), cache)))
        except VostoolError as error:
            left_out[run.name] = str(error)
    if not scored:
        raise ResultError(" ".join(left_out.values()))
    folders = _write(scored, scorer, out, subset, alone=len(runs) == 1)
    # The dataset's own summary is of all runs and all sequences, or it would mislead.
    everything = names is None and not subset
    if len(runs) > 1 and (out is not None or everything):
        summary = combined_summary(scores for _, scores in scored)
        write_csv(summary, (out or results / dataset.key) / scorer.summary_file)
    where = folders[0] if len(scored) == 1 else out or results / dataset.key
    partial = out is None and len(scored) > 1 and not everything
    return Evaluated([scores for _, scores in scored], left_out, where, partial)


def _write(
    scored: list[tuple[RunFolder, Scores]],
    scorer: Scorer,
    out: Path | None,
    subset: bool,
    alone: bool,
) -> list[Path]:
    """Write the tables of runs; returns the folder of each."""
    folders = []
    for run, scores in scored:
        folder = run.path / "scores" / scorer.folder(subset)
        if out is not None:
            folder = out if alone else out / run.name
        scores.write(folder)
        folders.append(folder)
    return folders


def _runs(dataset: Clips[Any], folder: Path, names: Iterable[str] | None) -> list[RunFolder]:
    """Return the runs of a dataset, their shards gathered.

    Raises:
        ResultError: there is none.
    """
    layout = layout_of(dataset)
    gather_all(folder, layout)
    wanted = None if names is None else set(names)
    found = [RunFolder(run.path, layout) for run in runs_in(folder)]
    runs = [run for run in found if wanted is None or run.name in wanted]
    if not runs:
        raise ResultError(
            f"There are no runs in {folder}. Make one with `vostool run copy_first "
            f"--dataset {dataset.name}`, or score any folder of results with --masks."
        )
    return runs


def evaluate_folder(
    masks: Path,
    dataset: Clips[Any],
    options: ScoringOptions,
    results: Path,
    out: Path | None,
    *,
    subset: bool = False,
) -> Evaluated:
    """Score any folder of results and write its tables; if that is refused, nothing is written.

    Without `out` they go into the results folder, `<dataset>/scores/<name of the folder>/
    <protocol>/`; those of a run folder into the run.
    """
    scorer = scorer_of(dataset, options)
    own = masks / "scores" if RunFolder(masks).exists() else None
    require_writable(out or own or results)
    home = own or out or home_of(masks, results / dataset.key)
    cached = _cache(home, scorer).emptied_if_refused()
    with scorer.readable(masks, results) as found, cached as cache:
        scores = score_folder(scorer, found.path, cache, name_of(masks) if out else home.name)
        if not (own or out):
            _claim(home, masks)
    scores = replace(scores, notes=(*found.notes, *scores.notes))
    folder = out or home / scorer.folder(subset)
    scores.write(folder)
    return Evaluated([scores], {}, folder)


def home_of(masks: Path, runs: Path) -> Path:
    """Return the folder for the scores of a folder of masks, which bears its name.

    A folder of that name that is another's is passed over for one that is told from it. Nothing is
    written.
    """
    path, name = resolved(masks), name_of(masks)
    home = runs / "scores" / name
    if _owner(home) in (None, str(path)):
        return home
    return home.with_name(f"{name}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}")


def _owner(home: Path) -> str | None:
    """Return the folder of masks whose scores are in a folder; None if it is nobody's."""
    try:
        return read_text(home / MASKS_FILE).strip()
    except FileNotFoundError:
        return None


def _claim(home: Path, masks: Path) -> None:
    """Say whose scores are in a folder.

    Raises:
        ResultError: another folder of masks of that name was scored meanwhile.
    """
    path = str(resolved(masks))
    create(home / MASKS_FILE, f"{path}\n".encode())
    if _owner(home) != path:
        raise ResultError(
            f"{home} has become the folder for the scores of {_owner(home)} meanwhile. Score "
            f"{masks} again."
        )


def _cache(scores: Path, scorer: Scorer) -> ScoreCache:
    return ScoreCache(scores / ".cache", fresh=scorer.options.fresh)
