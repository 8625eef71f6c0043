"""Time the scoring of VOT results: fifteen repetitions of sixty sequences, in turn with pysot.

    python benchmarks/bench_vot.py [--pysot FOLDER] [--rounds 3] [--out FILE]

The results are drawn: rotated boxes and a tracker that drifts until it is started anew, in
sequences of the number and mean length of VOT2018. FOLDER is a checkout of STVIR/pysot whose
toolkit/utils/region.pyx has been built; its classes for accuracy, robustness and EAO are then given
the same results, read as its own tools read them. All are run in whole processes, A B A B, so that
a machine whose speed drifts is fair to both.
"""

import argparse
import datetime
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from vostool.environment import versions
from vostool.io.regions import format_region
from vostool.report.leaderboard.markdown import markdown_table

SIZE = (480, 360)
SEQUENCES, FRAMES, REPETITIONS = 60, 21356, 15
TAGS = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")

OURS = (
    "import sys\n"
    "from vostool.cli import main\n"
    "root, more = sys.argv[1], sys.argv[2:]\n"
    "sys.argv = ['vostool', '--home', root, 'eval', '--dataset', 'VOT2018', '--root',\n"
    "            root + '/dataset', '--masks', root + '/results/drawn', *more]\n"
    "main()\n"
)
# The classes print what they find elsewhere; the mean of overlaps is taken as they take it there.
PYSOT = """
import itertools, sys, types, warnings
from pathlib import Path
for name in ("colorama", "tqdm"):
    try:
        __import__(name)
    except ImportError:
        module = sys.modules[name] = types.ModuleType(name)
        module.Style = module.Fore = types.SimpleNamespace(RED="", RESET_ALL="")
        module.tqdm = lambda values, **_: values
import numpy as np
root, checkout, tags = Path(sys.argv[1]), sys.argv[2], ["all", *sys.argv[3:]]
sys.path.insert(0, checkout)
warnings.simplefilter("ignore")
from toolkit.evaluation.ar_benchmark import AccuracyRobustnessBenchmark
from toolkit.evaluation.eao_benchmark import EAOBenchmark

def regions(path):
    with open(path) as file:
        return [list(map(float, line.strip().split(","))) for line in file]

class Video:
    def __init__(self, name, size):
        self.name, (self.width, self.height) = name, size
        self.gt_traj = regions(root / "dataset" / name / "groundtruth.txt")
        files = sorted((root / "results/drawn/baseline" / name).glob("*.txt"))
        self.pred_trajs = {"drawn": [regions(path) for path in files]}
        self.tags = {"all": [1] * len(self.gt_traj)}
        for tag in tags[1:]:
            text = (root / "dataset" / name / f"{tag}.tag").read_text()
            self.tags[tag] = [int(line) for line in text.split()]
    def select_tag(self, tag, start=0, end=0):
        return self.tags[tag][start:end]

class Videos(dict):
    name, tracker_names = "VOT2018", ["drawn"]
    def __getitem__(self, key):
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)
    def __iter__(self):
        return iter(self.values())

names = (root / "dataset/list.txt").read_text().split()
videos = Videos((name, Video(name, SIZE)) for name in names)
found = AccuracyRobustnessBenchmark(videos).eval()["drawn"]
eao = EAOBenchmark(videos, tags=tags).eval()["drawn"]
overlaps = list(itertools.chain(*found["overlaps"].values()))
failures = np.mean(np.sum(list(found["failures"].values()), axis=0))
print(f"EAO {eao['all']:.6f}, A {np.nanmean(overlaps):.6f}, {failures:.1f} failures")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pysot", type=Path, help="checkout of pysot with its toolkit built")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/bench_vot.md"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder))
        ours = [sys.executable, "-c", OURS, folder]
        commands = {
            "vostool eval": ours,
            "vostool eval --overlap exact": [*ours, "--overlap", "exact"],
        }
        if options.pysot:
            script = PYSOT.replace("SIZE)", f"{SIZE})")
            pysot = [sys.executable, "-c", script, folder, str(options.pysot.resolve())]
            commands |= {"pysot": pysot, "pysot, with its tags": [*pysot, *TAGS]}
        costs = {name: [timed(command)] for name, command in commands.items()}  # to warm up
        said = {name: first[0][2] for name, first in costs.items()}
        for _ in range(options.rounds):
            for name, command in commands.items():
                costs[name].append(timed(command))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(report({name: each[1:] for name, each in costs.items()}, said))
    print(options.out.read_text())


def draw(root: Path) -> None:
    """Write the dataset and the results; the same every time."""
    rng = np.random.default_rng(1)
    lengths = np.clip(rng.lognormal(5.7, 0.6, SEQUENCES), 41, 1500)
    lengths = (lengths * FRAMES / lengths.sum()).astype(int)
    for number, length in enumerate(lengths.tolist()):
        name, own = f"drawn{number:02d}", np.random.default_rng(number)
        folder, results = root / "dataset" / name, root / "results/drawn/baseline" / name
        (folder / "color").mkdir(parents=True)
        results.mkdir(parents=True)
        Image.new("L", SIZE).save(folder / "color/00000001.png")
        truth = rotated_boxes(length, own)
        (folder / "groundtruth.txt").write_text(text(format_region(box) for box in truth))
        for shift, tag in enumerate(TAGS):
            has = np.sin(np.arange(length) / 20 + shift) > 0.5
            (folder / f"{tag}.tag").write_text(text(str(int(value)) for value in has))
        for repetition in range(1, REPETITIONS + 1):
            lines = drifting(truth, own)
            (results / f"{name}_{repetition:03d}.txt").write_text(text(lines))
    names = [f"drawn{number:02d}" for number in range(SEQUENCES)]
    (root / "dataset/list.txt").write_text(text(names))


def text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def rotated_boxes(length: int, rng: np.random.Generator) -> np.ndarray:
    """Return (length, 8) corners of a box that wanders, turns and changes its size."""
    k = np.arange(length)
    centre = np.stack(
        [240 + 180 * np.sin(k / rng.uniform(30, 90)), 180 + 120 * np.cos(k / rng.uniform(30, 90))],
        -1,
    )
    sides = rng.uniform(40, 130, 2) * (1 + 0.3 * np.stack([np.sin(k / 40), np.cos(k / 50)], -1))
    cos, sin = np.cos(k / 60), np.sin(k / 60)
    turn = np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)
    unit = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    return ((sides[:, None] * unit) @ turn + centre[:, None]).reshape(length, 8)


def drifting(truth: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Return the lines of a tracker that drifts from its start and is lost 35 pixels away."""
    way = np.cumsum(rng.normal(0, 1.2, (len(truth), 2)), axis=0)
    lines: list[str] = []
    start = due = 0
    for index, box in enumerate(truth):
        offset = way[index] - way[start]
        if index < due:
            lines.append("0")
        elif index == due:
            lines.append("1")
            start, due = index, -1
        elif np.abs(offset).max() > 35:
            lines.append("2")
            due = index + 5
        else:
            lines.append(format_region(box + np.tile(offset, 4)))
    return lines


def timed(command: list[str]) -> tuple[float, float, str]:
    """Run a process; returns its wall clock, its CPU seconds and the last line it printed."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    row = next((line for line in done.stdout.splitlines() if "drawn " in line and "│" in line), "")
    return wall, cpu, row.strip("│ ") or done.stdout.splitlines()[-1]


def report(costs: dict[str, list[tuple[float, float, str]]], said: dict[str, str]) -> str:
    rows = []
    for name, each in costs.items():
        cells = [name]
        for column in (0, 1):
            values = [cost[column] for cost in each]
            middle = statistics.median(values)
            cells.append(f"{middle:.1f} ({min(values):.1f} to {max(values):.1f})")
        rows.append(cells)
    machine = ", ".join(
        [
            datetime.datetime.now(datetime.UTC).date().isoformat(),
            platform.platform(),
            *(f"{name} {version}" for name, version in versions().items()),
        ]
    )
    table = markdown_table(["", "wall s", "CPU s"], rows, {1, 2})
    results = "\n".join(f"- {name}: {line}" for name, line in said.items())
    thousands = FRAMES * REPETITIONS // 1000
    return (
        f"# Scoring speed on VOT\n\n{machine}.\n\n{REPETITIONS} repetitions of {SEQUENCES} "
        f"sequences, {thousands} thousand frames. Whole processes with start-up, in turn after a "
        f"warm-up: medians (least to most).\n\n{table}\n\nWhat they found:\n\n{results}\n"
    )


if __name__ == "__main__":
    main()
