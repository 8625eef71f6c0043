"""Time SiamMask beside the original program: same weights, same frames, in one interleaved run.

    python -m benchmarks.bench_siammask CHECKOUT [--objects 1 5] [--frames 15] [--rounds 5]
        [--device cpu] [--out FILE]

CHECKOUT is a folder with the original (see tests/helpers/original_siammask.py). Its objects are
followed one after the other, as it does, in fp32; ours in one pass, in fp32 and in bf16. Each
round passes once over the clip with every row. fps is frames over the time spent in
tracking, the first frame left out, the median of the rounds; the first round warms up and does not
count.
"""

import argparse
import datetime
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.helpers.original_siammask import Original, network_of, shapes_of
from tests.helpers.seeded import seeded_weights
from tests.helpers.siammask_scenes import GAINS
from vostool.datasets import synthetic
from vostool.environment import device_name, versions
from vostool.report.leaderboard.markdown import markdown_table
from vostool.tracking.base import Runtime
from vostool.tracking.speed import disks
from vostool.types import Frame, Prompt
from vostool_trackers.siammask.network import Shape, SiamMask
from vostool_trackers.siammask.search import Search
from vostool_trackers.siammask.settings import Config
from vostool_trackers.siammask.tracker import FORMATS

SIZE = (480, 854)


class Row(Protocol):
    """A program that follows objects."""

    def start(self, frame: Frame, prompts: tuple[Prompt, ...]) -> None:
        """Take in the objects."""

    def step(self, frame: Frame) -> None:
        """Follow them on the next frame."""


class Theirs:
    """The original, one object after the other."""

    def __init__(self, original: Original) -> None:
        self._original = original
        self._states: list[dict[str, Any]] = []

    def start(self, frame: Frame, prompts: tuple[Prompt, ...]) -> None:
        self._states = [self._original.begin(frame, tuple(p.box)) for p in prompts]

    def step(self, frame: Frame) -> None:
        self._states = [self._original.track(state, frame) for state in self._states]


class Ours:
    """Our tracker, all objects at once."""

    def __init__(self, network: SiamMask, variant: str, precision: str, device: str) -> None:
        runtime = Runtime(device=device, precision=precision)
        self._search = Search(network, Config(variant=variant), runtime)

    def start(self, frame: Frame, prompts: tuple[Prompt, ...]) -> None:
        self._search.forget()
        self._search.step(frame, prompts)

    def step(self, frame: Frame) -> None:
        self._search.step(frame, ())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--variants", nargs="+", default=["sharp"], choices=["base", "sharp"])
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--frames", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("results/bench_siammask.md"))
    asked = parser.parse_args()
    clip = [frame for frame, _ in synthetic.clip("translation", size=SIZE, frames=asked.frames)]
    lines = []
    for variant in asked.variants:
        rows, flops = _rows(asked.checkout, variant, asked.device)
        for count in asked.objects:
            fps = _measured(rows, clip, count, asked.rounds)
            base = statistics.median(fps["original fp32"])
            for name, values in fps.items():
                middle = statistics.median(values)
                spread = 50 * (max(values) - min(values)) / middle
                told = f"{middle:.2f} (+-{spread:.0f} %)"
                ratio = f"{middle / base:.2f}"
                lines.append([variant, str(count), name, told, ratio, f"{flops[name]:.1f}"])
    text = _report(lines, asked)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    print(text)


def _rows(checkout: Path, variant: str, device: str) -> tuple[dict[str, Row], dict[str, float]]:
    """Return the programs by name, and the GFLOPs of one object's step in each."""
    weights = seeded_weights(shapes_of(network_of(checkout, variant)), GAINS)
    network = SiamMask(Shape(variant=variant)).eval()
    renamed = FORMATS[0].renamed(weights)
    assert renamed is not None
    network.load_state_dict(renamed, strict=False)
    rows: dict[str, Row] = {"original fp32": Theirs(Original(checkout, variant, weights))}
    for precision in ("fp32", "bf16"):
        rows[f"vostool {precision}"] = Ours(network, variant, precision, device)
    return rows, {name: _flops(row) for name, row in rows.items()}


def _flops(row: Row) -> float:
    """Return the 10^9 operations of a step with one object."""
    first, second, _ = (frame for frame, _ in synthetic.clip("translation", size=SIZE, frames=3))
    row.start(first, disks(1, SIZE))
    with FlopCounterMode(display=False) as counter:
        row.step(second)
    return counter.get_total_flops() / 1e9


def _measured(
    rows: dict[str, Row], clip: list[Frame], count: int, rounds: int
) -> dict[str, list[float]]:
    """Return the fps of every round but the first."""
    fps: dict[str, list[float]] = defaultdict(list)
    prompts = disks(count, SIZE)
    for number in range(rounds + 1):
        for name, row in rows.items():
            row.start(clip[0], prompts)
            begun = time.perf_counter()
            for frame in clip[1:]:
                row.step(frame)
            if number:
                fps[name].append((len(clip) - 1) / (time.perf_counter() - begun))
    return fps


def _report(lines: list[list[str]], asked: argparse.Namespace) -> str:
    header = ["form", "objects", "program", "fps", "times the original", "GFLOPs an object"]
    return "\n".join(
        [
            "# SiamMask beside the original program",
            "",
            f"{datetime.date.today()}, {device_name(asked.device)}, {torch.get_num_threads()} "
            f"threads, torch {versions()['torch']}. {asked.frames} frames of 854x480, "
            f"{asked.rounds} interleaved rounds; median, and half the range. Same weights, drawn "
            "by their names. By `python -m benchmarks.bench_siammask CHECKOUT`.",
            "",
            markdown_table(header, lines, {1, 3, 4, 5}),
            "",
        ]
    )


if __name__ == "__main__":
    main()
