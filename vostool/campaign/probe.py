"""A short measurement of a tracker on a dataset, where nothing like it was run before."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from vostool.campaign.rates import Rate, Sample, rate_of
from vostool.datasets.clips import Clips
from vostool.execution.process_state import ProcessState
from vostool.tracking.experiments import Experiment
from vostool.tracking.job import Job
from vostool.tracking.loop import warm_up
from vostool.tracking.timing import StepTime, stopwatch_for
from vostool.types import Clip, Sequence

FRAMES = 24  # of a sequence that are tracked
SECONDS = 20.0  # after which no other sequence is begun
SEQUENCES = 2  # that are tracked


def probe(job: Job, dataset: Clips[Any], missing: tuple[Clip, ...], experiment: Experiment) -> Rate:
    """Track the first frames of a few sequences, and throw the results away.

    Args:
        job: the tracker.
        dataset: what is to be tracked.
        missing: its sequences that are, of which those of middle length are taken.
        experiment: how.

    Raises:
        VostoolError: the tracker or the dataset fails, as it would in the run.
    """
    with ProcessState().active():  # what the tracker sets is of no concern to the others
        return _measured(job, dataset, missing, experiment)


def _measured(
    job: Job, dataset: Clips[Any], missing: tuple[Clip, ...], experiment: Experiment
) -> Rate:
    tracker = job.build()
    stopwatch = stopwatch_for(job.runtime.device)
    ordered = sorted(missing, key=len)
    middle = max(0, (len(ordered) - SEQUENCES) // 2)
    samples = []
    begun = time.perf_counter()
    for number, sequence in enumerate(ordered[middle : middle + SEQUENCES]):
        if number and time.perf_counter() - begun > SECONDS:
            break
        short = _beginning(sequence)
        if not number:
            warm_up(tracker, dataset, short)
        with tempfile.TemporaryDirectory(prefix="vostool-probe-") as folder:
            result = experiment.track(tracker, dataset, short, Path(folder), stopwatch)
        samples.append(_sample(sequence, result.steps, result.seconds, result.objects))
    rate = rate_of(samples, "probe")
    assert rate is not None
    return rate


def _beginning(sequence: Clip) -> Clip:
    """Return the first frames of a sequence."""
    frames = sequence.frames[:FRAMES]
    if isinstance(sequence, Sequence):
        annotations = {i: p for i, p in sequence.annotations.items() if i < len(frames)}
        return replace(sequence, frames=frames, annotations=annotations)
    return replace(sequence, frames=frames)


def _sample(sequence: Clip, steps: list[StepTime], seconds: float, objects: int) -> Sample:
    """Return what the whole sequence would take: starts once, and all other frames alike."""
    starts = sum(step.ms for step in steps if step.prompts) / 1e3
    inside = sum(step.ms for step in steps if not step.prompts) / 1e3
    outside = seconds - starts - inside
    tracked = max(1, sum(not step.prompts for step in steps))
    more = (len(sequence) - len(steps)) / tracked
    whole_inside = starts + inside * (1 + more)
    whole = whole_inside + outside * len(sequence) / len(steps)
    return Sample(len(sequence), max(1, objects), whole, whole_inside)
