"""Time `vostool track` on a video in turn with `vostool run` on the same frames.

    python benchmarks/bench_video.py [--tracker siampolar] [--rounds 5] [--frames 80] [--out FILE]

The clip is drawn, its frames are extracted once, and both commands get the same box. They are run
in whole processes, A B A B, so that a machine whose speed drifts is fair to both. `fps` is that of
the tracker, `seconds` those of the whole command: `run` warms up and writes label maps, `track`
decodes the video and writes one with the object drawn. Last, the memory of `track` on a clip of
5,000 frames is compared with that on one of 500.
"""

import argparse
import csv
import itertools
import json
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vostool.datasets import synthetic
from vostool.environment import versions
from vostool.io.label_maps import box_of
from vostool.report.leaderboard.markdown import markdown_table
from vostool.video.writer import VideoWriter

SIZE = (480, 854)
PEAK = (
    "import resource, sys\nfrom vostool.cli import cli\n"
    "cli(sys.argv[1:], standalone_mode=False)\n"
    "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
)


def drawn(folder: Path, frames: int, count: int) -> Path:
    """Write a video of a drawn clip, shown again and again until it has `count` frames."""
    folder.mkdir(parents=True)
    film = list(synthetic.clip("translation", size=SIZE, frames=frames))
    mask = np.asarray(film[0][1] == 1)
    box = box_of(mask)
    assert box is not None
    with VideoWriter(folder / "clip.mp4", 25) as writer:
        back_and_forth = itertools.cycle([*film, *film[::-1]])
        for index, (frame, _) in enumerate(itertools.islice(back_and_forth, count)):
            writer.put(np.asarray(frame), index / 25)
    prompts = {"clip.mp4": [{"frame": 0, "id": 1, "box": list(box)}]}
    (folder / "prompts.json").write_text(json.dumps(prompts))
    return folder


def command(*arguments: object) -> tuple[str, float]:
    """Run vostool; returns what it printed and the seconds it took."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "vostool", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, time.perf_counter() - start


def run(folder: Path, tracker: str, home: Path) -> tuple[float, float]:
    """Return fps and seconds of `vostool run`."""
    _, seconds = command("--home", home, "run", tracker, "--dataset", f"videos:{folder}")
    (times,) = home.glob("results/*/*/times.csv")
    with times.open() as file:
        steps = [float(row["ms"]) for row in csv.DictReader(file) if row["prompts"] == "0"]
    return 1e3 * len(steps) / sum(steps), seconds


def track(folder: Path, tracker: str, out: Path) -> tuple[float, float]:
    """Return fps and seconds of `vostool track`."""
    given = ("--prompts", folder / "prompts.json", "--tracker", tracker, "--out", out)
    text, seconds = command("track", folder / "clip.mp4", *given)
    found = re.search(r"([\d.]+) fps", text)
    assert found is not None, text
    return float(found[1]), seconds


def peak(folder: Path, out: Path) -> float:
    """Return the largest resident memory of `vostool track` in MB."""
    given = ["--prompts", folder / "prompts.json", "--tracker", "copy_first", "--out", out]
    arguments = [sys.executable, "-c", PEAK, "track", folder / "clip.mp4", *given]
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=True)
    return float(done.stdout.split("peak")[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracker", default="siampolar")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--out", type=Path, default=Path("results/bench_video.md"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        clip = drawn(home / "clip", asked.frames, asked.frames)
        run(clip, "copy_first", home / "warm")  # the frames are extracted
        rounds = []
        for number in range(asked.rounds):
            rounds.append(
                (
                    run(clip, asked.tracker, home / f"run{number}"),
                    track(clip, asked.tracker, home / f"track{number}.mp4"),
                )
            )
            print(number, rounds[-1], flush=True)
        memory = [
            peak(drawn(home / f"long{count}", 40, count), home / f"long{count}.mp4")
            for count in (500, 5000)
        ]
    rows = [
        [
            f"`vostool {what}`",
            *(f"{statistics.median(r[i][k] for r in rounds):.2f}" for k in (0, 1)),
        ]
        for i, what in enumerate(("run", "track"))
    ]
    headings = ["command", "fps of the tracker", "seconds of the command"]
    table = markdown_table(headings, rows, {1, 2})
    ratio = statistics.median(b[0] / a[0] for a, b in rounds)
    text = (
        f"# A video tracked, in turn with `vostool run`\n\n{asked.tracker}, {asked.frames} frames "
        f"of {SIZE[1]}x{SIZE[0]}, one object, medians of {asked.rounds} rounds in turn; "
        f"{platform.machine()}, PyAV {versions(('av',)).get('av', '?')}.\n\n"
        f"{table}\n\n"
        f"Median of fps of `track` / fps of `run` in the same round: {ratio:.3f}.\n\n"
        f"Peak memory of `vostool track` with copy_first: {memory[0]:.0f} MB on 500 frames, "
        f"{memory[1]:.0f} MB on 5,000.\n"
    )
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
