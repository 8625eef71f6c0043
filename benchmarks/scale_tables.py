"""What the model says of datasets and clusters that are not here, as markdown."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, log

from scale_model import Costs, Prediction, predict

from vostool.execution.distribute import FRAMES, MANY, batches
from vostool.report.leaderboard.markdown import markdown_table

GPUS = (1, 2, 8, 32, 128, 512)
# 1,063 objects in the 507 videos of the validation split (Seo et al., "URVOS", ECCV 2020).
OBJECTS = 2.1
GOOD = 0.8  # efficiency from which a machine is well used
RATES = (2_000.0, 10_000.0, 50_000.0, inf)  # assumed: opens and creates of a file server in 1 s
USUAL = 10_000.0  # the one that the other tables assume
NAMES = {
    "start": "start",
    "main": "main process",
    "scheduler": "scheduler",
    "files": "files",
    "end": "the end",
}
Lengths = list[int]


def youtube_vos(count: int, rng: random.Random) -> Lengths:
    """Draw lengths as of YouTube-VOS: 3 to 6 s, every fifth of 30 frames a second.

    Xu et al., "YouTube-VOS: A Large-Scale Video Object Segmentation Benchmark", 2018; that they are
    uniform is assumed.
    """
    return [rng.randint(18, 36) for _ in range(count)]


def many_videos(count: int, rng: random.Random) -> Lengths:
    """Draw lengths with the mean of SA-V: 196 hours in 50,900 videos, masks at 6 frames a second.

    Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024. That their logarithm is
    normal, with a deviation of 0.6, is assumed, as are the bounds of 4 and 138 s.
    """
    mean = 196 * 3600 / 50_900 * 6
    drawn = (rng.lognormvariate(log(mean) - 0.6**2 / 2, 0.6) for _ in range(count))
    return [round(min(max(length, 24), 828)) for length in drawn]


SETS: tuple[tuple[str, Callable[[int, random.Random], Lengths], int], ...] = (
    ("YouTube-VOS, 507 videos of `valid`", youtube_vos, 507),
    ("YouTube-VOS, all 4,453 videos", youtube_vos, 4453),
    ("100,000 videos", many_videos, 100_000),
)


class Video:
    """A sequence of which only the length is known."""

    def __init__(self, frames: int) -> None:
        self.frames = frames

    def __len__(self) -> int:
        return self.frames


def as_run(lengths: Lengths, most: int | None = None) -> list[Lengths]:
    """Return the tasks that `vostool run --batch MOST` makes, the longest first."""
    return [list(map(len, task)) for task in batches(map(Video, lengths), most)]  # type: ignore[type-var]


def in_any_order(lengths: Lengths) -> list[Lengths]:
    """Return a task for each sequence, in an order that has nothing to do with the lengths."""
    return [[length] for length in lengths]


CHOICES: tuple[tuple[str, Callable[[Lengths], list[Lengths]]], ...] = (
    ("any order, one a task", in_any_order),
    ("longest first, one a task", lambda lengths: as_run(lengths, 0)),
    (f"longest first, {FRAMES} frames a task", lambda lengths: as_run(lengths, FRAMES)),
)


def predictions(own: Costs, floor: Costs, tracker: str, floor_name: str) -> str:
    """Return the section of the model.

    Args:
        own: costs with the tracker's measured times.
        floor: with those of a tracker that costs nothing, as on the fastest of GPUs.
        tracker: its name.
        floor_name: name of the other.
    """
    paces = (
        (f"A GPU as fast as one core here with {tracker}", replace(own, file_rate=USUAL)),
        (
            f"A GPU that takes no time: what remains is decoding and writing ({floor_name})",
            replace(floor, file_rate=USUAL),
        ),
    )
    text = (
        "\n## Predicted\n\nA discrete-event model (`benchmarks/scale_model.py`) with the costs "
        "above, Dask's scheduler and one worker a GPU. Every real GPU lies between the two paces. "
        f"Assumed, not measured: a file server that opens or creates {USUAL:,.0f} files a second "
        "for all together, workers that start at the same time, machines of the same speed. "
        f"Efficiency is tracking time over all workers' time. vostool itself takes the longest "
        f"first, and {FRAMES} frames a task where there are more than {MANY:,} sequences.\n"
    )
    for title, costs in paces:
        text += f"\n### {title}\n"
        for name, draw, count in SETS:
            text += f"\n{efficiencies(name, draw(count, random.Random(1)), costs)}"
    lengths = many_videos(100_000, random.Random(1))
    return text + sweeps(lengths, replace(floor, file_rate=USUAL))


def efficiencies(name: str, lengths: Lengths, costs: Costs) -> str:
    """Return the efficiency of a dataset, by number of GPUs and way to hand it out."""
    rows, usual = [], []
    for choice, tasks_of in CHOICES:
        tasks = tasks_of(lengths)
        found = [predict(tasks, gpus, costs) for gpus in GPUS]
        rows.append([choice, *(f"{100 * each.efficiency:.0f} %" for each in found)])
        if tasks == as_run(lengths):
            usual = found
    rows.append(["time, as vostool does it", *(duration(each.makespan) for each in usual)])
    rows.append(["what loses most then", *(loss(each) for each in usual)])
    headings = [name, *map(_gpus, GPUS)]
    table = markdown_table(headings, rows, set(range(1, len(headings))))
    return f"{table}\n\n{reach(usual)}\n"


def reach(found: Sequence[Prediction]) -> str:
    """Say up to where it scales."""
    good = [gpus for gpus, each in zip(GPUS, found, strict=True) if each.efficiency >= GOOD]
    if not good:
        return f"Nowhere at least {100 * GOOD:.0f} %; what limits: {NAMES[found[0].limit]}."
    if good[-1] == GPUS[-1]:
        return f"At least {100 * GOOD:.0f} % up to {GPUS[-1]} GPUs."
    after = found[GPUS.index(good[-1]) + 1]
    return (
        f"At least {100 * GOOD:.0f} % up to {_gpus(good[-1])}; what limits beyond: "
        f"{NAMES[after.limit]}."
    )


def loss(found: Prediction) -> str:
    """Name what loses most, with its share of all workers' time."""
    share = max(found.lost.values())
    return f"{NAMES[found.limit]} {100 * share:.0f} %" if share >= 0.005 else "nothing"


def sweeps(lengths: Lengths, costs: Costs) -> str:
    """Return how assumptions and remedies change the largest set at the fastest pace."""
    tasks = as_run(lengths)
    variants = [
        (f"as above: {costs.file_rate:,.0f} files a second", costs),
        *(
            (
                f"{rate:,.0f} files a second" if rate < inf else "files without a limit",
                replace(costs, file_rate=rate),
            )
            for rate in RATES
            if rate != costs.file_rate
        ),
        (
            "the same, and a scheduler ten times as fast",
            replace(costs, file_rate=inf, schedule=costs.schedule / 10),
        ),
    ]
    rows = []
    for name, changed in variants:
        cells = []
        for gpus in GPUS[2:]:
            found = predict(tasks, gpus, changed)
            cells.append(f"{100 * found.efficiency:.0f} %, {loss(found)}")
        rows.append([name, *cells])
    headings = ["100,000 videos, no time for tracking", *(f"{gpus} GPUs" for gpus in GPUS[2:])]
    return (
        "\n### What would change it\n\nThe largest set at the fastest pace, as vostool hands it "
        "out: efficiency, and what loses most.\n\n"
        f"{markdown_table(headings, rows, set(range(1, len(headings))))}\n"
    )


def duration(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _gpus(count: int) -> str:
    return f"{count} GPU{'s' if count > 1 else ''}"
