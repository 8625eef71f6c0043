"""How well a network tracks whole clips, as a score of its training."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from vostool.datasets.dataset import Dataset
from vostool.io.frames import read_frame
from vostool.io.label_maps import ids_in
from vostool.metrics.jaccard import region_similarity
from vostool.tracking.loop import for_tracker
from vostool.types import Frame, Labels, Prompt, Sequence


class Follower(Protocol):
    """What follows objects from the boxes of their prompts."""

    def forget(self) -> None:
        """Forget everything of the last sequence."""

    def step(self, frame: Frame, prompts: tuple[Prompt, ...]) -> Labels:
        """Take the next frame, as `vostool.tracking.base.Tracker.step`."""


def mean_overlap(search: Follower, dataset: Dataset, every: int) -> float | None:
    """Return the mean J of all objects, tracked from the boxes of the first frame.

    Args:
        search: what tracks.
        dataset: whole clips with masks.
        every: so many frames only are scored; all are tracked.

    Returns:
        The mean over objects, None if there are none.
    """
    objects: dict[tuple[str, int], list[float]] = {}
    for sequence in dataset.sequences:
        for object_id, score in _overlaps(search, dataset, sequence, every):
            objects.setdefault((sequence.name, object_id), []).append(score)
    if not objects:
        return None
    return float(np.mean([np.mean(scores) for scores in objects.values()]))


def _overlaps(
    search: Follower, dataset: Dataset, sequence: Sequence, every: int
) -> Iterator[tuple[int, float]]:
    """Yield objects and their J on the frames that count, the first and the last left out."""
    search.forget()
    first = ids_in(dataset.labels(sequence.annotations[0])).tolist()
    for index, prompts in enumerate(dataset.prompts(sequence)):
        labels = search.step(read_frame(sequence.frames[index]), for_tracker("box", prompts))
        counts = 0 < index < len(sequence) - 1 and index % every == 0
        if not counts or index not in sequence.annotations:
            continue
        truth = dataset.labels(sequence.annotations[index])
        for object_id in first:
            yield object_id, region_similarity(labels == object_id, truth == object_id)
