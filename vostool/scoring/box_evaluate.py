"""Evaluating many runs on boxes at once, and where their tables go."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vostool.datasets.regions import RegionDataset
from vostool.errors import ResultError, UsageError, VostoolError
from vostool.execution.pools import Workers
from vostool.io.listing import is_folder
from vostool.io.storage import require_writable
from vostool.runs.folder import RunFolder, runs_in
from vostool.runs.layouts import layout_of
from vostool.runs.shards import gather_all
from vostool.scoring.batch import home_of, name_of
from vostool.scoring.box_protocols import vot_protocol
from vostool.scoring.box_tables import SUMMARY, RegionScores
from vostool.scoring.evaluate import run_speed
from vostool.scoring.otb import PROTOCOL, evaluate_unsupervised
from vostool.scoring.tables import write_csv
from vostool.scoring.vot import evaluate_supervised


@dataclass(frozen=True, slots=True)
class Rules:
    """How results on boxes are scored.

    Args:
        protocol: of VOT, that of the published numbers if None; OTB has one only.
        exact: regions overlap by area instead of by pixels.
        interval: lengths over which the expected overlap is averaged; the dataset's if None.
        workers: processes, or an executor, that score VOT.
    """

    protocol: str | None = None
    exact: bool = False
    interval: tuple[int, int] | None = None
    workers: Workers = 1

    def check(self, dataset: RegionDataset) -> None:
        """Refuse rules that the dataset's experiment does not have.

        Raises:
            UsageError: they do not fit.
        """
        if dataset.task == "supervised":
            vot_protocol(self.protocol)
        elif self.protocol not in (None, PROTOCOL) or self.exact or self.interval:
            raise UsageError(
                f"{dataset.name} is tracked without restarts: its protocol is '{PROTOCOL}', whose "
                "boxes overlap by area, and there is no interval."
            )

    def leaf(self, dataset: RegionDataset, subset: bool) -> str:
        """Return the name of the folder of tables."""
        name = PROTOCOL
        if dataset.task == "supervised":
            name = vot_protocol(self.protocol).name + (".exact" if self.exact else "")
        return f"{name}.subset" if subset else name


@dataclass(frozen=True, slots=True)
class RegionsEvaluated:
    """What an evaluation of several runs gave.

    Args:
        scores: one per run.
        left_out: run name -> why it could not be scored.
        folder: where the tables are.
        partial: several runs were scored on chosen sequences; the folder is of whole runs.
    """

    scores: list[RegionScores]
    left_out: dict[str, str]
    folder: Path
    partial: bool = False


def evaluate_region_runs(
    dataset: RegionDataset,
    rules: Rules,
    results: Path,
    out: Path | None,
    *,
    names: Iterable[str] | None = None,
    subset: bool = False,
) -> RegionsEvaluated:
    """Score the runs of a dataset of boxes and write their tables.

    Without `out` a run's tables go into its own folder, `scores/<protocol>/`, and the summary of
    all into the dataset's folder, as `vot.csv`. With it they go there.

    Args:
        dataset: what to score.
        rules: how.
        results: folder of run folders, by dataset.
        out: folder for the tables.
        names: only these runs.
        subset: the dataset is only a part that the user chose; the run's own scores stay.

    Raises:
        ResultError: there is no run, or none that can be scored.
    """
    rules.check(dataset)
    require_writable(out or results)
    gather_all(results / dataset.key, layout_of(dataset))
    runs = runs_in(results / dataset.key)
    wanted = None if names is None else set(names)
    runs = [run for run in runs if wanted is None or run.name in wanted]
    if not runs:
        raise ResultError(
            f"There are no runs in {results / dataset.key}. Make one with `vostool run copy_first "
            f"--dataset {dataset.name}`, or score any folder of results with --masks."
        )
    scored: list[tuple[RunFolder, RegionScores]] = []
    left_out: dict[str, str] = {}
    for run in runs:
        try:
            scored.append((run, evaluate_region_run(run.path, dataset, rules)))
        except VostoolError as error:
            left_out[run.name] = str(error)
    if not scored:
        raise ResultError(" ".join(left_out.values()))
    folders = []
    for run, scores in scored:
        folder = run.path / "scores" / rules.leaf(dataset, subset)
        if out is not None:
            folder = out if len(runs) == 1 else out / run.name
        scores.write(folder)
        folders.append(folder)
    if len(runs) > 1 and (out is not None or (wanted is None and not subset)):
        summary = region_summary(scores for _, scores in scored)
        write_csv(summary, (out or results / dataset.key) / SUMMARY)
    where = folders[0] if len(scored) == 1 else out or results / dataset.key
    partial = out is None and len(scored) > 1 and (wanted is not None or subset)
    return RegionsEvaluated([scores for _, scores in scored], left_out, where, partial)


def evaluate_region_run(path: Path, dataset: RegionDataset, rules: Rules) -> RegionScores:
    """Score a run folder and add its speed.

    Raises:
        ResultError: sequences are missing, or it was made on other data.
    """
    run = RunFolder(path, layout_of(dataset))
    manifest = run.manifest()
    names = [sequence.name for sequence in dataset.sequences]
    run.require(manifest, names)
    for sequence in dataset.sequences:
        if manifest.sequences[sequence.name].first_mask != dataset.first_mask_hash(sequence):
            raise ResultError(
                f"Run '{run.name}' was made on other data: the ground truth of its sequence "
                f"'{sequence.name}' was another, from {manifest.root}. Score it on that data, or "
                "run again."
            )
    about = {"run": run.name, "tracker": manifest.tracker, "init": manifest.init}
    region = (manifest.experiment or {}).get("region", "")
    return _scores(run.masks, dataset, rules, about | {"region": region} | run_speed(run, names))


def evaluate_region_folder(
    folder: Path,
    dataset: RegionDataset,
    rules: Rules,
    results: Path,
    out: Path | None,
    *,
    subset: bool = False,
) -> RegionsEvaluated:
    """Score any folder of results and write its tables.

    Without `out` they go into the results folder, `<dataset>/scores/<name of the folder>/
    <protocol>/`; those of a run folder into the run.
    """
    rules.check(dataset)
    leaf = rules.leaf(dataset, subset)
    if RunFolder(folder).exists():
        scores = evaluate_region_run(folder, dataset, rules)
        where = out or folder / "scores" / leaf
    else:
        if not is_folder(folder):
            raise ResultError(f"{folder} is not a folder of results.")
        home = out or home_of(folder, results / dataset.key)
        name = name_of(folder) if out else home.name
        about = {"run": name, "tracker": "", "init": ""}
        scores = _scores(folder, dataset, rules, about)
        where = out or home / leaf
    scores.write(where)
    return RegionsEvaluated([scores], {}, where)


def _scores(
    folder: Path, dataset: RegionDataset, rules: Rules, about: dict[str, Any]
) -> RegionScores:
    if dataset.task == "unsupervised":
        return evaluate_unsupervised(folder, dataset, about)
    return evaluate_supervised(
        folder,
        dataset,
        vot_protocol(rules.protocol),
        about,
        exact=rules.exact,
        interval=rules.interval,
        workers=rules.workers,
    )


def region_summary(scores: Iterable[RegionScores]) -> pd.DataFrame:
    """Return the summary rows of several evaluations, the best EAO, or AUC, first."""
    table = pd.concat([each.summary for each in scores], ignore_index=True)
    lead = "EAO" if "EAO" in table.columns else "AUC"
    return table.sort_values(lead, ascending=False, kind="stable", ignore_index=True)
