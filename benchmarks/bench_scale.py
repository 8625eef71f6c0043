"""Measure how `vostool run` scales here, and predict how it does on 8 to 512 GPUs.

    python benchmarks/bench_scale.py [--tracker siampolar/car] [--clips 24] [--rounds 3]
        [--out FILE]

Clips are drawn, with lengths as YouTube-VOS has them. They are tracked by whole commands with one
worker on one core, with two processes and with two workers of a local Dask cluster on two, A B C A
B C, so that a machine whose speed drifts is fair to all. What a worker's start, a sequence, a
frame, a task and a commit cost is measured as well and given to the model in `scale_model.py`. What
that says of the two workers is compared with what was seen; then it is asked about sizes that are
not here.
"""

import argparse
import datetime
import platform
import random
import shlex
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import scale_costs
import scale_tables
from scale_costs import Pace, Tracked
from scale_model import Costs, predict

from vostool.environment import device_name, versions
from vostool.report.leaderboard.markdown import markdown_table
from vostool.runs.folder import RunFolder

FLOOR = "copy_first"  # costs nothing itself: its worker decodes frames and writes masks
WAYS = {
    "1 worker": ("--workers", "1"),
    "2 processes": ("--workers", "2"),
    "2 workers of Dask": ("--scheduler", "local-cluster", "--workers", "2"),
}
TASKS = 3000  # empty ones, to time a scheduler


@dataclass
class Measured:
    """What was seen here.

    Args:
        walls: way -> seconds of whole commands, one for each round.
        alone: runs of one worker.
        floor: the same of a tracker that costs nothing.
        again: s of a command that finds everything tracked.
        start: s until a worker has tracked its first frame.
        files: that it opened for that.
        commits: sequences in a run -> s to add one.
        beside: s to add one more at the same time.
        local, dask: s of an empty task.
        opened: s to start a Dask cluster of two.
        creates: small files that are created in a second here.
    """

    walls: dict[str, list[float]]
    alone: list[Tracked]
    floor: list[Tracked]
    again: float
    start: float
    files: int
    commits: dict[int, float]
    beside: float
    local: float
    dask: float
    opened: float
    creates: float

    def costs(self, pace: Pace, *, dask: bool = True) -> Costs:
        """Return the costs of a worker of this pace, on a file system without a limit."""
        most = max(self.commits)
        return Costs(
            begin=self.again + (self.opened if dask else 0.0),
            start=self.start,
            start_files=self.files,
            schedule=self.dask if dask else self.local,
            sequence=pace.sequence,
            frame=pace.frame,
            commit=self.commits[0],
            commit_new=self.beside,
            commit_known=max(0.0, self.commits[most] - self.commits[0]) / most,
            frame_files=2,  # a frame is read, a mask is written
            sequence_files=10,  # the first mask, listings, folders and their renaming
            jitter=pace.jitter,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracker", default="siampolar/car", help="one that needs no --weights")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/bench_scale.md"))
    options = parser.parse_args()
    lengths = scale_tables.youtube_vos(options.clips, random.Random(0))
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "clips"
        scale_costs.draw(root, lengths)
        seen = measure(options.tracker, root, Path(name), options.rounds)
    text = heading(options.tracker, lengths, options.rounds)
    text += here(seen) + costs_table(seen)
    text += scale_tables.predictions(
        seen.costs(pace(seen.alone)), seen.costs(pace(seen.floor)), options.tracker, FLOOR
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    print(text)


def measure(tracker: str, root: Path, folder: Path, rounds: int) -> Measured:
    """Measure everything; whole runs in turn, the first round to warm up."""
    walls: dict[str, list[float]] = {way: [] for way in WAYS}
    alone, floor, again = [], [], []
    results = folder / "results"
    for number in range(rounds + 1):
        for way, options in WAYS.items():
            core = 0 if way == "1 worker" else None
            name = f"{way}-{number}".replace(" ", "-")
            run = scale_costs.tracked(tracker, root, results, name, *options, core=core)
            print(f"round {number}: {way}: {run.wall:.1f} s", file=sys.stderr)
            if number:
                walls[way].append(run.wall)
                alone += [run] if core is not None else []
        name = f"1-worker-{number}"
        again.append(scale_costs.tracked(tracker, root, results, name, core=0).wall)
        if number:
            floor.append(scale_costs.tracked(FLOOR, root, results, f"floor-{number}", core=0))
    start, files = scale_costs.starting(tracker, root, rounds)
    commits, beside = scale_costs.committing(
        RunFolder(next(results.glob("*/1-worker-1"))), folder / "commits"
    )
    local, dask, opened = scale_costs.handing_out(TASKS)
    return Measured(
        walls, alone, floor, statistics.median(again), start, files, commits, beside, local, dask,
        opened, scale_costs.making_files(folder),
    )  # fmt: skip


def pace(runs: list[Tracked]) -> Pace:
    return scale_costs.pace_of(runs, scale_tables.OBJECTS)


def heading(tracker: str, lengths: list[int], rounds: int) -> str:
    """Say on what machine this was, when and how."""
    what = ", ".join(f"{key} {value}" for key, value in versions(("distributed",)).items())
    arguments = [Path(text).name if Path(text).is_absolute() else text for text in sys.argv[1:]]
    command = shlex.join(["python", "benchmarks/bench_scale.py", *arguments])
    return (
        f"# Scaling\n\n{datetime.date.today()}, {device_name('cpu')}, {platform.system()} "
        f"{platform.release()}, {what}.\n\n    {command}\n\n{tracker} on {len(lengths)} drawn "
        f"clips of 854x480, {sum(lengths)} frames, one thread for each library; {rounds} rounds in "
        "turn after a warm-up: medians (least to most).\n"
    )


def here(seen: Measured) -> str:
    """Return the table of one and two workers, with what the model says of two."""
    first = statistics.median(seen.walls["1 worker"])
    rows = []
    for way, walls in seen.walls.items():
        wall = statistics.median(walls)
        workers = 1 if way == "1 worker" else 2
        predicted, error = "", ""
        if workers == 2:
            said = foretold(seen, dask="Dask" in way)
            predicted, error = f"{said:.1f}", f"{100 * (said / wall - 1):+.1f} %"
        spread = f"{wall:.1f} ({min(walls):.1f} to {max(walls):.1f})"
        rows.append([way, spread, f"{100 * first / wall / workers:.0f} %", predicted, error])
    headings = ["", "wall s", "efficiency", "model s", "its error"]
    return (
        "\n## Seen here\n\nWhole commands, start-up included; one worker is kept on one core, two "
        "have both. Efficiency is the time of one worker over that of two times two. The model "
        "gets the seconds of every sequence from the runs of one worker, and the costs below.\n\n"
        f"{markdown_table(headings, rows, {1, 2, 3, 4})}\n"
    )


def foretold(seen: Measured, *, dask: bool) -> float:
    """Return the seconds of the command that the model expects of two workers."""
    by_name: dict[str, tuple[int, list[float]]] = {}
    for run in seen.alone:
        for name, frames, _, seconds in run.sequences:
            by_name.setdefault(name, (frames, []))[1].append(seconds)
    ordered = sorted(by_name.values(), key=lambda each: -each[0])
    tasks = [[frames] for frames, _ in ordered]
    seconds = [statistics.median(each) for _, each in ordered]
    costs = seen.costs(pace(seen.alone), dask=dask)
    return predict(tasks, 2, costs, seconds=seconds).makespan


def costs_table(seen: Measured) -> str:
    """Return the table of costs as markdown."""
    own, floor = pace(seen.alone), pace(seen.floor)
    rows = [
        ["a worker, from its start to its first frame", f"{seen.start:.2f} s"],
        ["files it opens for that", f"{seen.files}"],
        ["a command that finds everything done", f"{seen.again:.2f} s"],
        ["a Dask cluster of two, until it is there", f"{seen.opened:.2f} s"],
        *(
            [f"{name}: {what}", f"{1e3 * value:.1f} ms"]
            for name, each in (("the tracker", own), (FLOOR, floor))
            for what, value in (
                ("a sequence", each.sequence),
                (f"a frame with {scale_tables.OBJECTS} objects", each.frame),
            )
        ),
        ["jitter of a sequence's time", f"{100 * own.jitter:.0f} %"],
        ["an empty task, two processes", f"{1e6 * seen.local:.0f} us, {1 / seen.local:.0f} a s"],
        ["an empty task, Dask", f"{1e6 * seen.dask:.0f} us, {1 / seen.dask:.0f} a s"],
        *(
            [f"one sequence more in a run of {known:,}", f"{1e3 * value:.1f} ms"]
            for known, value in seen.commits.items()
        ),
        ["each further one at the same time", f"{1e3 * seen.beside:.2f} ms"],
        ["files of 2 kB created in a second", f"{seen.creates:.0f}"],
    ]
    return f"\n## What things cost here\n\n{markdown_table(['', 'measured'], rows, {1})}\n"


if __name__ == "__main__":
    main()
