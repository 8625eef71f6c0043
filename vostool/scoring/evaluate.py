"""Evaluating one run, or any folder of results, to tables."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from vostool.datasets.catalog import open_dataset
from vostool.errors import ResultError
from vostool.execution.pools import Workers
from vostool.io.storage import each_at_once, is_remote, place, resolved
from vostool.runs.folder import RunFolder
from vostool.runs.layouts import layout_of
from vostool.scoring.cache import ScoreCache
from vostool.scoring.kinds import scorer_of
from vostool.scoring.scorer import Scorer, ScoringOptions
from vostool.scoring.tables import Scores
from vostool.tracking.timing import speed_of
from vostool.workspace import Workspace

_FILES = {".zip", ".json", ".npz", ".npy"}  # of masks; a run is called after them without it


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
    overlap: Literal["raster", "exact"] | None = None,
    interval: tuple[int, int] | None = None,
) -> Scores:
    """Score a folder of masks, or of result files of VOT or OTB, against a dataset.

    Args:
        dataset: name in the catalog, e.g. `DAVIS2016` or `VOT2018`, or `folder:PATH`, `vot:PATH`,
            `otb:PATH`.
        masks: folder that holds `<sequence>/<frame>.png` or result files, a run folder, or another
            form of masks (docs/results.md): a zip, JSON, NumPy files, a PNG per object.
        root: folder that holds the dataset's `Annotations/`, or its sequences of boxes.
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
        overlap: of VOT, `raster` counts pixels, as published numbers do and if None; `exact`
            computes areas.
        interval: of VOT, lengths over which EAO is averaged; the dataset's if None.

    Returns:
        The tables `frames`, `sequences` and `summary`, of masks also `objects` and `intervals`, of
        boxes also `curves` and `tags`, as pandas DataFrames.

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
    options = ScoringOptions(
        protocol=protocol,
        workers=workers,
        fresh=fresh,
        allow_trivial=allow_trivial,
        stability=stability,
        overlap=overlap,
        interval=interval,
    )
    kept = ScoreCache(place(cache, listed=False), fresh=fresh) if cache is not None else None
    scorer = scorer_of(opened, options)
    with scorer.readable(place(masks)) as found:
        scores = score_folder(scorer, found.path, kept, name_of(place(masks)))
    return replace(scores, notes=(*found.notes, *scores.notes))


def score_folder(
    scorer: Scorer, folder: Path, cache: ScoreCache | None = None, name: str | None = None
) -> Scores:
    """Score a run folder, with its speed, or any folder of results.

    Args:
        scorer: of a dataset.
        folder: what to score.
        cache: see `Scorer.score`.
        name: what a folder that is no run is called; by its own name if None.

    Raises:
        ResultError: see `run_columns` and `Scorer.score`.
    """
    run = RunFolder(folder, layout_of(scorer.dataset))
    if run.exists():
        return scorer.score(run.masks, run_columns(run, scorer), cache)
    about = {"run": name or name_of(folder), "tracker": "", "init": ""}
    return scorer.score(folder, about, cache)


def name_of(masks: Path) -> str:
    """Return what a folder of results is called."""
    path = resolved(masks)
    if path.suffix.lower() in _FILES and path.is_file():
        return path.stem
    return path.parent.name if path.name == "masks" else path.name


def run_columns(run: RunFolder, scorer: Scorer) -> dict[str, Any]:
    """Return what the summary says of a run beside its scores.

    Raises:
        ResultError: sequences are missing, which the message says how to finish, or the run was
            made on other data.
    """
    dataset, manifest = scorer.dataset, run.manifest()
    wanted = [sequence.name for sequence in dataset.sequences]
    run.require(manifest, wanted)
    remote = is_remote(dataset.root)
    hashes = each_at_once(dataset.first_mask_hash, dataset.sequences, remote)
    for name, found in zip(wanted, hashes, strict=True):
        if manifest.sequences[name].first_mask != found:
            raise ResultError(
                f"Run '{run.name}' was made on other data: its sequence '{name}' was read from "
                f"{manifest.root} and had another ground truth. Score it on that data, or run "
                "again."
            )
    return {
        "run": run.name,
        "tracker": manifest.tracker,
        "init": manifest.init,
        "region": (manifest.experiment or {}).get("region", ""),
        **run_speed(run, wanted),
    }


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
