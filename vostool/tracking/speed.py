"""Measuring a tracker alone: frames in memory, nothing else running, repeated."""

import re
from dataclasses import dataclass

import numpy as np

from vostool.datasets import synthetic
from vostool.errors import UsageError
from vostool.io.label_maps import box_of
from vostool.tracking.base import Tracker
from vostool.tracking.job import Job
from vostool.tracking.loop import begin, for_tracker
from vostool.tracking.timing import Speed, StepTime, Stopwatch, speed_of, stopwatch_for
from vostool.types import Frame, Prompt

SIZES = {"480p": (480, 854), "720p": (720, 1280), "1080p": (1080, 1920), "2160p": (2160, 3840)}


@dataclass(frozen=True, slots=True)
class Measurement:
    """Speeds of repeated runs over the same clip.

    Args:
        repeats: one per repetition, warm-up left out.
        protocol: name of the fps protocol.
        peak_mb: memory of the process or device, None where it is unknown.
    """

    repeats: list[Speed]
    protocol: str
    peak_mb: float | None


def parse_size(text: str) -> tuple[int, int]:
    """Turn `480p` or `WIDTHxHEIGHT` into (height, width).

    Raises:
        UsageError: it is neither.
    """
    if text in SIZES:
        return SIZES[text]
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or min(int(match[1]), int(match[2])) < 16:
        known = ", ".join(SIZES)
        raise UsageError(f"A size is {known} or WIDTHxHEIGHT of at least 16, not '{text}'.")
    return int(match[2]), int(match[1])


def measure(
    job: Job, objects: int, size: tuple[int, int], frames: int, repeats: int
) -> Measurement:
    """Time a tracker on a synthetic clip, once for warm-up and then repeatedly.

    Args:
        job: resolved tracker, configuration and device.
        objects: number of objects, prompted on the first frame.
        size: (height, width) of the frames.
        frames: length of the clip.
        repeats: number of timed passes.
    """
    tracker = job.build()
    clip = [frame for frame, _ in synthetic.clip("translation", size=size, frames=frames)]
    prompts = disks(objects, size)
    stopwatch = stopwatch_for(job.runtime.device)
    passes = [timed_pass(tracker, clip, prompts, stopwatch) for _ in range(repeats + 1)]
    speeds = [speed_of(steps) for steps in passes[1:]]
    return Measurement(speeds, stopwatch.protocol, stopwatch.peak_mb())


def disks(objects: int, size: tuple[int, int]) -> tuple[Prompt, ...]:
    """Return prompts for disks on a grid: any number of objects that do not touch."""
    height, width = size
    columns = int(np.ceil(np.sqrt(objects * width / height)))
    rows = int(np.ceil(objects / columns))
    cell = min(height / rows, width / columns)
    radius = max(1.0, min(0.4 * cell, 0.15 * height))
    y, x = np.ogrid[:height, :width]
    prompts = []
    for i in range(objects):
        centre_y = (i // columns + 0.5) * height / rows
        centre_x = (i % columns + 0.5) * width / columns
        mask = (y - centre_y) ** 2 + (x - centre_x) ** 2 <= radius**2
        box = box_of(mask)
        if box is None:
            raise UsageError(f"{objects} objects do not fit into {width}x{height} pixels.")
        prompts.append(Prompt(i + 1, 0, box, mask))
    return tuple(prompts)


def timed_pass(
    tracker: Tracker, clip: list[Frame], prompts: tuple[Prompt, ...], stopwatch: Stopwatch
) -> list[StepTime]:
    """Time every step over a clip, with prompts on its first frame; `speed_of` sums it up."""
    begin(tracker)
    steps = []
    for index, frame in enumerate(clip):
        given = prompts if index == 0 else ()
        _, ms = stopwatch.time(tracker.step, frame, for_tracker(tracker.init, given))
        steps.append(StepTime("clip", f"{index:05}", len(prompts), len(given), ms))
    return steps
