"""Time trackers alone, all configurations in turn, and say where their time goes.

    python benchmarks/bench_track.py [--only NAME ...] [--objects 1 3 10] [--frames 30] [--rounds 5]
        [--device cpu] [--threads N] [--out FILE]

Every row is a configuration in a precision. A clip of 480p frames lies in memory. Each round passes
over it once with every row, A B C A B C, so that a machine whose speed drifts is fair to all; the
first round warms up and is left out. fps is tracked frames over the time inside `step`, the median
of the rounds; the first frame is not counted. Weights are those that come along, else random ones:
they decide what is found, not how long it takes.

The shares of time are a profile of one further pass with one object.
"""

import argparse
import datetime
import shlex
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from vostool.datasets import synthetic
from vostool.environment import device_name, versions
from vostool.report.leaderboard.markdown import markdown_table
from vostool.tracking.base import Tracker
from vostool.tracking.job import RunRequest, prepare
from vostool.tracking.speed import disks, timed_pass
from vostool.tracking.timing import speed_of, stopwatch_for
from vostool.types import Frame
from vostool.workspace import Workspace
from vostool_trackers.siamese.inference.following import PREFIX

ROWS = (
    ("siampolar/car", ("fp32", "bf16")),
    ("siampolar/car_lite0", ("fp32", "bf16")),
    ("siampolar/car_r18", ("fp32", "bf16")),
    ("siampolar/car_r50", ("fp32", "bf16")),
    ("siampolar/sym_r50", ("fp32", "bf16")),
    ("siampolar/asym_r50", ("fp32", "bf16")),
    ("siampolar/asym_light", ("fp32", "bf16")),
)
SIZE = (480, 854)


@dataclass
class Row:
    """A tracker, built, and what was measured: fps by number of objects, one value per round."""

    name: str
    precision: str
    tracker: Tracker
    fps: dict[int, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [name for name, _ in ROWS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="configurations")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, help="of torch on a CPU")
    parser.add_argument("--out", type=Path, default=Path("results/bench_track.md"))
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    rows = [
        _row(name, precision, asked.device)
        for name, precisions in ROWS
        if name in asked.only
        for precision in precisions
    ]
    clip = [frame for frame, _ in synthetic.clip("translation", size=SIZE, frames=asked.frames)]
    for count in asked.objects:
        _measure(rows, clip, count, asked.rounds)
    text = _report(rows, clip, asked.objects, asked.rounds)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    print(text)


def _row(name: str, precision: str, device: str) -> Row:
    request = RunRequest(name, device=device, precision=precision)
    tracker = prepare(request, Workspace.find(), random_weights=True).build()
    return Row(name, precision, tracker, defaultdict(list))


def _measure(rows: list[Row], clip: list[Frame], objects: int, rounds: int) -> None:
    prompts = disks(objects, SIZE)
    for number in range(rounds + 1):
        for row in rows:
            stopwatch = stopwatch_for(row.tracker.runtime.device)
            speed = speed_of(timed_pass(row.tracker, clip, prompts, stopwatch))
            if number:
                row.fps[objects].append(speed.fps)


def _shares(row: Row, clip: list[Frame]) -> dict[str, float]:
    """Return the share of each stage of a step, of the time that all stages take."""
    device = row.tracker.runtime.device
    row.tracker.reset()
    row.tracker.step(clip[0], disks(1, SIZE))
    activities = [ProfilerActivity.CPU]
    if device.startswith("cuda"):
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities, acc_events=True) as profiled:
        for frame in clip[1:]:
            row.tracker.step(frame, ())
    spent = {
        # The row of the CPU also sums up the kernels that its calls started.
        event.key.removeprefix(PREFIX): float(
            event.device_time_total if device.startswith("cuda") else event.cpu_time_total
        )
        for event in profiled.key_averages()
        if event.key.startswith(PREFIX) and event.device_type == DeviceType.CPU
    }
    total = sum(spent.values())
    return {name: time / total for name, time in spent.items()}


def _report(rows: list[Row], clip: list[Frame], objects: list[int], rounds: int) -> str:
    header = ["configuration", "precision"]
    for count in objects:
        header += [f"fps, {count}", f"fps x objects, {count}"]
    lines = []
    shares = []
    for row in rows:
        line = [row.name, row.precision]
        for count in objects:
            fps = statistics.median(row.fps[count])
            spread = (max(row.fps[count]) - min(row.fps[count])) / fps
            line += [f"{fps:.1f} (+-{50 * spread:.0f} %)", f"{fps * count:.0f}"]
        lines.append(line)
        parts = sorted(_shares(row, clip).items(), key=lambda part: -part[1])
        told = ", ".join(f"{name} {100 * share:.0f} %" for name, share in parts)
        shares.append([row.name, row.precision, told])
    runtime = rows[0].tracker.runtime
    device = device_name(runtime.device)
    version = versions()["torch"]
    return "\n".join(
        [
            "# Speed of tracking",
            "",
            f"{datetime.date.today()}, {device}, {torch.get_num_threads()} threads, torch "
            f"{version}. {len(clip)} frames of 854x480, {rounds} interleaved rounds, one after the "
            f"other with all rows; median, and half the range. Made by `{_command()}`.",
            "",
            markdown_table(header, lines, set(range(2, len(header)))),
            "",
            "Where the time goes, one object:",
            "",
            markdown_table(["configuration", "precision", "share of a step"], shares, set()),
            "",
        ]
    )


def _command() -> str:
    options = shlex.join(sys.argv[1:])
    return f'make bench-track BENCH_TRACK="{options}"' if options else "make bench-track"


if __name__ == "__main__":
    main()
