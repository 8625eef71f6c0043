"""Time the evaluator as users run it: whole processes, one core, interleaved with its peers.

    python benchmarks/bench_eval.py --masks FOLDER [--peer NAME='COMMAND'] [--rounds 3]

FOLDER holds label maps, <sequence>/<frame>.png; they serve as ground truth, and predictions are
made of them by drifting, growing and dropping. Without it, masks of the synthetic dataset are drawn
at 480p. A peer is any command; {davis}, {truth} and {masks} in it stand for the DAVIS-2017 folder,
its `Annotations/480p` and the predictions. With the official evaluator and vos-benchmark beside the
project:

    --peer official='python evaluation_method.py --davis_path {davis} --results_path {masks}
                     --task semi-supervised --set val'
    --peer vos-benchmark='python benchmark.py -g {truth} -m {masks} -n 1 -d'

Everything is run once to warm up, and then in turn, A B C A B C, so that a machine whose speed
drifts is fair to all. The table gives medians and the ratio to vostool of the same round.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vostool.datasets import synthetic
from vostool.masks import read_labels, write_labels
from vostool.metrics.frame import common_window, frame_scores
from vostool.provenance import versions
from vostool.report.leaderboard import markdown_table
from vostool.sequence import Labels

FLOOR = (
    "import sys, pathlib; from vostool.png import decode\n"
    "for folder in sys.argv[1:]:\n"
    "    for path in pathlib.Path(folder).glob('*/*.png'): decode(path.read_bytes())"
)


@dataclass(frozen=True)
class Cost:
    """What one process used: seconds of wall clock, seconds of user CPU, peak memory in MB."""

    wall: float
    user: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masks", type=Path, help="folder of label maps to serve as ground truth")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/bench_eval.md"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        davis, masks, about = build(Path(folder), options.masks)
        commands = command_lines(davis, masks, Path(folder), options.peer)
        costs = interleaved(commands, options.rounds)
    text = report(about, costs, options.rounds) + growth()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    print(text)


def build(folder: Path, given: Path | None) -> tuple[Path, Path, str]:
    """Write a DAVIS-2017 folder and predictions for it; returns both and what they are."""
    davis, masks = folder / "DAVIS", folder / "masks"
    truth = davis / "Annotations" / "480p"
    frames = objects = 0
    for name, maps in sequences(given):
        (masks / name).mkdir(parents=True)
        (truth / name).mkdir(parents=True)
        (davis / "JPEGImages" / "480p" / name).mkdir(parents=True)
        for index, labels in enumerate(maps):
            objects += int(labels.max()) if index == 0 else 0
            frames += 1
            write_labels(truth / name / f"{index:05}.png", labels)
            write_labels(masks / name / f"{index:05}.png", perturbed(labels, index))
            # The official evaluator counts the frames and never reads them.
            (davis / "JPEGImages" / "480p" / name / f"{index:05}.jpg").touch()
    lists = davis / "ImageSets" / "2017"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("\n".join(sorted(p.name for p in truth.iterdir())) + "\n")
    return davis, masks, f"{frames} frames, {objects} objects, 480p"


def sequences(given: Path | None) -> Iterator[tuple[str, Iterator[Labels]]]:
    """Yield the names and label maps of the given folder, or of the synthetic dataset."""
    if given is None:
        for name in synthetic.SEQUENCES:
            yield name, (labels for _, labels in synthetic.clip(name, size=(480, 854)))
    else:
        for folder in sorted(path for path in given.iterdir() if path.is_dir()):
            yield folder.name, (read_labels(path) for path in sorted(folder.glob("*.png")))


def perturbed(labels: Labels, index: int) -> Labels:
    """Make a prediction of a label map: it drifts, and frays at the edges."""
    drift = index % 13 - 6
    moved = np.roll(labels, (drift, 2 * drift), (0, 1))
    noise = np.random.default_rng(index).random(labels.shape) < 0.02
    return np.where(noise & (moved != labels), labels, moved)


def command_lines(davis: Path, masks: Path, folder: Path, peers: list[str]) -> dict[str, list[str]]:
    """Return name -> command of everything that is timed."""
    truth = davis / "Annotations" / "480p"
    vostool = [sys.executable, "-m", "vostool", "eval", "--dataset", "DAVIS2017"]
    commands = {
        "vostool eval": [
            *(*vostool, "--root", str(davis), "--masks", str(masks)),
            *("--out", str(folder / "out"), "--fresh"),
        ],
        "vostool eval, again": [
            *(*vostool, "--root", str(davis), "--masks", str(masks)),
            *("--out", str(folder / "out"), "--results", str(folder / "results")),
        ],
        "decoding both sets": [sys.executable, "-c", FLOOR, str(truth), str(masks)],
    }
    for peer in peers:
        name, _, command = peer.partition("=")
        filled = command.format(davis=davis, truth=truth, masks=masks)
        commands[name] = shlex.split(filled)
    return commands


def interleaved(commands: dict[str, list[str]], rounds: int) -> dict[str, list[Cost]]:
    """Run all commands in turn on one core; the first round warms up and is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            cost = timed(command)
            print(f"round {number}: {name}: {cost.wall:.2f} s", file=sys.stderr)
            if number:
                costs[name].append(cost)
    return costs


def timed(command: list[str]) -> Cost:
    """Run a process pinned to one core and return what it used."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"This command failed: {shlex.join(command)}")
    return Cost(time.perf_counter() - start, usage.ru_utime, usage.ru_maxrss / 1024)


def report(about: str, costs: dict[str, list[Cost]], rounds: int) -> str:
    """Return the table of costs and ratios as markdown."""
    ours = costs["vostool eval"]
    rows = []
    for name, all_costs in costs.items():
        wall, user = (
            statistics.median(
                getattr(c, key) / getattr(o, key) for c, o in zip(all_costs, ours, strict=True)
            )
            for key in ("wall", "user")
        )
        medians = [statistics.median(getattr(c, k) for c in all_costs) for k in ("wall", "user")]
        peak = max(c.peak for c in all_costs)
        cells = [*(f"{m:.2f}" for m in medians), f"{wall:.2f}", f"{user:.2f}", f"{peak:.0f}"]
        rows.append([name, *cells])
    headings = ["", "wall s", "user CPU s", "wall / vostool", "user / vostool", "peak MB"]
    what = ", ".join(f"{key} {value}" for key, value in versions().items())
    return (
        f"# Scoring speed\n\n{about}; whole processes with start-up, pinned to one core, {rounds} "
        f"interleaved rounds after a warm-up, medians; ratios are taken round by round. {what}.\n\n"
        f"{markdown_table(headings, rows, set(range(1, 6)))}\n\n"
        "`decoding both sets` is the floor: both sets decoded with the same decoder, start-up "
        "included, nothing else done. `again` reuses the scores of unchanged masks.\n"
    )


def growth() -> str:
    """Return how the time for one frame grows with objects and size, as markdown."""
    rows = []
    for height, width in ((240, 427), (480, 854), (1080, 1920), (2160, 3840)):
        cells = [f"{frame_ms(height, width, objects):.2f}" for objects in (1, 5, 20, 50)]
        rows.append([f"{height}p", *cells])
    headings = ["ms per frame", "1 object", "5", "20", "50"]
    return (
        "\n## How it grows\n\nOne frame scored in memory, objects are disks that share a tenth of "
        f"the image.\n\n{markdown_table(headings, rows, set(range(1, 5)))}\n"
    )


def frame_ms(height: int, width: int, objects: int) -> float:
    """Return the median milliseconds of scoring one frame with that many objects."""
    y, x = np.ogrid[:height, :width]
    labels = np.zeros((height, width), np.uint8)
    columns = int(np.ceil(np.sqrt(objects)))
    radius = np.sqrt(0.1 * height * width / objects / np.pi)
    for i in range(objects):
        centre_y = (i // columns + 0.5) * height / columns
        centre_x = (i % columns + 0.5) * width / columns
        labels[(y - centre_y) ** 2 + (x - centre_x) ** 2 <= radius**2] = i + 1
    prediction = perturbed(labels, 3)
    times = []
    for _ in range(9):
        start = time.perf_counter()
        pair = common_window(prediction, labels)
        list(
            frame_scores(
                *pair, range(1, objects + 1), radius=int(np.ceil(0.008 * np.hypot(height, width)))
            )
        )
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


if __name__ == "__main__":
    main()
