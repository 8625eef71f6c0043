"""Tracking boxes: with restarts after failures (VOT), and in one pass (OTB)."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vostool.datasets.regions import OBJECT, RegionDataset
from vostool.io.regions import format_region
from vostool.io.storage import write_text
from vostool.metrics.overlaps import overlap_of
from vostool.metrics.polygon_raster import PYSOT
from vostool.metrics.vot import FAILED, SKIPPED, STARTED
from vostool.tracking.base import Tracker
from vostool.tracking.box_files import file_name
from vostool.tracking.loop import (
    SequenceResult,
    begin,
    blaming_tracker,
    check_sizes,
    checked_labels,
    for_tracker,
)
from vostool.tracking.pipeline import Gate, decoded
from vostool.tracking.reported_region import Shape, reported
from vostool.tracking.timing import StepTime, Stopwatch
from vostool.types import Floats, Frame, Prompt, RegionSequence

SKIP = 5  # frames from a failure to the next start


@dataclass(frozen=True, slots=True)
class Restarts:
    """Trackers are started anew after a failure, as in VOT.

    Args:
        region: what is written of what a tracker gives.
        repetitions: of the experiment; a tracker that gives the same twice is not asked again.
    """

    region: Shape = "auto"
    repetitions: int = 1

    @property
    def passes(self) -> int:
        """Return how often each sequence is tracked at most."""
        return self.repetitions

    def recorded(self) -> dict[str, Any]:
        """Return what `run.json` says of it."""
        return asdict(self)

    def track(
        self,
        tracker: Tracker,
        dataset: RegionDataset,
        sequence: RegionSequence,
        folder: Path,
        stopwatch: Stopwatch,
        on_frame: Callable[[], None] = lambda: None,
    ) -> SequenceResult:
        """Track a sequence as often as asked and write its result files into a folder.

        Args:
            tracker: built and warmed up.
            dataset: gives the prompts.
            sequence: what to track.
            folder: where the files go.
            stopwatch: times each step.
            on_frame: called after every frame of every repetition.

        Raises:
            DatasetError: a frame cannot be read or is of another size.
            ContractError: the tracker returned something that is no label map, or no region.
        """
        start = time.perf_counter()
        steps: list[StepTime] = []
        one_pass = _Pass(dataset, sequence, self.region, stopwatch, on_frame)
        seeded = tracker.runtime
        first = ""
        try:
            for repetition in range(1, self.repetitions + 1):
                tracker.runtime = replace(seeded, seed=seeded.seed + repetition - 1)
                one_pass.run(tracker, restarts=True)
                text = one_pass.text()
                if repetition == 2 and text == first:  # whatever the seed: it is deterministic
                    break
                first = first or text
                name = file_name(sequence.name, repetition)
                write_text(folder / name, text)
                if any(one_pass.confidences):
                    values = Path(name).with_suffix("").name + "_confidence.value"
                    write_text(folder / values, "\n".join(one_pass.confidences) + "\n")
                steps += one_pass.steps
        finally:
            tracker.runtime = seeded
        seconds = time.perf_counter() - start
        return SequenceResult(sequence.name, steps, seconds, stopwatch.peak_mb())


@dataclass(frozen=True, slots=True)
class OnePass:
    """Trackers go on whatever happens, as in OTB.

    Args:
        region: what is written of what a tracker gives.
        repetitions: recorded, and of no effect.
    """

    region: Shape = "auto"
    repetitions: int = 1

    @property
    def passes(self) -> int:
        """Return how often each sequence is tracked."""
        return 1

    def recorded(self) -> dict[str, Any]:
        """Return what `run.json` says of it."""
        return asdict(self)

    def track(
        self,
        tracker: Tracker,
        dataset: RegionDataset,
        sequence: RegionSequence,
        folder: Path,
        stopwatch: Stopwatch,
        on_frame: Callable[[], None] = lambda: None,
    ) -> SequenceResult:
        """Track a sequence and write its result file into a folder, see `Restarts.track`."""
        start = time.perf_counter()
        one_pass = _Pass(dataset, sequence, self.region, stopwatch, on_frame)
        one_pass.run(tracker, restarts=False)
        write_text(folder / f"{sequence.name}.txt", one_pass.text())
        seconds = time.perf_counter() - start
        return SequenceResult(sequence.name, one_pass.steps, seconds, stopwatch.peak_mb())


class _Pass:
    """One pass over a sequence: what is written of it, and how long its steps took."""

    def __init__(
        self,
        dataset: RegionDataset,
        sequence: RegionSequence,
        shape: Shape,
        stopwatch: Stopwatch,
        on_frame: Callable[[], None],
    ) -> None:
        self.sequence = sequence
        self.lines: list[str] = []
        self.confidences: list[str] = []
        self.steps: list[StepTime] = []
        self._dataset, self._shape = dataset, shape
        self._stopwatch, self._on_frame = stopwatch, on_frame

    def text(self) -> str:
        """Return the result file."""
        return "\n".join(self.lines) + "\n"

    def run(self, tracker: Tracker, *, restarts: bool) -> None:
        """Track the sequence.

        Args:
            tracker: to be run.
            restarts: it is started anew five frames after it has lost the object, which is when
                the overlap with the ground truth is zero; starts and failures are written as codes.
        """
        self.lines, self.confidences, self.steps = [], [], []
        gate = Gate(open=tracker.runtime.device != "cpu")
        due = 0  # the next frame on which it is started
        shape: tuple[int, ...] | None = None
        with closing(decoded(self.sequence.frames, gate)) as frames:
            for index, frame in enumerate(frames):
                shape = shape or frame.shape
                check_sizes(self.sequence, index, frame, (), shape)
                if index < due:
                    self._write(str(SKIPPED))
                elif index == due:
                    begin(tracker)
                    prompt = self._dataset.prompt(self.sequence, index, tracker.init)
                    self._step(tracker, index, frame, (prompt,), gate)
                    box = format_region(self.sequence.truth.row(index))
                    self._write(str(STARTED) if restarts else box)
                else:
                    values = self._step(tracker, index, frame, (), gate)
                    if not restarts:
                        self._write(format_region(np.zeros(4) if values is None else values))
                    elif values is not None and self._meets(values, index):
                        self._write(format_region(values))
                    else:
                        self._write(str(FAILED))
                        due = index + SKIP
                due = due if index != due else -1
                self._on_frame()

    def _write(self, line: str) -> None:
        self.lines.append(line)
        self.confidences += [""] * (len(self.lines) - len(self.confidences))

    def _step(
        self, tracker: Tracker, index: int, frame: Frame, prompts: tuple[Prompt, ...], gate: Gate
    ) -> Floats | None:
        """Do a step; returns the object's region on frames on which it is not given."""
        name = self.sequence.frame_name(index)
        where = f"on frame {name} of sequence '{self.sequence.name}'"
        given = for_tracker(tracker.init, prompts)
        with gate.step(), blaming_tracker(where):
            labels, ms = self._stopwatch.time(tracker.step, frame, given)
        labels = checked_labels(labels, frame, {OBJECT}, where)
        self.steps.append(StepTime(self.sequence.name, name, 1, len(prompts), ms))
        if prompts:
            return None
        with blaming_tracker(where):
            regions = tracker.regions()
        values = reported(self._shape, labels, regions, OBJECT, where)
        region = regions.get(OBJECT)
        if region is not None and region.confidence is not None:
            self.confidences.append(f"{region.confidence:.6f}")
        return values

    def _meets(self, values: Floats, index: int) -> bool:
        """Return True if a region overlaps with the ground truth, as pysot decides it."""
        truth = self.sequence.truth.row(index)
        return overlap_of(values, truth, self.sequence.size, PYSOT) > 0
