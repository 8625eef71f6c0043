"""Tracking one sequence: frames in, label maps and times out, the contract enforced on the way."""

import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vostool.datasets.clips import Clips
from vostool.datasets.dataset import Dataset
from vostool.errors import ContractError, DatasetError, VostoolError, resource_error
from vostool.io.frames import told_if_turned
from vostool.tracking.base import Tracker
from vostool.tracking.pipeline import Gate, MaskWriter, decoded
from vostool.tracking.timing import StepTime, Stopwatch
from vostool.types import Clip, Frame, Labels, Prompt, Region, Sequence

WARM_UP_FRAMES = 3


@dataclass(frozen=True, slots=True)
class SequenceResult:
    """What tracking one sequence gave beside its masks.

    Args:
        sequence: its name.
        steps: one time per frame.
        seconds: wall clock, decoding and writing included.
        peak_mb: memory of the process or device so far.
    """

    sequence: str
    steps: list[StepTime]
    seconds: float
    peak_mb: float | None

    @property
    def objects(self) -> int:
        return sum(step.prompts for step in self.steps)


def track_sequence(
    tracker: Tracker,
    dataset: Dataset,
    sequence: Sequence,
    folder: Path,
    stopwatch: Stopwatch,
    on_frame: Callable[[], None] = lambda: None,
) -> SequenceResult:
    """Track a sequence from its prompts and write its masks into a folder.

    Args:
        tracker: built and warmed up; it is reset first.
        dataset: reads the prompts.
        sequence: what to track.
        folder: where `<frame>.png` go.
        stopwatch: times each step.
        on_frame: called after every frame.

    Raises:
        DatasetError: a frame or mask cannot be read or they do not fit each other.
        ContractError: the tracker returned something else than a label map of known ids.
    """
    start = time.perf_counter()
    begin(tracker)
    gate = Gate(open=tracker.runtime.device != "cpu")
    steps: list[StepTime] = []
    known: set[int] = set()
    shape: tuple[int, ...] | None = None
    prompts_per_frame = dataset.prompts(sequence)
    # Closed whatever happens, for a thread decodes.
    frames_ahead = decoded(sequence.frames, gate)
    with closing(frames_ahead) as frames, MaskWriter(folder, gate) as writer:
        for index, frame in enumerate(frames):
            name = sequence.frame_name(index)
            prompts = next(prompts_per_frame)
            shape = shape or frame.shape
            check_sizes(sequence, index, frame, prompts, shape)
            known.update(prompt.object_id for prompt in prompts)
            where = f"on frame {name} of sequence '{sequence.name}'"
            given = for_tracker(tracker.init, prompts)
            with gate.step(), blaming_tracker(where):
                labels, ms = stopwatch.time(tracker.step, frame, given)
            writer.put(name, checked_labels(labels, frame, known, where))
            steps.append(StepTime(sequence.name, name, len(known), len(prompts), ms))
            on_frame()
    return SequenceResult(sequence.name, steps, time.perf_counter() - start, stopwatch.peak_mb())


@contextmanager
def blaming_tracker(where: str) -> Iterator[None]:
    """Turn an exception of a tracker's own code into a sentence that names file and line.

    Args:
        where: what the tracker was doing, e.g. `on frame 00003 of sequence 'bear'`.

    Raises:
        ContractError: from the tracker's exception, which has the traceback.
    """
    try:
        yield
    except VostoolError:
        raise
    except Exception as error:
        if resource_error(error) is not None:
            raise
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise ContractError(
            f"The tracker failed {where}: {type(error).__name__}: {error} ({at.filename}, line "
            f"{at.lineno}). `vostool --traceback ...` shows how it came to that."
        ) from error


def begin(tracker: Tracker) -> None:
    """Seed every global random generator a tracker might use, and reset it.

    Each sequence starts from the same state, so its masks do not depend on the ones before it.
    """
    seed = tracker.runtime.seed
    random.seed(seed)
    np.random.seed(seed)
    for name, call in (("cv2", "setRNGSeed"), ("torch", "manual_seed")):
        module: Any = sys.modules.get(name)
        if module is not None:
            getattr(module, call)(seed)
    tracker.reset()


def warm_up(tracker: Tracker, dataset: Clips[Any], sequence: Clip) -> None:
    """Run a few frames and throw them away, so that first-call costs are not timed."""
    begin(tracker)
    gate = Gate(open=True)
    prompts_per_frame = dataset.prompts(sequence)
    with closing(decoded(sequence.frames[:WARM_UP_FRAMES], gate)) as frames:
        for index, (frame, prompts) in enumerate(zip(frames, prompts_per_frame, strict=False)):
            check_sizes(sequence, index, frame, prompts, frame.shape)
            with blaming_tracker(f"while warming up on sequence '{sequence.name}'"):
                tracker.step(frame, for_tracker(tracker.init, prompts))


def for_tracker(init: str, prompts: Iterable[Prompt]) -> tuple[Prompt, ...]:
    """Take the masks away from the prompts of a tracker whose `init` is "box"."""
    if init == "box":
        return tuple(replace(prompt, mask=None) for prompt in prompts)
    return tuple(prompts)


def checked_labels(labels: Any, frame: Frame, known: set[int], where: str) -> Labels:
    """Return what a tracker gave if it is a label map of prompted ids.

    Raises:
        ContractError: it has another type or shape, or an id nobody asked for.
    """
    if not isinstance(labels, np.ndarray) or labels.dtype != np.uint8:
        kind = f"{labels.dtype} array" if isinstance(labels, np.ndarray) else type(labels).__name__
        raise ContractError(
            f"step() must return a (H, W) uint8 label map; it gave a {kind} {where}."
        )
    if labels.shape != frame.shape[:2]:
        raise ContractError(
            f"step() must return a label map of the frame's size {frame.shape[:2]}; it gave "
            f"{labels.shape} {where}."
        )
    allowed = np.zeros(256, bool)
    allowed[[0, *known]] = True
    if not allowed[labels].all():
        strange = np.unique(labels[~allowed[labels]])[:5].tolist()
        raise ContractError(
            f"step() returned the ids {strange}, which no prompt has, {where}. Label maps hold 0 "
            "and the object_id of prompts."
        )
    return labels


def checked_regions(
    regions: Any, size: tuple[int, ...], known: set[int], where: str
) -> Mapping[int, Region]:
    """Return what a tracker gave beside its label map if these are regions of prompted ids.

    Raises:
        ContractError: they are something else, see `checked_region`, or of an id nobody asked for.
    """
    if not isinstance(regions, Mapping):
        kind = type(regions).__name__
        raise ContractError(f"regions() must map ids to Region; it gave a {kind} {where}.")
    strange = sorted(set(regions) - known)
    if strange:
        raise ContractError(f"regions() has the ids {strange[:5]}, which no prompt has, {where}.")
    return {i: checked_region(region, size, where) for i, region in regions.items()}


def checked_region(region: Any, size: tuple[int, ...], where: str) -> Region:
    """Return what a tracker gave if it is a region.

    Raises:
        ContractError: it has another type, or parts of a wrong shape or without finite numbers.
    """
    if not isinstance(region, Region):
        kind = type(region).__name__
        raise ContractError(f"regions() must map ids to Region; it gave a {kind} {where}.")
    if region.box is not None:
        box = np.asarray(region.box, np.float64)
        if box.shape != (4,) or not np.isfinite(box).all():
            raise ContractError(f"The box of a Region is x, y, w, h; it is {region.box} {where}.")
    if region.polygon is not None:
        polygon = np.asarray(region.polygon)
        if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3:
            raise ContractError(
                f"The polygon of a Region is (N, 2), N at least 3; it is {polygon.shape} {where}."
            )
        if not np.isfinite(polygon).all():
            raise ContractError(f"The polygon of a Region has a corner that is no number {where}.")
    if region.mask is not None and np.shape(region.mask) != size:
        raise ContractError(
            f"The mask of a Region is of the frame's size {size}; it is {np.shape(region.mask)} "
            f"{where}."
        )
    sure: Any = region.confidence
    if sure is not None and not (np.isscalar(sure) and np.isreal(sure) and np.isfinite(sure)):
        raise ContractError(f"The confidence of a Region is a number; it is {sure!r} {where}.")
    return region


def check_sizes(
    sequence: Clip,
    index: int,
    frame: Frame,
    prompts: tuple[Prompt, ...],
    shape: tuple[int, ...],
) -> None:
    """Raise DatasetError if a frame differs in size from the first one, or from a prompt's mask."""
    if frame.shape != shape:
        raise DatasetError(
            f"Sequence '{sequence.name}': frame {sequence.frames[index].name} is "
            f"{frame.shape[1]}x{frame.shape[0]}, the first one is {shape[1]}x{shape[0]}. The "
            f"frames of a sequence must be of one size.{told_if_turned(sequence.frames[index])}"
        )
    for prompt in prompts:
        if prompt.mask is not None and prompt.mask.shape != frame.shape[:2]:
            raise DatasetError(
                f"Sequence '{sequence.name}': {_annotated(sequence, index)} is {prompt.mask.shape} "
                f"(height, width), its frame {sequence.frames[index].name} is {frame.shape[:2]}. "
                "Frames and masks must come from the same resolution."
                f"{told_if_turned(sequence.frames[index])}"
            )


def _annotated(sequence: Clip, index: int) -> str:
    """Return what a prompt's mask was read from."""
    return (
        str(sequence.annotations[index]) if isinstance(sequence, Sequence) else "the ground truth"
    )
