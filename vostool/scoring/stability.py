"""Scoring temporal stability T: a number per sequence, see docs/temporal-stability.md."""

from pathlib import Path

from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import Protocol
from vostool.errors import UsageError
from vostool.execution.pools import Workers, in_order
from vostool.io.label_maps import merge_objects
from vostool.io.readahead import Ahead
from vostool.metrics.stability import NOT_COUNTED, mean_stability, stability_over
from vostool.scoring.cache import LabelFiles, ScoreCache
from vostool.scoring.predictions import prediction_path
from vostool.types import Sequence


def check_stability(dataset: Dataset, protocol: Protocol) -> None:
    """Raise UsageError if temporal stability is not defined for a dataset and protocol."""
    if not dataset.merged or protocol.name != "davis":
        raise UsageError(
            "Temporal stability is defined for one object per sequence, for DAVIS2016 and other "
            "binary masks, by protocol 'davis'. Drop --stability."
        )


def uncounted(dataset: Dataset) -> frozenset[str]:
    """Return the sequences that the authors of DAVIS 2016 leave out; none of other datasets."""
    return NOT_COUNTED if dataset.name == "DAVIS2016" else frozenset()


def score_stability(
    dataset: Dataset, masks: Path, workers: Workers = 1, *, cache: ScoreCache | None = None
) -> dict[str, float]:
    """Return T of each sequence that counts; nan where no mask has an outline.

    Args:
        dataset: merged; its masks and the predictions have been found whole, as `score` does.
        masks: folder that holds `<sequence>/<frame>.png`.
        workers: processes or an executor; sequences are shared out among them.
        cache: where scores are kept; what has not changed is taken from there.
    """
    counted = [each for each in dataset.sequences if each.name not in uncounted(dataset)]
    found: dict[str, float] = {}
    for sequence in counted:
        entry = cache and cache.load_entry(*_entry(sequence), _paths(sequence, masks))
        if entry:
            found[sequence.name] = float(entry["T_mean"])
    missing = [sequence for sequence in counted if sequence.name not in found]
    paths = [_paths(sequence, masks) for sequence in missing]
    tasks = [([path.absolute() for path in each],) for each in paths]
    computed = in_order(_sequence_stability, tasks, workers)
    for sequence, (value, files) in zip(missing, computed, strict=True):
        found[sequence.name] = value
        if cache is not None:
            cache.store_entry(*_entry(sequence), {"T_mean": value, "files": files})
    return {sequence.name: found[sequence.name] for sequence in counted}


def _entry(sequence: Sequence) -> tuple[str, str]:
    """Return name and rules of a sequence's entry in the cache."""
    frames = [sequence.frame_name(index) for index in sorted(sequence.annotations)]
    return f"stability/{sequence.name}", " ".join(frames)


def _paths(sequence: Sequence, masks: Path) -> list[Path]:
    """Return the ground truth of the first frame, then all predictions but the first and last."""
    frames = sorted(sequence.annotations)
    folder = masks / sequence.name
    predicted = (prediction_path(sequence, folder, index) for index in frames[1:-1])
    return [sequence.annotations[frames[0]], *predicted]


def _sequence_stability(paths: list[Path]) -> tuple[float, str]:
    """Return T of a sequence and the hash of its files."""
    with Ahead(paths) as ahead:
        files = LabelFiles(ahead)
        masks = (merge_objects(files.labels(path), path) == 1 for path in paths)
        return mean_stability(list(stability_over(masks))), files.hash(paths)
