"""Measure what recording a finished sequence takes in runs of 100 to 100,000, and starting again.

    python benchmarks/bench_commits.py [--before CHECKOUT] [--out FILE]

A run folder with so many recorded sequences is made, each with one mask and the times of 27 frames.
One more sequence is recorded, 20 times (5 in the largest). Then the folder is opened as a second
`vostool run` does: read, compared with what is there, tidied. `--before` is a checkout of an
earlier version whose code is measured by the same script, in turn. The section is put into the
results of `bench_scale.py`.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

SIZES = (100, 10_000, 100_000)
FRAMES = 27  # of a sequence of YouTube-VOS, on average, at 6 frames a second
SECTION = "## Recording a sequence"


def measure(sizes: list[int], folder: Path) -> dict[int, dict[str, float]]:
    """Return by recorded sequences the seconds of a commit and of a start."""
    from vostool.runs.folder import Finished, Manifest, RunFolder, SequenceStatus
    from vostool.tracking.timing import StepTime

    status = SequenceStatus("0123456789abcdef", "fedcba9876543210", 1, 2, 12.345678, 1, "CPU", 1.5)
    about = dict.fromkeys(
        ("run", "tracker", "config_name", "code", "init", "dataset", "split"), "x"
    )
    about |= dict.fromkeys(("root", "device", "device_name", "precision", "fps_protocol"), "x")
    whole = Manifest(**about, config={}, weights=None, seed=0, versions={}, git=None, created="x")

    def finished(run: RunFolder, name: str) -> Finished:
        partial = run.partial(name)
        (partial / "00000.png").touch()
        steps = [StepTime(name, f"{i:05d}", 2, int(i == 0), 12.345678) for i in range(FRAMES)]
        return Finished(name, partial, status, steps)

    seconds = {}
    for size in sizes:
        run = RunFolder(folder / str(size))
        with run.locked():
            group = [finished(run, f"{number:06d}") for number in range(size)]
            manifest = replace(whole, sequences={})
            run.commit_all(manifest, group)
            del group
            commits = []
            for number in range(5 if size > 10_000 else 20):
                more = finished(run, f"more-{number}")
                begun = time.perf_counter()
                run.commit_all(manifest, [more])
                commits.append(time.perf_counter() - begun)
        again = RunFolder(run.path)
        with again.locked():
            begun = time.perf_counter()
            read = again.manifest()
            again.tidy(read)
            start = time.perf_counter() - begun
        assert len(read.sequences) == len(manifest.sequences)
        assert read.sequences == manifest.sequences
        seconds[size] = {"commit": statistics.median(commits), "start": start}
        shutil.rmtree(run.path)
    return seconds


def measured(checkout: Path | None) -> dict[int, dict[str, float]]:
    """Return what another process measures, with the vostool of a checkout or this one."""
    path = {"PYTHONPATH": str(checkout)} if checkout else {}
    command = [sys.executable, __file__, "--measure"]
    found = subprocess.run(
        command, env=os.environ | path, check=True, stdout=subprocess.PIPE, text=True
    )
    return {int(size): each for size, each in json.loads(found.stdout).items()}


def section(now: dict[int, dict[str, float]], before: dict[int, dict[str, float]] | None) -> str:
    """Return the section as markdown."""
    from vostool.environment import device_name
    from vostool.report.leaderboard.markdown import markdown_table

    headings = ["recorded sequences", "a commit", "a start"]
    if before:
        headings = ["recorded sequences", "commit before", "commit", "start before", "start"]
    rows = []
    for size, each in now.items():
        cells = [f"{1e3 * each['commit']:.2f} ms", f"{each['start']:.2f} s"]
        if before:
            earlier = before[size]
            cells.insert(0, f"{1e3 * earlier['commit']:.2f} ms")
            cells.insert(2, f"{earlier['start']:.2f} s")
        rows.append([f"{size:,}", *cells])
    largest = max(now)
    about = f"{largest * now[largest]['commit'] / 60:.1f} min"
    if before:
        # A commit takes time in proportion to what is recorded, so half the last one on average.
        hours = largest * before[largest]["commit"] / 2 / 3600
        about += f"; before, when each wrote all of `run.json`, {hours:.0f} h"
    return (
        f"{SECTION}\n\n{datetime.date.today()}, {device_name('cpu')}, a local disk. A sequence of "
        f"{FRAMES} frames is made part of a run that holds so many: its times and its record are "
        "written and its folder renamed (median). A start reads a run, compares it with the masks "
        f"that are there and tidies it. {largest:,} sequences one by one take {about}.\n\n"
        f"{markdown_table(headings, rows, set(range(len(headings))))}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", type=Path, help="checkout of an earlier version")
    parser.add_argument("--out", type=Path, default=Path("results/bench_scale.md"))
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(list(SIZES), Path(folder))))
        return
    before = measured(options.before.resolve()) if options.before else None
    text = section(measured(None), before)
    print(text)
    there = options.out.read_text(encoding="utf-8") if options.out.exists() else "# Scaling\n"
    rest = re.sub(rf"\n{SECTION}\n.*?(?=\n## |\Z)", "", there, flags=re.DOTALL)
    options.out.write_text(f"{rest.rstrip()}\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
