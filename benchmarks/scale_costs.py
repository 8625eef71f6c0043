"""What a run on many workers costs, measured on this machine for `scale_model`."""

import os
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from vostool.datasets import synthetic
from vostool.execution.dask_cluster import local_cluster_crew
from vostool.execution.pools import Crew, WorkerPool, in_groups
from vostool.execution.worker import release
from vostool.io.label_maps import write_labels
from vostool.runs.folder import Finished, Manifest, RunFolder, SequenceStatus
from vostool.tracking.timing import StepTime

SIZE = (480, 854)
KNOWN = (0, 1_000, 10_000, 100_000)  # sequences that a run holds when one more is added
# One thread for each library, so that a worker is one core and what decodes and writes beside it.
ALONE = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} | {
    "OPENCV_FOR_THREADS_NUM": "1"
}
START = """
import sys
from pathlib import Path
from vostool.datasets.catalog import open_dataset
from vostool.tracking.job import RunRequest, prepare
from vostool.execution.worker import Session
from vostool.workspace import Workspace
tracker, root = sys.argv[1:]
workspace = Workspace(Path(root))
dataset = open_dataset("folder:" + root, workspace=workspace)
Session(prepare(RunRequest(tracker, device="cpu"), workspace), dataset, dataset.sequences[0])
modules = {module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)}
maps = Path("/proc/self/maps")
lines = maps.read_text().splitlines() if maps.exists() else []
print(len(modules | {line.split()[-1] for line in lines if ".so" in line}))
"""


@dataclass(frozen=True)
class Tracked:
    """A whole `vostool run`: its seconds, and name, frames, objects and seconds of sequences."""

    wall: float
    sequences: tuple[tuple[str, int, int, float], ...]


@dataclass(frozen=True)
class Pace:
    """What a worker needs: sequence + frames x frame seconds, and the jitter of that."""

    sequence: float
    frame: float
    jitter: float


def draw(root: Path, lengths: Iterable[int]) -> None:
    """Write clips of the synthetic scenes at 480p, in the layout of `folder:`."""
    for number, length in enumerate(lengths):
        scene = synthetic.SEQUENCES[number % len(synthetic.SEQUENCES)]
        name = f"{number:04d}-{scene}"
        for kind in ("JPEGImages", "Annotations"):
            (root / kind / name).mkdir(parents=True)
        film = synthetic.clip(scene, number, size=SIZE, frames=length)
        for index, (frame, labels) in enumerate(film):
            path = root / "JPEGImages" / name / f"{index:05d}.jpg"
            cv2.imwrite(str(path), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            write_labels(root / "Annotations" / name / f"{index:05d}.png", labels)


def starting(tracker: str, root: Path, rounds: int) -> tuple[float, int]:
    """Return seconds from the start of a process to its first tracked frame, and files opened."""
    seconds, files = [], 0
    for _ in range(rounds + 1):  # the first fills the file cache
        begun = time.perf_counter()
        done = _python("-c", START, tracker, str(root))
        seconds.append(time.perf_counter() - begun)
        files = int(done.split()[-1])
    return statistics.median(seconds[1:]), files


def tracked(
    tracker: str, root: Path, results: Path, name: str, *options: str, core: int | None = None
) -> Tracked:
    """Run the command as a user does; what is there already is kept.

    Args:
        tracker: `NAME/CONFIG`.
        root: drawn clips.
        results: folder of run folders.
        name: of the run.
        options: further ones.
        core: keep it on this processor.
    """
    command = ("-m", "vostool", "--home", str(root), "run", tracker, "--device", "cpu")
    where = ("--dataset", f"folder:{root}", "--results", str(results), "--name", name)
    begun = time.perf_counter()
    _python(*command, *where, *options, core=core)
    wall = time.perf_counter() - begun
    folder = next(path for path in results.glob(f"*/{name}") if path.is_dir())
    statuses = RunFolder(folder).manifest().sequences
    found = ((key, each.frames, each.objects, each.seconds) for key, each in statuses.items())
    return Tracked(wall, tuple(found))


def pace_of(runs: list[Tracked], objects: float) -> Pace:
    """Fit what a sequence takes, by least squares over several runs.

    Args:
        runs: of one worker.
        objects: in a sequence of the sets that are to be predicted, on average.
    """
    rows = np.array([row[1:] for run in runs for row in run.sequences], float)
    frames, shown, seconds = rows.T
    design = np.stack([np.ones_like(frames), frames, frames * shown], 1)
    (sequence, frame, each), *_ = np.linalg.lstsq(design, seconds, rcond=None)
    fitted = design @ (sequence, frame, each)
    jitter = float(np.std(np.log(seconds / np.maximum(fitted, 1e-6))))
    return Pace(max(0.0, float(sequence)), float(frame + objects * each), jitter)


def committing(finished: RunFolder, folder: Path) -> tuple[dict[int, float], float]:
    """Return seconds to make one sequence part of a run, by what it holds, and of one more beside.

    Args:
        finished: a run to take the manifest from.
        folder: to write to.
    """
    whole = finished.manifest()
    status = next(iter(whole.sequences.values()))
    seconds = {}
    for known in KNOWN:
        manifest = replace(whole, sequences={f"{i:06d}-video": status for i in range(known)})
        run = RunFolder(folder / str(known))
        run.masks.mkdir(parents=True)
        run.write_manifest(manifest)
        seconds[known] = min(_commit(run, manifest, status, 1) for _ in range(3))
        if not known:
            many = min(_commit(run, manifest, status, 100) for _ in range(3))
    return seconds, max(0.0, (many - seconds[0]) / 99)


def _commit(run: RunFolder, manifest: Manifest, status: SequenceStatus, count: int) -> float:
    """Return the seconds to add sequences of some frames to a run."""
    group = []
    for number in range(count):
        name = f"new-{len(manifest.sequences)}-{number}"
        steps = [StepTime(name, f"{i:05d}", 2, 0, 12.345678) for i in range(status.frames)]
        group.append(Finished(name, run.partial(name), status, steps))
    before = dict(manifest.sequences)
    begun = time.perf_counter()
    run.commit_all(manifest, group)
    seconds = time.perf_counter() - begun
    manifest.sequences = before
    return seconds


def handing_out(tasks: int) -> tuple[float, float, float]:
    """Return seconds for an empty task of two processes, of a Dask cluster, and to start that."""
    with WorkerPool(2) as pool:
        local = _each(pool, tasks)
    begun = time.perf_counter()
    with local_cluster_crew(2) as crew:
        opened = time.perf_counter() - begun
        return local, _each(crew, tasks), opened


def _each(crew: Crew, tasks: int) -> float:
    def drain(count: int) -> None:
        for _ in in_groups(crew, release, deque([("",)] * count)):
            pass

    drain(20)  # every worker has imported what it needs
    begun = time.perf_counter()
    drain(tasks)
    return (time.perf_counter() - begun) / tasks


def making_files(folder: Path, count: int = 2000) -> float:
    """Return how many files of 2 kB this machine's file system creates in a second."""
    data, folder = b"\0" * 2048, folder / "small"
    folder.mkdir()
    begun = time.perf_counter()
    for number in range(count):
        (folder / str(number)).write_bytes(data)
    return count / (time.perf_counter() - begun)


def _python(*arguments: str, core: int | None = None) -> str:
    """Run Python to its end, with one thread for each library; returns what it printed."""
    pin: Callable[[], None] | None = None
    if core is not None and hasattr(os, "sched_setaffinity"):
        pin = lambda: os.sched_setaffinity(0, {core})  # noqa: E731
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **ALONE},
        preexec_fn=pin,
    )
    if done.returncode:
        raise SystemExit(f"This failed: python {' '.join(arguments)}\n{done.stderr[-2000:]}")
    return done.stdout
