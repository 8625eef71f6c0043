"""What the missing part of a run will cost: time, from a measured rate, and disk."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vostool.campaign.rates import Rate, makespan
from vostool.datasets.clips import Clips
from vostool.datasets.dataset import Dataset
from vostool.io.label_maps import ids_in, read_labels
from vostool.runs.folder import Manifest, RunFolder
from vostool.types import Clip, Sequence

_BLOCK = 4096  # bytes that a file system hands out at once
_STEP = 40  # bytes of a row of times.csv
_REGION = 60  # bytes of a line of a file of regions
_MOST = 30  # sequences whose files are looked at


@dataclass(frozen=True, slots=True)
class Cost:
    """What is still to be paid for a run.

    Args:
        frames: that are to be tracked, over all repetitions.
        seconds: that tracking will take; None if nothing like it was measured.
        disk: bytes of what will be written.
        source: where the rate was measured, for people; empty if unknown or nothing is missing.
    """

    frames: int
    seconds: float | None
    disk: int
    source: str = ""

    @property
    def fps(self) -> float | None:
        """Return frames per second, decoding and writing included."""
        return self.frames / self.seconds if self.seconds else None


NOTHING = Cost(0, 0.0, 0)


def cost_of(
    missing: Collection[Clip],
    dataset: Clips[Any],
    rate: Rate | None,
    workers: int,
    per_frame: float,
    passes: int = 1,
) -> Cost:
    """Return what tracking some sequences will cost.

    Args:
        missing: sequences of the dataset.
        dataset: tells how many objects they have.
        rate: seconds, None if unknown.
        workers: processes, which take the longest sequences first.
        per_frame: bytes of its results, see `bytes_per_frame`.
        passes: how often each is tracked.
    """
    frames = passes * sum(len(sequence) for sequence in missing)
    disk = round(frames * (per_frame + _STEP))
    if not missing:
        return NOTHING
    if rate is None:
        return Cost(frames, None, disk)
    tasks = []
    for sequence in missing:
        objects = objects_of(dataset, sequence) if rate.per_object else 1
        tasks.append(passes * rate.seconds(len(sequence), objects))
    return Cost(frames, makespan(tasks, workers), disk, rate.source)


def objects_of(dataset: Clips[Any], sequence: Clip) -> int:
    """Return how many objects a sequence has; late ones count where the dataset lists them."""
    if not isinstance(dataset, Dataset) or dataset.merged:
        return 1
    listed = dataset.objects.get(sequence.name)
    if listed:
        return len(listed)
    assert isinstance(sequence, Sequence)
    return _objects_on(sequence.annotations[min(sequence.annotations)])


@lru_cache(maxsize=1 << 18)
def _objects_on(path: Path) -> int:
    """Return how many objects a label map shows; it is asked for by every run of a plan."""
    return max(1, len(ids_in(read_labels(path))))


def bytes_per_frame(dataset: Clips[Any], run: RunFolder, manifest: Manifest | None) -> float:
    """Return how many bytes a frame of results takes on disk.

    It is that of the run's own masks, or else of the masks of the ground truth, which are of the
    same kind; of boxes it is that of a line.
    """
    if not isinstance(dataset, Dataset):
        return _REGION
    names = list(manifest.sequences)[:_MOST] if manifest is not None else []
    files = [path for name in names for path in (run.masks / name).glob("*.png")]
    if not files:
        files = [p for s in dataset.sequences[:_MOST] for p in s.annotations.values()]
    sizes = [-(-path.stat().st_size // _BLOCK) * _BLOCK for path in files]
    return sum(sizes) / len(sizes) if sizes else _BLOCK  # prompts in place of masks
