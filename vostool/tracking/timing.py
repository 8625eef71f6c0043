"""How speed is measured: a stopwatch around `step`, and the figures made of its readings.

Two protocols are named in every table, and numbers under different ones are never ranked together:

    step-cuda   CUDA events around `step` on a synchronised device
    step-wall   wall clock around `step`, on a CPU, with decoding and writing standing still

Both leave decoding, PNG writing and a warm-up out; `fps` also leaves out the frames on which
objects are started, which `init_ms` reports. fps = tracked frames / their time, over the whole
dataset (not the mean of per-sequence rates, which favours the fast ones).
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class WallStopwatch:
    """Time calls by the wall clock."""

    protocol = "step-wall"

    def __init__(self) -> None:
        with contextlib.suppress(OSError):  # Linux: forget the peak of what ran here before
            Path("/proc/self/clear_refs").write_text("5")

    def time(self, call: Callable[..., T], *arguments: Any) -> tuple[T, float]:
        """Return the call's result and its duration in milliseconds."""
        start = time.perf_counter()
        result = call(*arguments)
        return result, (time.perf_counter() - start) * 1e3

    def peak_mb(self) -> float | None:
        """Return the largest resident memory of this process, in MB, where it is known."""
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 2**10
        try:
            import resource
        except ImportError:  # Windows
            return None
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)


class CudaStopwatch:
    """Time calls by CUDA events on the current stream of a synchronised device."""

    protocol = "step-cuda"

    def __init__(self, device: str) -> None:
        import torch

        self._cuda: Any = torch.cuda
        self._device = torch.device(device)
        self._cuda.reset_peak_memory_stats(self._device)

    def time(self, call: Callable[..., T], *arguments: Any) -> tuple[T, float]:
        """Return the call's result and its duration in milliseconds."""
        with self._cuda.device(self._device):
            start = self._cuda.Event(enable_timing=True)
            end = self._cuda.Event(enable_timing=True)
            self._cuda.synchronize()
            start.record()
            result = call(*arguments)
            end.record()
            self._cuda.synchronize()
        return result, float(start.elapsed_time(end))

    def peak_mb(self) -> float:
        """Return the largest memory allocated on the device so far, in MB."""
        return float(self._cuda.max_memory_allocated(self._device)) / 2**20


Stopwatch = WallStopwatch | CudaStopwatch


def stopwatch_for(device: str) -> Stopwatch:
    """Return the stopwatch that is right for a device."""
    return CudaStopwatch(device) if device.startswith("cuda") else WallStopwatch()


@dataclass(frozen=True, slots=True)
class StepTime:
    """One call of `step`.

    Args:
        sequence: name of the sequence.
        frame: name of the frame.
        objects: number of objects followed after the call.
        prompts: number of objects started by the call.
        ms: milliseconds inside the call.
    """

    sequence: str
    frame: str
    objects: int
    prompts: int
    ms: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Figures of a set of steps; NaN where there is nothing to tell.

    Args:
        fps: tracked frames per second inside `step`.
        fps_object: the same, counting each object of each frame.
        p50_ms: median time of a tracked frame.
        p95_ms: 95th percentile of the time of a tracked frame.
        init_ms: mean time of a frame on which objects are started.
    """

    fps: float
    fps_object: float
    p50_ms: float
    p95_ms: float
    init_ms: float


def speed_of(steps: Iterable[StepTime]) -> Speed:
    """Compute the figures from individual steps."""
    steps = list(steps)
    tracked = np.array([step.ms for step in steps if step.prompts == 0])
    objects = sum(step.objects for step in steps if step.prompts == 0)
    starts = np.array([step.ms for step in steps if step.prompts > 0])
    seconds = float(tracked.sum()) / 1e3
    nan = float("nan")
    return Speed(
        fps=len(tracked) / seconds if seconds else nan,
        fps_object=objects / seconds if seconds else nan,
        p50_ms=float(np.percentile(tracked, 50)) if len(tracked) else nan,
        p95_ms=float(np.percentile(tracked, 95)) if len(tracked) else nan,
        init_ms=float(starts.mean()) if len(starts) else nan,
    )
