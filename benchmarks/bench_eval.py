"""Time scoring as users run it: whole processes, in turn with other evaluators.

    python benchmarks/bench_eval.py [--masks FOLDER] [--peers FILE] [--rounds 3] [--out FILE]

FOLDER holds label maps, <sequence>/<frame>.png. They serve as ground truth, and predictions are
made of them: they drift, grow and lose objects. Without it, masks are drawn.

FILE names other evaluators that are installed beside the project, NAME = COMMAND on each line.
{davis}, {truth} and {masks} in a command stand for the DAVIS-2017 folder, its `Annotations/480p`
and the predictions. For the official evaluator and vos-benchmark:

    official = PYTHON evaluation_method.py --davis_path {davis} --results_path {masks}
               --task semi-supervised --set val
    vos-benchmark = PYTHON benchmark.py -g {truth} -m {masks} -n 1

each on one line, with paths. All commands are run once to warm up and then in turn, A B C A B C, so
that a machine whose speed drifts is fair to all. With several processors every process but
`--workers 2` is pinned to one of them.
"""

import argparse
import datetime
import math
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bench_masks
from bench_masks import MaskSet

from vostool.environment import versions
from vostool.metrics.frame import common_window, frame_scores
from vostool.report.leaderboard.markdown import markdown_table

OURS, TWO, AGAIN, FLOOR = (
    "vostool eval",
    "vostool eval --workers 2",
    "vostool eval, second time",
    "decoding both sets",
)
DECODE = (
    "import sys, pathlib; from vostool.io.png import decode\n"
    "for folder in sys.argv[1:]:\n"
    "    for path in pathlib.Path(folder).glob('*/*.png'): decode(path.read_bytes())"
)
# A process's peak memory counts that of the one which started it, so a small one does.
LAUNCH = (
    "import os, sys, time\n"
    "start = time.perf_counter()\n"
    "child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)\n"
    "_, status, usage = os.wait4(child, 0)\n"
    "wall = time.perf_counter() - start\n"
    "with open(sys.argv[1], 'w') as file:\n"
    "    print(wall, usage.ru_utime, usage.ru_maxrss, status, file=file)"
)
SIZES = {"240p": (240, 427), "480p": (480, 854), "1080p": (1080, 1920), "2160p": (2160, 3840)}


@dataclass(frozen=True)
class Cost:
    """What one process and its children used: seconds of wall clock and user CPU, peak MB."""

    wall: float
    user: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--masks", type=Path, help="label maps to serve as ground truth")
    parser.add_argument("--peers", type=Path, help="file of NAME = COMMAND of other evaluators")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/bench_eval.md"))
    options = parser.parse_args()
    if not hasattr(os, "wait4"):
        raise SystemExit("The benchmark asks the system what a process used: run it on Linux.")
    if options.masks and not options.masks.is_dir():
        raise SystemExit(f"{options.masks} is not there. Name a folder of <sequence>/<frame>.png.")
    peers = read_peers(options.peers) if options.peers else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.masks:
            data = bench_masks.from_folder(options.masks, folder)
        else:
            data = bench_masks.drawn(folder)
        costs = interleaved(data, peers, folder, options.rounds)
    text = heading() + comparison(data.about, costs, options.rounds) + growth() + lengths()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    print(text)


def read_peers(file: Path) -> dict[str, str]:
    """Return the commands of other evaluators by name."""
    if not file.is_file():
        raise SystemExit(f"{file} is not there. Write NAME = COMMAND on each of its lines.")
    peers = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        name, equals, command = line.partition("=")
        if not line.strip() or line.startswith("#"):
            continue
        if not equals or not command.strip():
            raise SystemExit(f"{file}: {line!r} is no NAME = COMMAND.")
        program = shlex.split(command)[0]
        if shutil.which(program) is None:
            raise SystemExit(f"{file}: there is no program {program}, which {name.strip()} needs.")
        peers[name.strip()] = command
    return peers


def scoring(data: MaskSet, folder: Path, *more: str) -> list[str]:
    """Return the command that scores a set of masks."""
    return [
        *(sys.executable, "-m", "vostool", "eval", "--dataset", "DAVIS2017"),
        *("--root", str(data.davis), "--masks", str(data.masks)),
        *("--out", str(folder / "tables"), "--results", str(folder / "results"), *more),
    ]


def interleaved(
    data: MaskSet, peers: dict[str, str], folder: Path, rounds: int
) -> dict[str, list[Cost]]:
    """Run everything in turn; the first round warms up and is not counted."""
    commands = {
        OURS: scoring(data, folder, "--fresh"),
        AGAIN: scoring(data, folder),
        FLOOR: [sys.executable, "-c", DECODE, str(data.truth), str(data.masks)],
    }
    if processors() > 1:
        commands[TWO] = scoring(data, folder, "--fresh", "--workers", "2")
    for name, peer in peers.items():
        filled = peer.format(davis=data.davis, truth=data.truth, masks=data.masks)
        commands[name] = shlex.split(filled)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            # The official evaluator prints what it finds in its tables of last time.
            for file in data.masks.glob("*.csv"):
                file.unlink()
            cost = timed(command, pinned=name != TWO)
            print(f"round {number}: {name}: {cost.wall:.2f} s", file=sys.stderr)
            if number:
                costs[name].append(cost)
    return costs


def timed(command: list[str], pinned: bool = True) -> Cost:
    """Run a process to its end and return what it used."""
    with tempfile.TemporaryDirectory() as name:
        said, used = Path(name) / "said", Path(name) / "used"
        with said.open("wb") as output:
            launch = [sys.executable, "-S", "-c", LAUNCH, str(used), *command]
            subprocess.run(launch, stdout=output, stderr=output, preexec_fn=pin if pinned else None)
        wall, user, peak, status = (float(value) for value in used.read_text().split())
        if status:
            tail = said.read_text(errors="replace")[-2000:]
            raise SystemExit(f"This command failed:\n{shlex.join(command)}\n{tail}")
    megabyte = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(wall, user, peak / megabyte)


def pin() -> None:
    """Keep this process on one processor, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def heading() -> str:
    """Say on what machine this was, when and how."""
    what = ", ".join(f"{key} {value}" for key, value in versions().items())
    # Of places on this machine the names are enough.
    arguments = [Path(text).name if Path(text).is_absolute() else text for text in sys.argv[1:]]
    command = shlex.join(["python", "benchmarks/bench_eval.py", *arguments])
    return (
        f"# Scoring speed\n\n{datetime.date.today()}, {processor_name()}, {processors()} cores, "
        f"{platform.system()} {platform.release()}, {what}.\n\n    {command}\n"
    )


def processor_name() -> str:
    """Return the model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def comparison(about: str, costs: dict[str, list[Cost]], rounds: int) -> str:
    """Return the table of all commands as markdown."""
    rows = []
    for name, found in costs.items():
        wall, user = ([getattr(cost, key) for cost in found] for key in ("wall", "user"))
        # Round by round: both were run within the same minute.
        times = [
            statistics.median(
                getattr(c, k) / getattr(o, k) for c, o in zip(found, costs[OURS], strict=True)
            )
            for k in ("wall", "user")
        ]
        peak = max(cost.peak for cost in found)
        cells = [spread(wall), spread(user), *(f"{t:.2f}" for t in times), f"{peak:.0f}"]
        rows.append([name, *cells])
    headings = ["", "wall s", "user CPU s", "wall, vostool = 1", "user, vostool = 1", "peak MB"]
    floors = [
        statistics.median(
            getattr(o, k) / getattr(f, k) for o, f in zip(costs[OURS], costs[FLOOR], strict=True)
        )
        for k in ("wall", "user")
    ]
    return (
        f"\n## Whole processes\n\n{about}. Start-up included, one worker on one core but for "
        f"`--workers 2`, {rounds} rounds in turn after a warm-up: medians (least to most), ratios "
        f"round by round.\n\n{markdown_table(headings, rows, set(range(1, 6)))}\n\n"
        f"`{FLOOR}` is the floor: the PNG files are read and decoded, nothing else. `vostool eval` "
        f"takes {floors[0]:.1f} times as long, in user CPU {floors[1]:.1f} times. The second time "
        "it finds that nothing has changed.\n"
    )


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def growth() -> str:
    """Return how the time for one frame grows with objects and size, as markdown."""
    numbers = (1, 2, 5, 10, 20, 50)
    rows = [
        [name, *(f"{frame_ms(size, objects):.2f}" for objects in numbers)]
        for name, size in SIZES.items()
    ]
    table = markdown_table(
        ["ms per frame", *(f"{n} objects" if n > 1 else "1 object" for n in numbers)],
        rows,
        set(range(1, 1 + len(numbers))),
    )
    return (
        "\n## Objects and size\n\nOne frame in memory, without decoding; the objects are disks "
        f"that cover a tenth of it together.\n\n{table}\n"
    )


def frame_ms(size: tuple[int, int], objects: int) -> float:
    """Return the milliseconds that scoring one frame takes."""
    truth = bench_masks.disk_map(size, objects)
    prediction = bench_masks.perturbed(truth, 3)
    radius = math.ceil(0.008 * math.hypot(*size))

    def score() -> None:
        window = common_window(prediction, truth)
        for _ in frame_scores(*window, range(1, objects + 1), radius):
            pass

    return least(score) * 1e3


def least(action: Callable[[], None]) -> float:
    """Return the fewest CPU seconds that an action took: what else runs can only add to them."""
    times = []
    for _ in range(7):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def lengths() -> str:
    """Return how time and memory grow with the number of frames, as markdown."""
    cases = [("480p", 5, n) for n in (500, 1000, 2000, 4000)]
    cases += [("1080p", 20, n) for n in (50, 200)]
    rows = []
    for name, objects, frames in cases:
        with tempfile.TemporaryDirectory() as folder:
            data = bench_masks.disks(Path(folder), SIZES[name], objects, frames)
            found = [timed(scoring(data, Path(folder), "--fresh")) for _ in range(3)]
        user = statistics.median(cost.user for cost in found)
        wall = statistics.median(cost.wall for cost in found)
        peak = max(cost.peak for cost in found)
        rows.append([name, str(objects), str(frames), f"{wall:.2f}", f"{user:.2f}", f"{peak:.0f}"])
    headings = ["size", "objects", "frames", "wall s", "user CPU s", "peak MB"]
    return (
        "\n## Frames\n\nWhole processes, one sequence of disks, medians of three. Only the scores "
        "themselves are kept from frame to frame.\n\n"
        f"{markdown_table(headings, rows, set(range(1, 6)))}\n"
    )


if __name__ == "__main__":
    main()
