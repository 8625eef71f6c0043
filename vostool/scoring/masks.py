"""Scoring: a folder of label maps against the ground truth, a J and F per object and frame."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import Protocol
from vostool.errors import DatasetError, ResultError
from vostool.execution.pools import Workers, in_order
from vostool.io.label_maps import VOID, holds_both, ids_in, merge_objects, refuse_soft
from vostool.io.readahead import Ahead
from vostool.metrics.boundary import boundary_radius
from vostool.metrics.frame import common_window
from vostool.scoring.accumulators import accumulator_of
from vostool.scoring.cache import LabelFiles, ScoreCache, SequenceScores
from vostool.scoring.predictions import (
    check_folder,
    check_frames,
    check_not_trivial,
    check_not_truth,
    prediction_path,
)
from vostool.types import Labels, Sequence, portable

if TYPE_CHECKING:
    import pandas as pd

FRAME_COLUMNS = ["sequence", "object", "frame", "J", "F"]

Task = tuple[Dataset, Sequence, Path, Protocol]  # the arguments of `score_sequence`


def score(
    dataset: Dataset,
    masks: Path,
    protocol: Protocol,
    workers: Workers = 1,
    *,
    cache: ScoreCache | None = None,
    allow_trivial: bool = False,
) -> tuple["pd.DataFrame", list[str]]:
    """Score a folder of predictions.

    Args:
        dataset: the ground truth, only of the sequences to be scored.
        masks: folder that holds `<sequence>/<frame>.png`.
        protocol: the rules.
        workers: processes or an executor; sequences are shared out among them.
        cache: where scores are kept; what has not changed is taken from there.
        allow_trivial: also return scores that are all 0 or all 1, which mistakes look like.

    Returns:
        The per-frame table with the columns of `FRAME_COLUMNS`, sorted by sequence (in the order of
        the dataset), object and frame; and notes on what was assumed.

    Raises:
        ResultError: predictions are missing, of another size, or hold ids the ground truth lacks.
        MaskError: a file cannot be read as ids.
        DatasetError: the ground truth has nothing to score.
    """
    import pandas as pd  # takes long, and workers do without

    dataset = dataset.under(protocol)
    check_folder(dataset, masks)
    if not allow_trivial:
        check_not_truth(dataset, masks)
    sequences = dataset.sequences
    if not isinstance(workers, int):
        sequences, masks = tuple(map(portable, sequences)), masks.absolute()
    tasks: list[Task] = [
        (dataset.only(sequence), sequence, masks / sequence.name, protocol)
        for sequence in sequences
    ]
    found = [
        None if cache is None else cache.load(*_entry(*task), _deciding_files(*task))
        for task in tasks
    ]
    missing = [number for number, scores in enumerate(found) if scores is None]
    # The longest first: else one worker may be left with it when the others are done.
    missing.sort(key=lambda number: len(tasks[number][1].annotations), reverse=True)
    computed = in_order(score_sequence, [tasks[number] for number in missing], workers)
    for number, scores in zip(missing, computed, strict=True):
        if cache is not None:
            cache.store(*_entry(*tasks[number]), scores)
        found[number] = scores
    parts = [scores for scores in found if scores is not None]
    rows = [row for part in parts for row in part.rows]
    frames = pd.DataFrame(rows, columns=FRAME_COLUMNS)
    if not allow_trivial:
        check_not_trivial(dataset, masks, frames, any(part.meets for part in parts))
    notes = [*dataset.doubts(protocol), *(note for part in parts for note in part.notes)]
    return frames, notes


def _entry(
    dataset: Dataset, sequence: Sequence, folder: Path, protocol: Protocol
) -> tuple[str, str]:
    """Return the name under which scores are kept, and all that decides them beside files."""
    return f"{protocol.name}/{sequence.name}", _rules(dataset, sequence, protocol)


def _rules(dataset: Dataset, sequence: Sequence, protocol: Protocol) -> str:
    """Return as text all that decides the scores of a sequence beside its files."""
    rules = {
        "protocol": asdict(protocol),
        "merged": dataset.merged,
        "binary": dataset.binary,
        "kept back": dataset.server is not None,
        "sequence": sequence.name,
        "frames": [sequence.frame_name(index) for index in sorted(sequence.annotations)],
        "listed": [
            (object_id, sorted(info.frames))
            for object_id, info in sorted(dataset.objects.get(sequence.name, {}).items())
        ],
    }
    return json.dumps(rules)


def _deciding_files(
    dataset: Dataset, sequence: Sequence, folder: Path, protocol: Protocol
) -> Iterator[Path]:
    """Yield the label maps that decide the scores of a sequence, in a fixed order."""
    for index in sorted(sequence.annotations):
        yield sequence.annotations[index]
    for index in evaluated_frames(sequence, protocol):
        yield prediction_path(sequence, folder, index)


def score_sequence(
    dataset: Dataset, sequence: Sequence, folder: Path, protocol: Protocol
) -> SequenceScores:
    """Score one sequence, holding one pair of label maps at a time.

    Args:
        dataset: tells how label maps are read, see `Dataset.under`.
        sequence: its ground truth.
        folder: predictions, `<frame>.png`.
        protocol: the rules.
    """
    with Ahead(_read_in_order(sequence, folder, protocol)) as ahead:
        files = LabelFiles(ahead)
        counted, extra = _counted_frames(dataset, sequence, folder, protocol)
        listed = dataset.listed_frames(sequence) if protocol.listed_only else None
        objects, present = _first_objects(dataset, sequence, protocol, files)
        accumulator = accumulator_of(protocol, objects, listed)
        meets, both = False, list[str]()
        for index in counted:
            truth_path, path = sequence.annotations[index], prediction_path(sequence, folder, index)
            truth, prediction = files.labels(truth_path), files.labels(path)
            _check_size(prediction, truth, path)
            radius = boundary_radius(*truth.shape)
            prediction, truth = common_window(prediction, truth)
            if dataset.merged:
                if holds_both(prediction) or (dataset.binary and holds_both(truth)):
                    both.append(sequence.frame_name(index))
                prediction = merge_objects(prediction, path)
                truth = dataset.merge(truth, truth_path)
            meets = meets or bool(np.any((prediction != 0) & (truth != 0)))
            accumulator.update(sequence.frame_name(index), prediction, truth, radius, path)
            del prediction, truth  # the next are decoded into their memory, which is at hand
        rows = [
            (sequence.name, object_id, name, j, f)
            for object_id, frames in sorted(accumulator.compute().items())
            for name, j, f in frames
        ]
        notes = _notes(sequence, protocol, accumulator.unscored())
        if not rows and not notes:
            raise DatasetError(
                f"Sequence '{sequence.name}' has no object on the frames that protocol "
                f"'{protocol.name}' counts. Leave the sequence out."
            )
        read = files.hash(_deciding_files(dataset, sequence, folder, protocol))
    notes = (
        *_gaps(sequence, protocol, objects, present),
        *notes,
        *_beside_255(sequence, both),
        *extra,
    )
    return SequenceScores(rows, notes, meets, read)


def _read_in_order(sequence: Sequence, folder: Path, protocol: Protocol) -> Iterator[Path]:
    """Yield the label maps of a sequence as scoring reads them."""
    for index in evaluated_frames(sequence, protocol):
        yield sequence.annotations[index]
        yield prediction_path(sequence, folder, index)


def _counted_frames(
    dataset: Dataset, sequence: Sequence, folder: Path, protocol: Protocol
) -> tuple[list[int], tuple[str, ...]]:
    """Return the indices of the frames that count, of which none is missing, and notes.

    Raises:
        DatasetError: the ground truth lacks frames, or none counts.
        ResultError: predictions are missing.
    """
    dataset.check_truth(sequence)
    counted = evaluated_frames(sequence, protocol)
    if not counted:
        raise DatasetError(
            f"Sequence '{sequence.name}' has masks of {len(sequence.annotations)} of its frames; "
            f"protocol '{protocol.name}' leaves none of them to score. Leave the sequence out with "
            "--sequences; `vostool show RUN` draws what was tracked."
        )
    return counted, check_frames(sequence, folder, counted)


def evaluated_frames(sequence: Sequence, protocol: Protocol) -> list[int]:
    """Return the indices of the annotated frames that count under a protocol."""
    annotated = sorted(sequence.annotations)
    return annotated[int(protocol.skip_first) : len(annotated) - int(protocol.skip_last)]


def _first_objects(
    dataset: Dataset, sequence: Sequence, protocol: Protocol, files: LabelFiles
) -> tuple[list[int], list[int]]:
    """Return the objects that are scored from the start, and those of the first annotated frame."""
    path = sequence.annotations[min(sequence.annotations)]
    labels = _labels(dataset, path, files)
    ids: list[int] = ids_in(labels).tolist()
    refuse_soft(labels, path)
    if protocol.objects == "foreground":
        return [1], ids
    if protocol.listed_only and protocol.since == "start":
        return sorted(dataset.listed_frames(sequence)), ids
    if protocol.objects == "all":
        everywhere = protocol.since == "start"
        return (_all_objects(dataset, sequence, files) if everywhere else ids), ids
    if not ids:
        hint = ""
        if (labels == VOID).any():
            hint = " It holds only 255 (void): for binary masks use --dataset DAVIS2016."
        raise DatasetError(
            f"{path} has no object, and protocol '{protocol.name}' scores the objects of the first "
            f"frame.{hint}"
        )
    # A gap in the ids is an object that is never there: the official evaluator counts it.
    return list(range(1, max(ids) + 1)), ids


def _all_objects(dataset: Dataset, sequence: Sequence, files: LabelFiles) -> list[int]:
    """Return the objects of all annotated frames."""
    ids: set[int] = set()
    for path in sequence.annotations.values():
        ids.update(ids_in(_labels(dataset, path, files)).tolist())
    return sorted(ids)


def _labels(dataset: Dataset, path: Path, files: LabelFiles) -> Labels:
    labels = files.labels(path)
    return dataset.merge(labels, path)


def _check_size(prediction: Labels, truth: Labels, path: Path) -> None:
    if prediction.shape != truth.shape:
        raise ResultError(
            f"{path} is {prediction.shape[1]}x{prediction.shape[0]}, the ground truth is "
            f"{truth.shape[1]}x{truth.shape[0]}. Save masks in the size of the frames."
        )


def _beside_255(sequence: Sequence, frames: list[str]) -> tuple[str, ...]:
    """Say what 255 was taken for where masks also hold other values."""
    if not frames:
        return ()
    return (
        f"Sequence '{sequence.name}': masks hold 255 beside other values ({len(frames)} frames, "
        f"such as {frames[0]}). All that is not 0 is foreground here, 255 too.",
    )


def _gaps(
    sequence: Sequence, protocol: Protocol, objects: list[int], present: list[int]
) -> tuple[str, ...]:
    """Say which ids are scored although the first frame has no such object."""
    gaps = sorted(set(objects) - set(present))
    if protocol.objects != "first_frame" or not gaps:
        return ()
    shown = ", ".join(map(str, gaps[:5])) + (", ..." if len(gaps) > 5 else "")
    return (
        f"Sequence '{sequence.name}': its first frame has {len(present)} of the ids 1 to "
        f"{len(objects)}. Protocol '{protocol.name}' also scores the others ({shown}), as it does "
        "officially: 1 where nothing is predicted.",
    )


def _notes(sequence: Sequence, protocol: Protocol, unscored: set[int]) -> tuple[str, ...]:
    if not unscored:
        return ()
    ids = ", ".join(map(str, sorted(unscored)))
    why = "appears too late" if protocol.since != "either" else "is on too few frames"
    return (
        f"Sequence '{sequence.name}': object {ids} {why} to be scored by protocol "
        f"'{protocol.name}'.",
    )
