"""Evaluating: runs, or any folder of masks, to tables."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vostool.datasets.attributes import known_attributes
from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import Protocol, protocol_named
from vostool.errors import ResultError
from vostool.execution.pools import Workers
from vostool.io.storage import each_at_once, is_remote, place, resolved
from vostool.runs.folder import RunFolder
from vostool.scoring.cache import ScoreCache
from vostool.scoring.masks import score
from vostool.scoring.stability import check_stability, score_stability
from vostool.scoring.tables import (
    Scores,
    attribute_table,
    interval_table,
    lead_score,
    object_table,
    pooled_statistics,
    seen_means,
    sequence_table,
    summary_table,
    with_categories,
)
from vostool.tracking.timing import speed_of
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
    seen: str | Path | None = None,
    workers: Workers = 1,
    cache: str | Path | None = None,
    fresh: bool = False,
    allow_trivial: bool = False,
    stability: bool = False,
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
        seen: file with the categories that training has seen, one a line, or a `meta.json`; that of
            the train split beside the split if None.
        workers: processes, or an executor.
        cache: folder for scores that need not be computed again; nothing is kept if None.
        fresh: compute all scores, whatever the cache holds.
        allow_trivial: also return scores that are all 0 or all 1, which mistakes look like.
        stability: also score temporal stability T, which takes seconds to minutes a sequence.

    Returns:
        The tables `frames`, `objects`, `sequences` and `summary`, as pandas DataFrames.

    Raises:
        VostoolError: a sentence that says what is wrong and what mends it.
    """
    opened = open_dataset(
        dataset,
        root=place(root) if root is not None else None,
        split=split,
        resolution=resolution,
        sequences=sequences,
        need_frames=False,
        seen=place(seen) if seen is not None else None,
        workspace=Workspace.find(),
    )
    rules = protocol_named(protocol) if protocol else opened.protocol
    if stability:
        check_stability(opened, rules)
    kept = ScoreCache(place(cache, listed=False), fresh=fresh) if cache is not None else None
    run = RunFolder(place(masks))
    how: Any = {"cache": kept, "allow_trivial": allow_trivial, "stability": stability}
    if run.exists():
        return evaluate_run(run, opened, rules, workers, **how)
    return evaluate_masks(place(masks), opened, rules, workers, **how)


def evaluate_masks(
    masks: Path,
    dataset: Dataset,
    protocol: Protocol,
    workers: Workers = 1,
    *,
    name: str | None = None,
    cache: ScoreCache | None = None,
    allow_trivial: bool = False,
    stability: bool = False,
) -> Scores:
    """Score any folder of masks, see `score`; it is called by its own name if by no other."""
    frames, notes = score(
        dataset, masks, protocol, workers, cache=cache, allow_trivial=allow_trivial
    )
    about = {"run": name or resolved(masks).name, "tracker": "", "init": ""}
    steady = score_stability(dataset, masks, workers, cache=cache) if stability else None
    return _tables(frames, notes, dataset, protocol, about, steady)


def evaluate_run(
    run: RunFolder,
    dataset: Dataset,
    protocol: Protocol,
    workers: Workers = 1,
    *,
    cache: ScoreCache | None = None,
    allow_trivial: bool = False,
    stability: bool = False,
) -> Scores:
    """Score a run folder, see `score`, and add its speed.

    Raises:
        ResultError: sequences are missing; the message says how to finish the run.
    """
    manifest = run.manifest()
    wanted = [sequence.name for sequence in dataset.sequences]
    run.require(manifest, wanted)
    remote = is_remote(dataset.root)
    hashes = each_at_once(dataset.first_mask_hash, dataset.sequences, remote)
    for sequence, found in zip(dataset.sequences, hashes, strict=True):
        if manifest.sequences[sequence.name].first_mask != found:
            raise ResultError(
                f"Run '{run.name}' was made on other data: its sequence '{sequence.name}' was read "
                f"from {manifest.root} and began with another mask. Score it on that data, or run "
                "again."
            )
    frames, notes = score(
        dataset, run.masks, protocol, workers, cache=cache, allow_trivial=allow_trivial
    )
    about: dict[str, Any] = {
        "run": run.name,
        "tracker": manifest.tracker,
        "init": manifest.init,
        **run_speed(run, wanted),
    }
    steady = score_stability(dataset, run.masks, workers, cache=cache) if stability else None
    return _tables(frames, notes, dataset, protocol, about, steady)


def run_speed(run: RunFolder, sequences: Iterable[str]) -> dict[str, Any]:
    """Return the speed columns of a run over some of its sequences.

    The rates are blank if several workers shared a machine, several machines a run, or times are
    missing: they are nobody's speed then. `fps_e2e` is also blank for older runs whose trackers
    shared decoded frames.
    """
    manifest = run.manifest()
    names = set(sequences)
    statuses = [status for name, status in manifest.sequences.items() if name in names]
    machines = {status.device_name for status in statuses}
    steps = [step for step in run.times() if step.sequence in names]
    alone = (
        all(status.workers == 1 for status in statuses)
        and len(machines) == 1
        and len(steps) == sum(status.frames for status in statuses)
    )
    steps = steps if alone else []
    speed = speed_of(steps)
    seconds = sum(status.seconds for status in statuses)
    frames = sum(status.frames for status in statuses)
    own_frames = alone and not any(status.spared for status in statuses)
    peaks = [status.peak_mb for status in statuses if status.peak_mb is not None]
    return {
        "fps": speed.fps,
        "fps_object": speed.fps_object,
        "fps_e2e": frames / seconds if own_frames and seconds else float("nan"),
        "p50_ms": speed.p50_ms,
        "p95_ms": speed.p95_ms,
        "init_ms": speed.init_ms,
        "peak_mb": max(peaks, default=float("nan")),
        "fps_protocol": manifest.fps_protocol if steps else "",
        "device": ", ".join(sorted(machines)),
        "precision": manifest.precision,
    }


def _tables(
    frames: pd.DataFrame,
    notes: list[str],
    dataset: Dataset,
    protocol: Protocol,
    about: dict[str, Any],
    steady: dict[str, float] | None = None,
) -> Scores:
    objects = object_table(frames)
    if protocol.objects == "all":  # otherwise they are not those that the dataset speaks of
        objects = with_categories(objects, dataset.objects, dataset.seen)
    sequences = sequence_table(objects)
    about |= seen_means(objects) | {
        "dataset": dataset.name,
        "split": dataset.split,
        "protocol": protocol.name,
        "complete": dataset.covers_official(sequences["sequence"]),
    }
    if steady is not None:
        left_out = [name for name in sequences["sequence"] if name not in steady]
        if left_out:
            notes = [*notes, f"T leaves out {', '.join(left_out)}, as the authors of DAVIS do."]
        sequences["T_mean"] = sequences["sequence"].map(steady)  # blank where it does not count
        about["T_mean"] = float(np.mean(list(steady.values()))) if steady else float("nan")
    overall = pooled_statistics(frames) if protocol.pooled else None
    known = known_attributes(dataset.sequences)
    whole = len(known) == len(dataset.sequences)
    return Scores(
        frames=frames,
        objects=objects,
        sequences=sequences,
        summary=summary_table(objects, sequences, about, overall),
        intervals=pd.DataFrame() if protocol.pooled else interval_table(objects),
        attributes=attribute_table(sequences, known) if whole else pd.DataFrame(),
        notes=tuple(notes),
    )


def combined_summary(scores: Iterable[Scores]) -> pd.DataFrame:
    """Return the summary rows of several evaluations, the best `lead_score` first."""
    tables = [each.summary for each in scores]
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values(lead_score(table), ascending=False, kind="stable", ignore_index=True)
