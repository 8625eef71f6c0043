"""Time frames from a store that takes its time, as a table for `docs/object_stores.md`.

    python benchmarks/bench_stores.py [--latency 30] [--repeats 5]

A store in memory that sleeps before it answers; frames of 480p; a tracker that sleeps. What is
compared is `pipeline.decoded` as it is for a store, and as it is for a disk: one thread that stays
four frames ahead. They take turns.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from vostool.datasets.synthetic import make
from vostool.environment import device_name
from vostool.io.storage import place, write_bytes
from vostool.tracking import pipeline

STEPS = (0, 10)  # milliseconds that a step takes


@contextmanager
def late(seconds: float) -> Iterator[None]:
    """Make the store in memory answer late."""
    real = MemoryFileSystem.cat_file

    def slow(self: Any, *args: Any, **options: Any) -> bytes:
        time.sleep(seconds)
        return bytes(real(self, *args, **options))

    MemoryFileSystem.cat_file = slow
    try:
        yield
    finally:
        MemoryFileSystem.cat_file = real


def frames() -> list[Path]:
    """Draw frames of 480p into the store; returns their paths."""
    target = place("memory://frames")
    with tempfile.TemporaryDirectory() as name:
        root = make(Path(name) / "drawn", 0, size=(854, 480), frames=10)
        drawn = sorted((root / "JPEGImages").rglob("*.jpg"))
        for number, path in enumerate(drawn):
            write_bytes(target / f"{number:05d}.jpg", path.read_bytes())
    return [target / f"{number:05d}.jpg" for number in range(len(drawn))]


def rate(paths: list[Path], *, is_open: bool, step: float, plain: bool) -> float:
    """Return frames per second of one pass."""
    remote = pipeline.is_remote
    if plain:
        pipeline.is_remote = lambda path: False
    gate = pipeline.Gate(open=is_open)
    begun = time.perf_counter()
    try:
        with closing(pipeline.decoded(paths, gate)) as decoded:
            for _ in decoded:
                with gate.step():
                    time.sleep(step)
    finally:
        pipeline.is_remote = remote
    return len(paths) / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=30, help="milliseconds of every request")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    paths = frames()
    lines = [
        f"{len(paths)} frames of 854x480, {asked.latency:g} ms for every request, "
        f"{device_name('cpu')}; the median of {asked.repeats} passes, and the range",
        "",
        "| tracker on | a step takes | as from a disk: 1 thread, 4 ahead | from a store | times |",
        "| --- | --: | --: | --: | --: |",
    ]
    with late(asked.latency / 1000):
        for on, is_open in (("CPU", False), ("GPU", True)):
            for step in STEPS:
                found: dict[bool, list[float]] = {True: [], False: []}
                for _ in range(asked.repeats):
                    for plain in (True, False):
                        rates = found[plain]
                        rates.append(rate(paths, is_open=is_open, step=step / 1000, plain=plain))
                cells = [
                    f"{statistics.median(each):.0f} ({min(each):.0f}..{max(each):.0f})"
                    for each in (found[True], found[False])
                ]
                times = statistics.median(found[False]) / statistics.median(found[True])
                lines.append(f"| {on} | {step} ms | {' | '.join(cells)} | {times:.1f} |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
