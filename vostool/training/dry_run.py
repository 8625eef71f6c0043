"""What a training would cost, measured over a few steps without writing anything."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from vostool.tracking.timing import stopwatch_for
from vostool.training.distributed import Ranks
from vostool.training.job import TrainJob
from vostool.training.learner import Learner
from vostool.training.loop import begin, read_weights, train_step
from vostool.training.prefetch import Prefetcher
from vostool.training.task import Task

BUDGET = 45.0  # s; reading data and one pass of one pair come on top
_STEPS = 5  # to measure at most
_ENOUGH = 10.0  # s of measured steps
_FRAMES = 60  # to draw samples from: the time of a step does not depend on how many there are


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was counted and measured.

    Args:
        parameters: of the network.
        learning: those that learn in the first step.
        forward_flops: of one pair, forward; a multiplication with its addition counts as two.
        step_flops: of one pair, forward and backward.
        memory_mb: largest memory of the device, or of the process on a CPU; None where the system
            does not tell.
        pairs_per_s: trained, without validation and checkpoints.
        steps: that were measured; 0 if it was a single pass, the first one.
        pairs: of each of them; fewer than the configuration's batch where that takes too long.
        seconds: that all steps of the configuration will take at this speed.
        sequences: whose frames were read, and how many there are.
    """

    parameters: int
    learning: int
    forward_flops: float
    step_flops: float
    memory_mb: float | None
    pairs_per_s: float
    steps: int
    pairs: int
    seconds: float
    sequences: tuple[int, int]


def estimate(
    job: TrainJob,
    budget: float = BUDGET,
    on_phase: Callable[[str], None] = lambda phase: None,
) -> Estimate:
    """Train a few steps from the start, and throw them away.

    A step of the whole batch is measured if the budget allows it, else one of fewer pairs.

    Args:
        job: what to train.
        budget: seconds for all that is measured; what is under way when they are over is finished.
        on_phase: told what is being done, before it is.
    """
    settings, ranks = job.settings, Ranks()
    device = ranks.device(job.device)
    stopwatch = stopwatch_for(job.device)
    job, sequences = _sampled(job)
    on_phase(f"reading {sequences[0]} of {sequences[1]} sequences")
    task = begin(job, None, ranks, device)
    on_phase("building the network")
    learner = Learner(task, settings, device, ranks, read_weights(job))
    end = time.perf_counter() + budget
    count = _count(task, learner, device, on_phase)
    measured = _measured(task, learner, device, count, end, on_phase)
    parameters = list(learner.network.parameters())
    return Estimate(
        parameters=sum(p.numel() for p in parameters),
        learning=sum(p.numel() for p in parameters if p.requires_grad),
        forward_flops=count.forward,
        step_flops=count.both,
        memory_mb=stopwatch.peak_mb(),
        pairs_per_s=1 / measured.each,
        steps=measured.steps,
        pairs=measured.pairs,
        seconds=measured.each * settings.batch * settings.steps,
        sequences=sequences,
    )


def _sampled(job: TrainJob) -> tuple[TrainJob, tuple[int, int]]:
    """Return the job with the shortest sequences of each dataset, and how many of how many."""
    datasets = []
    for dataset in job.data.datasets:
        frames, names = 0, list[str]()
        for sequence in sorted(dataset.sequences, key=lambda each: len(each.annotations)):
            if frames >= _FRAMES and len(names) > 1:
                break
            frames += len(sequence.annotations)
            names.append(sequence.name)
        datasets.append(dataset.select(names))
    few, all_of_them = (
        sum(len(dataset.sequences) for dataset in some) for some in (datasets, job.data.datasets)
    )
    data = replace(job.data, datasets=tuple(datasets))
    return replace(job, data=data), (few, all_of_them)


@dataclass(frozen=True, slots=True)
class _Count:
    """FLOPs of a pair; how many pairs were in the pass, and the seconds that it took."""

    forward: float
    both: float
    pairs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Measured:
    """Seconds of a pair, over how many steps of how many pairs."""

    each: float
    steps: int
    pairs: int


def _count(
    task: Task, learner: Learner, device: torch.device, on_phase: Callable[[str], None]
) -> _Count:
    """Count a pass of one pair, or of two where a batch norm wants more than one."""

    def counted(pairs: int) -> _Count:
        on_phase(f"counting: {_of(pairs)} forward and backward")
        begun = time.perf_counter()
        forward, both = count_flops(learner.model(0), task.batch(0, range(pairs)))
        learner.optimizer.zero_grad(set_to_none=True)
        _finish(device)
        return _Count(forward / pairs, both / pairs, pairs, time.perf_counter() - begun)

    try:
        return counted(1)
    except ValueError:
        if len(learner.partition.samples(0)) == 1:
            raise
        return counted(2)


def _of(pairs: int) -> str:
    return f"{pairs} pair{'s' * (pairs != 1)}"


def _measured(
    task: Task,
    learner: Learner,
    device: torch.device,
    count: _Count,
    end: float,
    on_phase: Callable[[str], None],
) -> _Measured:
    """Measure steps of as many pairs as there is time for."""
    settings = learner.settings
    steps_done = 0

    def step(pairs: int, what: str) -> float:
        nonlocal steps_done
        on_phase(f"{what}: {_of(pairs)} forward and backward")
        whole = pairs == settings.batch
        learner.settings = settings if whole else replace(settings, batch=pairs, accumulate=1)
        begun = time.perf_counter()
        train_step(Prefetcher(task, enabled=False), learner, Ranks(), steps_done)
        _finish(device)
        steps_done += 1
        return time.perf_counter() - begun

    each = count.seconds / count.pairs
    if time.perf_counter() + count.seconds > end:
        return _Measured(each, 0, count.pairs)
    each = min(each, step(count.pairs, "warming up") / count.pairs)
    # A larger step is done at least twice: once to warm up.
    affordable = int((end - time.perf_counter()) / 2 / each)
    pairs = min(settings.batch, max(affordable, count.pairs))
    if pairs > count.pairs:
        step(pairs, "warming up")
    seconds: list[float] = []
    begun = time.perf_counter()
    while len(seconds) < _STEPS and time.perf_counter() - begun < _ENOUGH:
        if seconds and time.perf_counter() + seconds[-1] > end:
            break
        seconds.append(step(pairs, f"step {len(seconds) + 1} of up to {_STEPS}"))
    return _Measured(sum(seconds) / len(seconds) / pairs, len(seconds), pairs)


def count_flops(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[int, int]:
    """Return the FLOPs of a forward pass of losses, and of forward and backward together."""
    own: dict[Any, Any] = {torch.ops.aten.convolution_backward: _convolution_backward}
    with FlopCounterMode(display=False, custom_mapping=own) as counter:
        total = model(batch)["total"]
        forward = counter.get_total_flops()
        total.backward()
    return int(forward), int(counter.get_total_flops())


def _convolution_backward(
    gradient: Sequence[int], image: Sequence[int], weight: Sequence[int], *rest: Any, **_: Any
) -> int:
    """Count the backward pass of a convolution by the shapes of its tensors.

    Each gradient costs what the forward pass costs. torch's own count forgets the groups: it gives
    a depth-wise convolution as many times too much as it has channels.
    """
    transposed, wanted = rest[4], rest[7]
    places = image if transposed else gradient
    forward = 2 * math.prod(places) * math.prod(weight[1:])
    return forward * (bool(wanted[0]) + bool(wanted[1]))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
