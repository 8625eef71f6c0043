"""Scoring: a folder of label maps against the ground truth, a J and F per object and frame."""

from collections.abc import Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import listed
from vostool.errors import DatasetError, ResourceError, ResultError
from vostool.masks import VOID, ids_in, merge_objects, read_labels, refuse_soft
from vostool.metrics.boundary import boundary_radius
from vostool.metrics.frame import common_window, frame_scores
from vostool.protocol import Protocol
from vostool.sequence import Labels, Sequence

FRAME_COLUMNS = ["sequence", "object", "frame", "J", "F"]


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """Scores of one sequence.

    Args:
        rows: one `(sequence, object, frame, J, F)` per object and evaluated frame.
        notes: what was assumed or left out, for people.
    """

    rows: list[tuple[str, int, str, float, float]]
    notes: tuple[str, ...]


def score(
    dataset: Dataset, masks: Path, protocol: Protocol, workers: int = 1
) -> tuple[pd.DataFrame, list[str]]:
    """Score a folder of predictions.

    Args:
        dataset: the ground truth, only of the sequences to be scored.
        masks: folder that holds `<sequence>/<frame>.png`.
        protocol: the rules.
        workers: processes; sequences are shared out among them.

    Returns:
        The per-frame table with the columns of `FRAME_COLUMNS`, sorted by sequence (in the order of
        the dataset), object and frame; and notes on what was assumed.

    Raises:
        ResultError: predictions are missing, of another size, or hold ids the ground truth lacks.
        MaskError: a file cannot be read as ids.
        DatasetError: the ground truth has nothing to score.
    """
    _check_sequences(dataset, masks)
    tasks = [(dataset, sequence, masks / sequence.name, protocol) for sequence in dataset.sequences]
    if workers > 1 and len(tasks) > 1:
        pool = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"))
        with pool:
            parts = _score_with(pool, tasks)
    else:
        parts = [score_sequence(*task) for task in tasks]
    rows = [row for part in parts for row in part.rows]
    notes = [note for part in parts for note in part.notes]
    return pd.DataFrame(rows, columns=FRAME_COLUMNS), notes


def _score_with(
    pool: Executor, tasks: list[tuple[Dataset, Sequence, Path, Protocol]]
) -> list[SequenceScores]:
    futures = [pool.submit(score_sequence, *task) for task in tasks]
    try:
        return [future.result() for future in futures]
    except BrokenProcessPool as error:
        raise ResourceError(
            "A worker process died while scoring, most likely for lack of memory. Run the command "
            "again with fewer --workers."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _check_sequences(dataset: Dataset, masks: Path) -> None:
    """Refuse a folder that lacks sequences: scores are never made of less than was asked for."""
    if not masks.is_dir():
        raise ResultError(f"The folder of masks {masks} does not exist.")
    names = [sequence.name for sequence in dataset.sequences]
    missing = [name for name in names if not (masks / name).is_dir()]
    if not missing:
        return
    shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
    if len(missing) == len(names):
        there = sorted(p.name for p in masks.iterdir() if p.is_dir() and p.name[0] != ".")[:3]
        raise ResultError(
            f"{masks} has no folder for any of the {len(names)} sequences of {dataset.name} "
            f"({dataset.split}), such as {shown}. It has {', '.join(there) or 'no folders'}. Name "
            "the folder that holds <sequence>/<frame>.png."
        )
    raise ResultError(
        f"{masks} lacks {len(missing)} of {len(names)} sequences: {shown}. Complete it, or name "
        "the sequences to score with --sequences."
    )


def score_sequence(
    dataset: Dataset, sequence: Sequence, folder: Path, protocol: Protocol
) -> SequenceScores:
    """Score one sequence, holding one pair of label maps at a time.

    Args:
        dataset: tells how label maps are read.
        sequence: its ground truth.
        folder: predictions, `<frame>.png`.
        protocol: the rules.
    """
    counted = evaluated_frames(sequence, protocol)
    if not counted:
        raise DatasetError(
            f"Sequence '{sequence.name}' has {len(sequence.annotations)} annotated frames; "
            f"protocol '{protocol.name}' leaves none of them to score. Leave the sequence out."
        )
    predictions = _prediction_paths(sequence, folder, counted)
    tally = _Tally(protocol, _first_objects(dataset, sequence, protocol))
    for index in counted:
        truth_path, path = sequence.annotations[index], predictions[index]
        truth, prediction = read_labels(truth_path), read_labels(path)
        _check_size(prediction, truth, path)
        radius = boundary_radius(*truth.shape)
        prediction, truth = common_window(prediction, truth)
        if dataset.merged:
            prediction, truth = merge_objects(prediction, path), merge_objects(truth, truth_path)
        tally.add(sequence.frame_name(index), prediction, truth, radius, path)
    _refuse_strange(tally.strange())
    rows = [
        (sequence.name, object_id, name, j, f)
        for object_id in sorted(tally.scores)
        for name, j, f in tally.scores[object_id]
    ]
    return SequenceScores(rows, _notes(sequence, protocol, tally.unscored()))


class _Tally:
    """Scores of a sequence as its frames come in, and the ids that were met on the way."""

    def __init__(self, protocol: Protocol, objects: list[int]) -> None:
        self.scores: dict[int, list[tuple[str, float, float]]] = {i: [] for i in objects}
        self._protocol = protocol
        self._in_truth = set(objects)
        self._predicted: dict[int, Path] = {}  # id -> the first file that holds it

    def add(self, name: str, prediction: Labels, truth: Labels, radius: int, path: Path) -> None:
        """Score one frame; both maps are cut to their common window."""
        for object_id, j, f in frame_scores(prediction, truth, list(self.scores), radius):
            self.scores[object_id].append((name, j, f))
        new = _ids_beyond(truth, self._in_truth)
        self._in_truth.update(new)
        if self._protocol.objects == "all":
            self.scores.update((object_id, []) for object_id in new)
        for object_id in _ids_beyond(prediction, self._in_truth, void=True):
            self._predicted.setdefault(object_id, path)

    def strange(self) -> dict[int, Path]:
        """Return the predicted ids that no frame of the ground truth has, and where they are."""
        return {i: path for i, path in self._predicted.items() if i not in self._in_truth}

    def unscored(self) -> set[int]:
        """Return the ids of the ground truth that the protocol leaves out."""
        return self._in_truth - {object_id for object_id, rows in self.scores.items() if rows}


def _ids_beyond(labels: Labels, known: set[int], *, void: bool = False) -> list[int]:
    """Return the ids in a label map that are not known, void only if asked for."""
    highest = int(labels.max())
    if known.issuperset(range(1, highest + 1)):
        return []  # nearly always, and much cheaper than counting pixels
    there = np.flatnonzero(np.bincount(labels.reshape(-1))).tolist()
    return [i for i in there if i and i not in known and (void or i != VOID)]


def evaluated_frames(sequence: Sequence, protocol: Protocol) -> list[int]:
    """Return the indices of the annotated frames that count under a protocol."""
    annotated = sorted(sequence.annotations)
    return annotated[int(protocol.skip_first) : len(annotated) - int(protocol.skip_last)]


def _first_objects(dataset: Dataset, sequence: Sequence, protocol: Protocol) -> list[int]:
    """Return the objects that are scored from the start, by the first annotated frame."""
    path = sequence.annotations[min(sequence.annotations)]
    labels = dataset.labels(path)
    ids: list[int] = ids_in(labels).tolist()
    refuse_soft(labels, path)
    if protocol.objects == "all":
        return ids
    if not ids:
        hint = ""
        if (labels == VOID).any():
            hint = " It holds only 255 (void): for binary masks use --dataset DAVIS2016."
        raise DatasetError(
            f"{path} has no object, and protocol '{protocol.name}' scores the objects of the first "
            f"frame.{hint}"
        )
    # A gap in the ids is an object that is never there: the official evaluator counts it.
    return list(range(1, max(ids) + 1))


def _prediction_paths(sequence: Sequence, folder: Path, counted: list[int]) -> dict[int, Path]:
    paths = {index: folder / f"{sequence.frame_name(index)}.png" for index in counted}
    missing = [path.stem for path in paths.values() if not path.is_file()]
    if missing:
        raise ResultError(
            f"{folder} lacks {len(missing)} of {len(paths)} masks ({listed(missing)}). Masks are "
            "named like the frames of the dataset."
        )
    return paths


def _check_size(prediction: Labels, truth: Labels, path: Path) -> None:
    if prediction.shape != truth.shape:
        raise ResultError(
            f"{path} is {prediction.shape[1]}x{prediction.shape[0]}, the ground truth is "
            f"{truth.shape[1]}x{truth.shape[0]}. Save masks in the size of the frames."
        )


def _refuse_strange(strange: Mapping[int, Path]) -> None:
    """Refuse predictions with ids that the ground truth has on no frame."""
    if not strange:
        return
    hint = "Renumber the objects as in the ground truth."
    if set(strange) == {VOID}:
        hint = "A binary mask is scored with --dataset DAVIS2016; void is not for predictions."
    path = next(iter(strange.values()))
    raise ResultError(
        f"{path} holds the ids {sorted(strange)[:5]}, which the ground truth lacks on the frames "
        f"that count. {hint}"
    )


def _notes(sequence: Sequence, protocol: Protocol, unscored: set[int]) -> tuple[str, ...]:
    if not unscored:
        return ()
    ids = ", ".join(map(str, sorted(unscored)))
    return (
        f"Sequence '{sequence.name}': object {ids} appears too late to be scored by protocol "
        f"'{protocol.name}'.",
    )


def check_not_trivial(frames: pd.DataFrame, masks: Path) -> list[str]:
    """Return a warning if every score is 0 or every score is 1, which mistakes look like."""
    values: Mapping[str, float] = {"0": 0.0, "1": 1.0}
    for text, value in values.items():
        if len(frames) > 1 and bool((frames["J"] == value).all()):
            cause = "the ground truth itself" if value else "masks of another dataset or all empty"
            return [f"Every J is exactly {text}: {masks} may hold {cause}."]
    return []
