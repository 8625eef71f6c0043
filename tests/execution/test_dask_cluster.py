"""Runs on a real Dask cluster: a scheduler and workers on this machine, started for the tests."""

import json
import os
import pickletools
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from vostool.datasets import synthetic
from vostool.errors import ClusterError, UsageError
from vostool.runs.folder import RunFolder

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL"),
]

# It draws random numbers, and in `held` it waits on its second frame until the file `go` is there;
# who waits is in `waiting/`.
TRACKER = """
import os
import time
from pathlib import Path

import numpy as np

from vostool import Tracker

HERE = Path(__file__).parent


class Wandering(Tracker):
    summary = "the first masks on a random walk"

    def reset(self):
        self.labels, self.steps = None, 0

    def step(self, frame, prompts=()):
        self.steps += 1
        if self.steps == 5 and not (HERE / "go").exists():
            (HERE / "waiting").mkdir(exist_ok=True)
            (HERE / "waiting" / str(os.getpid())).touch()
            deadline = time.monotonic() + 60
            while not (HERE / "go").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
        if self.labels is None:
            self.labels = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            self.labels[prompt.mask] = prompt.object_id
        return np.roll(self.labels, tuple(np.random.randint(-3, 4, 2)), (0, 1))
"""
ENVIRONMENT = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}
LIMIT = 90  # seconds after which something hangs


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path, *options: str, scheme: str = "tcp") -> None:
        folder.mkdir()
        self.folder, self.processes, self.options = folder, [], options
        found = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", f"{scheme}://127.0.0.1:0", "--scheduler-file", str(found)
        )
        wait_for(found.exists)
        time.sleep(0.1)
        self.address = json.loads(found.read_text())["address"]

    def _start(self, kind: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard"]
        with (self.folder / f"{kind}{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *arguments, *self.options],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=ENVIRONMENT | environment,
            )
        self.processes.append(process)
        return process

    def add(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker without a nanny, which would start it again."""
        where = str(self.folder / f"scratch{len(self.processes)}")
        usual = (self.address, "--no-nanny", "--local-directory", where)
        threads = () if "--nthreads" in arguments else ("--nthreads", "1")
        return self._start("worker", *usual, *threads, *arguments, **environment)

    def ready(self, workers: int) -> None:
        """Wait until so many workers are there."""
        logs = [self.folder / f"worker{number + 1}.log" for number in range(workers)]
        wait_for(lambda: all(b"Registered to" in log.read_bytes() for log in logs), "workers")

    def end(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Return a function that starts a cluster of so many workers."""
    started = []

    def make(workers: int = 1, *arguments: str, **environment: str) -> Cluster:
        one = Cluster(tmp_path / f"cluster{len(started)}")
        started.append(one)
        for _ in range(workers):
            one.add(*arguments, **environment)
        one.ready(workers)
        return one

    yield make
    for one in started:
        one.end()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a scheduler with three workers for all tests that leave them as they are."""
    one = Cluster(tmp_path_factory.mktemp("dask") / "cluster")
    for _ in range(3):
        one.add()
    one.ready(3)
    yield one
    one.end()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw twelve short sequences."""
    return synthetic.make(tmp_path_factory.mktemp("data") / "clips", size=(64, 96), frames=8)


@pytest.fixture
def wandering(tmp_path: Path) -> Path:
    """Write the tracker into the workspace; returns its folder, in which `go` lets it go on."""
    folder = tmp_path / "trackers" / "wandering"
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(TRACKER)
    return folder


def wait_for(condition: Callable[[], object], what: str = "") -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, what or condition
        time.sleep(0.02)


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "vostool", "--home", str(home), *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env=ENVIRONMENT,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def masks(run: Path) -> dict[str, bytes]:
    folder = run / "masks"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.png"))}


def steps(run: Path) -> list[tuple[object, ...]]:
    """Return the rows of times.csv without the times."""
    return sorted((s.sequence, s.frame, s.objects, s.prompts) for s in RunFolder(run).times())


def assert_equal(run: Path, whole: Path) -> None:
    assert masks(run) == masks(whole)
    assert len(masks(run)) == 12 * 8
    assert steps(run) == steps(whole)
    assert not list(run.glob("masks/.*"))


def runs(home: Path) -> Path:
    return home / "results" / "folder-clips"


def test_a_run_equals_that_of_one_process(three, clips, cli, tmp_path, wandering, monkeypatch):
    """The client is in another folder and names everything by relative paths."""
    (wandering / "go").touch()
    data = ("--dataset", f"folder:{clips}")
    assert cli("run", "wandering", *data, "--name", "whole").exit_code == 0
    monkeypatch.chdir(tmp_path)
    relative = ("--dataset", f"folder:{os.path.relpath(clips)}", "--results", "results")
    done = cli("run", "wandering", *relative, "--name", "shared", "--scheduler", three.address)
    assert done.exit_code == 0, done.output
    assert "12 tracked now (96 frames)" in done.output
    assert_equal(runs(tmp_path) / "shared", runs(tmp_path) / "whole")
    manifest = RunFolder(runs(tmp_path) / "shared").manifest()
    assert {status.workers for status in manifest.sequences.values()} == {3}
    assert not manifest.differences(RunFolder(runs(tmp_path) / "whole").manifest())
    again = cli("run", "wandering", *relative, "--name", "shared", "--scheduler", three.address)
    assert "all tracked before" in again.output


def test_batches_are_committed_one_by_one(three, clips, cli, tmp_path, wandering):
    (wandering / "go").touch()
    data = ("--dataset", f"folder:{clips}")
    assert cli("run", "wandering", *data, "--name", "whole").exit_code == 0
    options = ("--scheduler", three.address, "--batch", 40)
    assert cli("run", "wandering", *data, "--name", "batched", *options).exit_code == 0
    assert_equal(runs(tmp_path) / "batched", runs(tmp_path) / "whole")


def test_scores_equal_those_of_one_process(three, clips, cli, tmp_path):
    data = ("--dataset", f"folder:{clips}")
    done = cli("eval", *data, "--tracker", "copy_first", "--scheduler", three.address)
    assert done.exit_code == 0, done.output
    run = runs(tmp_path) / "copy_first"
    shared = {p.name: p.read_bytes() for p in run.glob("scores/*/*.csv")}
    for options in (("--workers", "2"), ()):
        assert cli("eval", *data, "--fresh", *options).exit_code == 0
        assert {p.name: p.read_bytes() for p in run.glob("scores/*/*.csv")} == shared
    assert len(pd.read_csv(run / "scores" / "davis" / "frames.csv")) > 12


def test_a_killed_worker_changes_nothing(cluster, clips, cli, tmp_path, wandering):
    four = cluster(3)
    process = start(
        tmp_path, "run", "wandering", "--name", "killed", "--dataset", f"folder:{clips}",
        "--scheduler", four.address,
    )  # fmt: skip
    waiting = wandering / "waiting"
    wait_for(lambda: waiting.is_dir() and len(list(waiting.iterdir())) == 3, "three at work")
    run = runs(tmp_path) / "killed"
    wait_for(lambda: len(list(run.glob("masks/.*.partial/*.png"))) > 3, "the middle of sequences")
    victim = int(next(waiting.iterdir()).name)
    assert victim in {worker.pid for worker in four.processes[1:]}
    os.kill(victim, signal.SIGKILL)
    (wandering / "go").touch()
    output, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, errors
    assert "12 tracked now" in output
    data = ("--dataset", f"folder:{clips}")
    assert cli("run", "wandering", *data, "--name", "whole").exit_code == 0
    assert_equal(run, runs(tmp_path) / "whole")


def test_a_killed_scheduler_leaves_a_run_that_goes_on(cluster, clips, cli, tmp_path, wandering):
    two = cluster(2)
    arguments = ("run", "wandering", "--name", "killed", "--dataset", f"folder:{clips}")
    (wandering / "go").touch()
    process = start(tmp_path, *arguments, "--scheduler", two.address)
    run = runs(tmp_path) / "killed"
    wait_for(lambda: (run / ".run.json").exists() or (run / "run.json").exists())
    (wandering / "go").unlink()
    wait_for(lambda: list(wandering.glob("waiting/*")), "at work")
    two.scheduler.kill()
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 2
    assert len(errors.strip().splitlines()) == 1, errors
    line = errors.strip()
    assert re.fullmatch(
        rf"Error: The connection to the scheduler {re.escape(two.address)} was lost while tracking"
        r"\. Start the cluster again\. What is finished is kept; run the same command again to go"
        r" on\.",
        line,
    )
    (wandering / "go").touch()
    done = cli(*arguments)
    assert done.exit_code == 0, done.output
    assert cli(*arguments[:3], "whole", *arguments[4:]).exit_code == 0
    assert_equal(run, runs(tmp_path) / "whole")


def test_interrupting_cancels_the_tasks_and_leaves_a_run_that_goes_on(
    three, clips, cli, tmp_path, wandering
):
    arguments = ("run", "wandering", "--name", "stopped", "--dataset", f"folder:{clips}")
    shared = (*arguments, "--scheduler", three.address)
    process = start(tmp_path, *shared)
    wait_for(lambda: len(list(wandering.glob("waiting/*"))) == 3, "at work")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert errors.strip().endswith("run the same command again to go on.")
    assert len(errors.strip().splitlines()) == 1
    (wandering / "go").touch()
    with distributed.Client(three.address, set_as_default=False) as client:
        wait_for(lambda: not any(client.processing().values()), "no task is left")
    assert not list((runs(tmp_path) / "stopped").glob("masks/.*"))
    assert cli(*shared).exit_code == 0
    assert cli(*arguments[:3], "whole", *arguments[4:]).exit_code == 0
    assert_equal(runs(tmp_path) / "stopped", runs(tmp_path) / "whole")


def test_a_tracker_is_built_once_in_a_process(three, clips, cli, tmp_path):
    """It counts how often it is built, in a file of its process."""
    folder = tmp_path / "trackers" / "counted"
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(
        "import os\nfrom pathlib import Path\nimport numpy as np\nfrom vostool import Tracker\n\n"
        "class Counted(Tracker):\n"
        "    def __init__(self, config=None, runtime=None):\n"
        "        super().__init__(config, runtime)\n"
        "        with (Path(__file__).parent / f'{os.getpid()}.built').open('a') as file:\n"
        "            file.write('x')\n"
        "    def reset(self):\n        pass\n"
        "    def step(self, frame, prompts=()):\n"
        "        return np.zeros(frame.shape[:2], np.uint8)\n"
    )
    data = ("--dataset", f"folder:{clips}", "--scheduler", three.address)
    assert cli("run", "counted", *data).exit_code == 0
    built = {path.stem: path.read_text() for path in folder.glob("*.built")}
    assert set(built.values()) == {"x"}
    assert set(map(int, built)) <= {worker.pid for worker in three.processes[1:]}


def test_no_code_comes_from_data_or_results(three, clips, cli, tmp_path):
    """Modules that would betray themselves lie wherever a worker reads or writes."""
    data = tmp_path / "clips"
    shutil.copytree(clips, data)
    results = tmp_path / "results"
    trap = f"open({str(tmp_path / 'ran')!r}, 'a').write(__file__)\n"
    places = [data, data / "JPEGImages", *data.glob("*/*"), results, runs(tmp_path)]
    places += [runs(tmp_path) / "copy_first"]
    modules = ("__init__", "__main__", "sitecustomize", "tracker", "copy_first", "numpy", "vostool")
    for place in places:
        if place.is_dir() or place.is_relative_to(results):
            place.mkdir(parents=True, exist_ok=True)
            for name in modules:
                (place / f"{name}.py").write_text(trap)
    options = ("--dataset", f"folder:{data}", "--scheduler", three.address)
    done = cli("eval", *options, "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "ran").exists()


def test_no_code_goes_over_the_wire(clips, tmp_path, monkeypatch):
    """What is sent names functions and classes of installed packages, and holds none."""
    from distributed.protocol.pickle import dumps

    from vostool.datasets.catalog import open_dataset
    from vostool.execution.dask_cluster import guarded
    from vostool.execution.pools import Crew
    from vostool.execution.run import run_tracker
    from vostool.tracking.job import RunRequest
    from vostool.workspace import Workspace

    sent: list[bytes] = []

    class Spy(Crew):
        def submit(self, fn, /, *args, **kwargs):
            sent.append(dumps((guarded, "hash", fn, args)))
            future: Future[object] = Future()
            future.set_result(fn(*args))
            return future

        def window(self):
            return 1

        def sharing(self, worker):
            return 1

    (tmp_path / "trackers" / "wandering").mkdir(parents=True)
    (tmp_path / "trackers" / "wandering" / "tracker.py").write_text(TRACKER)
    (tmp_path / "trackers" / "wandering" / "go").touch()
    dataset = open_dataset(f"folder:{clips}", workspace=Workspace(tmp_path))
    request = RunRequest("wandering")
    run_tracker(request, dataset, Workspace(tmp_path), tmp_path / "results", executor=Spy())
    assert len(sent) == 13
    for data in sent:
        assert b"Wandering" not in data
        names = strings_of(data)
        assert {"vostool.execution.dask_cluster", "guarded"} <= names
        assert not any(name.startswith("cloudpickle") for name in names)
    assert "cloudpickle.cloudpickle" in strings_of(dumps(lambda: 0)), "as code would be sent"


def strings_of(data: bytes) -> set[str]:
    """Return the strings of a pickle, among which are the names of all it refers to."""
    return {str(value) for op, value, _ in pickletools.genops(data) if "UNICODE" in op.name}


def test_tasks_for_a_gpu_go_to_workers_that_offer_one(cluster):
    from vostool.execution.dask_cluster import cluster_crew
    from vostool.execution.worker import worker_name

    one = cluster(1)
    one.add("--resources", "GPU=1", "--nthreads", "4")
    one.ready(2)
    with cluster_crew(one.address) as crew:
        assert crew.cuda
        gpu = crew.for_device("cuda")
        assert gpu.sharing("") == 1
        futures = [gpu.submit(worker_name) for _ in range(6)]
        (taker,) = {future.result() for future in futures}
        with pytest.raises(ClusterError, match="does 4 tasks at a time"):
            crew.for_device("cpu")
        with pytest.raises(UsageError, match="Use --device cuda"):
            crew.for_device("cuda:1")
        one.add("--resources", "GPU=2")
        one.ready(3)
        wait_for(lambda: len(crew._client.scheduler_info()["workers"]) == 3)
        with pytest.raises(ClusterError, match=r'2 tasks at a time.*--resources "GPU=1"'):
            crew.for_device("cuda")
        assert taker in crew._workers()


# --- what is refused ---


def refused(cli, clips: Path, address: str, *options: object) -> str:
    done = cli(
        "run", "copy_first", "--dataset", f"folder:{clips}", "--scheduler", address, *options
    )
    assert done.exit_code == 2, done.output
    return " ".join(done.output.split())


def test_nobody_answers(cli, clips):
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        text = refused(cli, clips, "tcp://127.0.0.1:9")
    assert "No scheduler answers at tcp://127.0.0.1:9" in text


def test_workers_that_would_do_several_tasks_at_a_time(cluster, clips, cli):
    one = cluster(1, "--nthreads", "4")
    text = refused(cli, clips, one.address)
    assert "does 4 tasks at a time in one process" in text
    assert "--nthreads 1" in text


def test_a_device_that_no_worker_has(three, clips, cli, tmp_path):
    folder = tmp_path / "trackers" / "needy"
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(
        TRACKER.replace("summary =", "devices = ('cuda',)\n    summary =")
    )
    options = ("--dataset", f"folder:{clips}", "--scheduler", three.address, "--device", "cuda")
    done = cli("run", "needy", *options)
    assert done.exit_code == 2
    assert (
        'No worker offers a GPU. Start those that have one with --resources "GPU=1"' in done.output
    )


def test_workers_with_another_vostool(cluster, clips, cli, tmp_path):
    """They have the same version, but one line is another."""
    package = Path(sys.modules["vostool"].__file__).parent
    other = tmp_path / "other"
    shutil.copytree(package, other / "vostool")
    with (other / "vostool" / "tracking.py").open("a") as file:
        file.write("# one line more\n")
    one = cluster(1, PYTHONPATH=str(other))
    text = refused(cli, clips, one.address)
    assert f"has other code of vostool in {other / 'vostool'}" in text


def test_a_tracker_whose_code_is_other_at_the_workers(
    three, clips, cli, tmp_path, wandering, monkeypatch
):
    from vostool.tracking import job as jobs

    (wandering / "go").touch()
    real = jobs.prepare
    monkeypatch.setattr(
        "vostool.execution.run.prepare",
        lambda *a, **k: replace(real(*a, **k), code="0123456789ab"),
    )
    done = cli("run", "wandering", "--dataset", f"folder:{clips}", "--scheduler", three.address)
    assert done.exit_code == 2
    assert re.search(r"tcp://127\.0\.0\.1:\d+ has other code of wandering", done.output)
    assert "instead of 0123456789ab" in done.output
