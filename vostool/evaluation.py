"""Evaluating: runs, or any folder of masks, to tables."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.errors import ResultError
from vostool.protocol import Protocol, protocol_named
from vostool.results import RunFolder
from vostool.scoring import check_not_trivial, score
from vostool.tables import Scores, object_table, sequence_table, summary_table
from vostool.timing import speed_of
from vostool.workspace import Workspace


def evaluate(
    dataset: str,
    masks: str | Path,
    *,
    root: str | Path | None = None,
    split: str | None = None,
    resolution: str | None = None,
    sequences: Iterable[str] | None = None,
    protocol: str | None = None,
    workers: int = 1,
) -> Scores:
    """Score a folder of masks against a dataset.

    Args:
        dataset: name in the catalog, e.g. `DAVIS2016`, or `folder:PATH`.
        masks: folder that holds `<sequence>/<frame>.png`, or a run folder.
        root: folder that holds the dataset's `Annotations/`.
        split: name of the split; the default one if None.
        resolution: `480p`, `full` or the name of a resolution folder.
        sequences: score only these.
        protocol: name of the protocol; the dataset's own if None.
        workers: processes.

    Returns:
        The tables `frames`, `objects`, `sequences` and `summary`, as pandas DataFrames.

    Raises:
        VostoolError: a sentence that says what is wrong and what mends it.
    """
    opened = open_dataset(
        dataset,
        root=Path(root) if root is not None else None,
        split=split,
        resolution=resolution,
        sequences=sequences,
        need_frames=False,
        workspace=Workspace.find(),
    )
    rules = protocol_named(protocol) if protocol else opened.protocol
    run = RunFolder(Path(masks))
    if run.exists():
        return evaluate_run(run, opened, rules, workers)
    return evaluate_masks(Path(masks), opened, rules, workers)


def evaluate_masks(
    masks: Path, dataset: Dataset, protocol: Protocol, workers: int = 1, name: str | None = None
) -> Scores:
    """Score any folder of masks; it is called by its own name."""
    about = {"run": name or masks.resolve().name, "tracker": "", "init": ""}
    return _evaluated(masks, dataset, protocol, workers, about)


def evaluate_run(run: RunFolder, dataset: Dataset, protocol: Protocol, workers: int = 1) -> Scores:
    """Score a run folder, and add its speed.

    Raises:
        ResultError: sequences are missing; the message says how to finish the run.
    """
    manifest = run.manifest()
    wanted = [sequence.name for sequence in dataset.sequences]
    missing = [name for name in wanted if name not in run.complete(manifest)]
    if missing:
        raise ResultError(
            f"Run '{run.name}' lacks {len(missing)} of {len(wanted)} sequences "
            f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}). Finish it with the "
            "`vostool run` command that began it, or name sequences with --sequences."
        )
    about: dict[str, Any] = {
        "run": run.name,
        "tracker": manifest.tracker,
        "init": manifest.init,
        **run_speed(run, wanted),
    }
    return _evaluated(run.masks, dataset, protocol, workers, about)


def run_speed(run: RunFolder, sequences: Iterable[str]) -> dict[str, Any]:
    """Return the speed columns of a run over some of its sequences.

    The rates are blank if several workers shared the machine: they are nobody's speed then.
    """
    manifest = run.manifest()
    names = set(sequences)
    statuses = [status for name, status in manifest.sequences.items() if name in names]
    alone = all(status.workers == 1 for status in statuses)
    steps = [step for step in run.times() if step.sequence in names] if alone else []
    speed = speed_of(steps)
    seconds = sum(status.seconds for status in statuses)
    frames = sum(status.frames for status in statuses)
    peaks = [status.peak_mb for status in statuses if status.peak_mb is not None]
    return {
        "fps": speed.fps,
        "fps_object": speed.fps_object,
        "fps_e2e": frames / seconds if alone and seconds else float("nan"),
        "p50_ms": speed.p50_ms,
        "p95_ms": speed.p95_ms,
        "init_ms": speed.init_ms,
        "peak_mb": max(peaks, default=float("nan")),
        "fps_protocol": manifest.fps_protocol if steps else "",
        "device": manifest.device_name,
        "precision": manifest.precision,
    }


def _evaluated(
    masks: Path, dataset: Dataset, protocol: Protocol, workers: int, about: dict[str, Any]
) -> Scores:
    frames, notes = score(dataset, masks, protocol, workers)
    objects = object_table(frames)
    sequences = sequence_table(objects)
    about |= {
        "dataset": dataset.name,
        "split": dataset.split,
        "protocol": protocol.name,
        "complete": dataset.covers_official(sequences["sequence"]),
    }
    summary = summary_table(objects, sequences, about)
    return Scores(frames, objects, sequences, summary, (*notes, *check_not_trivial(frames, masks)))


def combined_summary(scores: Iterable[Scores]) -> pd.DataFrame:
    """Return the summary rows of several evaluations, the best JF_mean first."""
    tables = [each.summary for each in scores]
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values("JF_mean", ascending=False, kind="stable", ignore_index=True)
