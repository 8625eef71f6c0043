"""What a training would cost, measured over a few steps without writing anything."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from vostool.tracking.timing import stopwatch_for
from vostool.training.distributed import Ranks
from vostool.training.job import TrainJob
from vostool.training.learner import Learner
from vostool.training.loop import begin, learn, read_weights
from vostool.training.prefetch import Prefetcher

WARM_UP = 2


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
        steps: that were measured.
        seconds: that all steps of the configuration will take at this speed.
    """

    parameters: int
    learning: int
    forward_flops: float
    step_flops: float
    memory_mb: float | None
    pairs_per_s: float
    steps: int
    seconds: float


def estimate(job: TrainJob, steps: int = 5, seconds: float = 20.0) -> Estimate:
    """Train a few steps from the start, and throw them away.

    Args:
        job: what to train.
        steps: to measure.
        seconds: after which to measure no further step.
    """
    settings, ranks = job.settings, Ranks()
    device = ranks.device(job.device)
    stopwatch = stopwatch_for(job.device)
    task = begin(job, None, ranks, device)
    learner = Learner(task, settings, device, ranks, read_weights(job))
    model = learner.model(0)
    parameters = list(learner.network.parameters())
    batch = task.batch(0, learner.split.samples(0))
    forward, both = count_flops(model, batch)
    learner.optimizer.zero_grad(set_to_none=True)
    pairs = len(next(iter(batch.values())))

    with Prefetcher(task, enabled=settings.prefetch) as batches:
        for step in range(WARM_UP):
            learn(batches, learner, ranks, step)
        _finish(device)
        begun = time.perf_counter()
        done = 0
        while done < steps and (done == 0 or time.perf_counter() - begun < seconds):
            learn(batches, learner, ranks, WARM_UP + done)
            _finish(device)
            done += 1
    each = (time.perf_counter() - begun) / done
    return Estimate(
        parameters=sum(p.numel() for p in parameters),
        learning=sum(p.numel() for p in parameters if p.requires_grad),
        forward_flops=forward / pairs,
        step_flops=both / pairs,
        memory_mb=stopwatch.peak_mb(),
        pairs_per_s=settings.batch / each,
        steps=done,
        seconds=each * settings.steps,
    )


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
