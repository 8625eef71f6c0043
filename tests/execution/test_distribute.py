"""Any executor of `concurrent.futures` gives the run that this process gives."""

import multiprocessing
import shutil
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.environment import sha256_of
from vostool.errors import ClusterError, ContractError, DatasetError, ResultError, WeightsError
from vostool.execution.run import run_tracker
from vostool.execution.worker import WorkerSpec, release, track_batch, worker_info, worker_name
from vostool.runs.folder import RunFolder
from vostool.runs.layouts import MASKS
from vostool.scoring.evaluate import score_folder
from vostool.scoring.kinds import scorer_of
from vostool.scoring.scorer import ScoringOptions
from vostool.tracking.job import RunRequest, prepare
from vostool.tracking.loop import track_sequence
from vostool.workspace import Workspace

# It draws random numbers from the generators of the process, which threads share.
TRACKER = """
import numpy as np

from vostool import Tracker


class Wandering(Tracker):
    summary = "the first masks on a random walk"
    weights = "optional"

    def reset(self):
        self.labels = None

    def step(self, frame, prompts=()):
        if self.labels is None:
            self.labels = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            self.labels[prompt.mask] = prompt.object_id
        return np.roll(self.labels, tuple(np.random.randint(-3, 4, 2)), (0, 1))
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """Draw twelve short sequences."""
    return synthetic.make(tmp_path_factory.mktemp("data") / "clips", size=(64, 96), frames=6)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "trackers" / "wandering"
    folder.mkdir(parents=True)
    (folder / "tracker.py").write_text(TRACKER)
    return Workspace(tmp_path)


@pytest.fixture
def dataset(clips, workspace):
    return open_dataset(f"folder:{clips}", workspace=workspace)


@pytest.fixture
def whole(dataset, workspace) -> RunFolder:
    """Return the run of this process."""
    request = RunRequest("wandering", "whole")
    return run_tracker(request, dataset, workspace, workspace.results)


class Calls(Executor):
    """Computes at once, and remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def submit(self, fn, /, *args, **kwargs):
        if fn is track_batch:
            self.batches.append([sequence.name for _, sequence in args[1]])
        future: Future[object] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def masks(run: RunFolder) -> dict[str, bytes]:
    return {str(p.relative_to(run.path)): p.read_bytes() for p in run.masks.rglob("*.png")}


def rows(run: RunFolder) -> list[tuple[object, ...]]:
    return sorted((s.sequence, s.frame, s.objects, s.prompts) for s in run.times())


def assert_equal(run: RunFolder, whole: RunFolder) -> None:
    assert masks(run) == masks(whole)
    assert len(masks(run)) == 72
    assert rows(run) == rows(whole)
    assert not list(run.masks.glob(".*"))
    assert not run.manifest().differences(whole.manifest())


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_take_turns(dataset, workspace, whole, threads):
    told: list[tuple[int, str]] = []
    with ThreadPoolExecutor(threads) as executor:
        run = run_tracker(
            RunRequest("wandering", "threads"),
            dataset,
            workspace,
            workspace.results,
            lambda frames, name: told.append((frames, name)),
            executor=executor,
        )
    assert_equal(run, whole)
    assert {status.workers for status in run.manifest().sequences.values()} == {threads}
    assert sorted(told) == sorted((6, sequence.name) for sequence in dataset.sequences)


def test_processes_of_somebody_else(dataset, workspace, whole):
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        request = RunRequest("wandering", "processes")
        run = run_tracker(request, dataset, workspace, workspace.results, executor=executor)
        assert_equal(run, whole)
        alone, shared = (
            score_folder(scorer_of(dataset, ScoringOptions(workers=workers)), run.path)
            for workers in (1, executor)
        )
    assert alone.frames.equals(shared.frames)
    assert alone.summary.equals(shared.summary)
    assert np.isnan(shared.summary["fps"][0]), "two processes shared the machine"


def test_the_longest_sequence_goes_first(dataset, workspace):
    calls = Calls()
    cut = tuple(
        replace(
            sequence,
            frames=sequence.frames[: 3 + n % 4],
            annotations={i: p for i, p in sequence.annotations.items() if i < 3 + n % 4},
        )
        for n, sequence in enumerate(dataset.sequences)
    )
    some = replace(dataset, sequences=cut)
    request = RunRequest("wandering", "cut")
    run_tracker(request, some, workspace, workspace.results, executor=calls)
    lengths = {sequence.name: len(sequence) for sequence in cut}
    given = [lengths[name] for (name,) in calls.batches]
    assert given == sorted(lengths.values(), reverse=True)


def test_batches_of_short_sequences(dataset, workspace, whole):
    calls = Calls()
    request = RunRequest("wandering", "batched", batch=30)
    run = run_tracker(request, dataset, workspace, workspace.results, executor=calls)
    assert list(map(len, calls.batches)) == [5, 5, 2]
    assert_equal(run, whole)


def test_what_a_batch_finished_before_an_error_is_kept(clips, workspace, tmp_path):
    """The last frame of the eighth sequence is damaged; sequences are of one length."""
    broken = tmp_path / "clips"
    shutil.copytree(clips, broken)
    dataset = open_dataset(f"folder:{broken}", workspace=workspace)
    bad = dataset.sequences[7]
    bad.frames[-1].write_bytes(bad.frames[-1].read_bytes()[:100])
    calls = Calls()
    request = RunRequest("wandering", batch=30)
    with pytest.raises(DatasetError, match=f"{bad.name}.*is not an image"):
        run_tracker(request, dataset, workspace, workspace.results, executor=calls)
    run = RunFolder(workspace.results / "folder-clips" / "wandering")
    done = run.complete(run.manifest())
    assert {sequence.name for sequence in dataset.sequences[:7]} <= done
    assert bad.name not in done
    assert not list(run.masks.glob(".*"))
    assert calls.batches[-1][0] == bad.name, "it was asked for once more, as the first of a task"


def test_an_error_of_a_tracker_crosses_processes(dataset, workspace):
    failing = TRACKER.replace(
        "        for prompt", "        1 / len(list(prompts))\n        for prompt"
    )
    (workspace.trackers / "wandering" / "tracker.py").write_text(failing)
    where = (RunRequest("wandering"), dataset, workspace, workspace.results)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        with pytest.raises(ContractError, match=r"ZeroDivisionError.*tracker\.py, line 17"):
            run_tracker(*where, executor=executor)
        assert executor.submit(len, "abc").result() == 3, "the executor stays open"


# --- what a worker refuses ---


@pytest.fixture
def spec(dataset, workspace, whole) -> WorkerSpec:
    """Return a specification for the run that is there."""
    job = prepare(RunRequest("wandering"), workspace)
    return WorkerSpec(
        token="test",
        job=job,
        track=track_sequence,
        layout=MASKS,
        folder=whole.path,
        weights=None,
        versions=worker_info("cpu", ()).versions,
        sharing=1,
    )


@pytest.fixture
def clip(dataset):
    sequence = dataset.sequences[0]
    return dataset.only(sequence), sequence


def test_what_is_specified_is_tracked(spec, clip, whole):
    batch = track_batch(spec, [clip])
    (finished,) = batch.finished
    assert batch.worker == worker_name()
    assert finished.partial.parent == whole.masks
    assert finished.status == replace(
        whole.manifest().sequences[clip[1].name],
        seconds=finished.status.seconds,
        peak_mb=finished.status.peak_mb,
    )
    again = track_batch(spec, [clip]).finished[0]
    assert again.partial != finished.partial, "attempts have folders of their own"
    release("test")


def test_results_that_are_not_seen(spec, clip, tmp_path):
    with pytest.raises(ResultError, match=r"does not see .*nowhere/run\.json.*all workers share"):
        track_batch(replace(spec, folder=tmp_path / "nowhere"), [clip])


def test_data_that_is_not_seen(spec, clip, tmp_path):
    moved = replace(clip[1], frames=tuple(tmp_path / p.name for p in clip[1].frames))
    with pytest.raises(ClusterError, match=rf"{worker_name()} does not see {tmp_path}/00000\.jpg"):
        track_batch(spec, [(clip[0], moved)])


def test_masks_that_the_main_process_does_not_see(dataset, workspace):
    class Elsewhere(Calls):
        """Its worker writes to a disk of its own."""

        def submit(self, fn, /, *args, **kwargs):
            future = super().submit(fn, *args, **kwargs)
            if fn is track_batch:
                shutil.rmtree(future.result().finished[0].partial)
            return future

    request = RunRequest("wandering", "unseen")
    with pytest.raises(ClusterError, match="is not to be seen here"):
        run_tracker(request, dataset, workspace, workspace.results, executor=Elsewhere())


def test_other_code_of_the_tracker(spec, clip):
    with pytest.raises(ClusterError, match="has other code of wandering"):
        track_batch(replace(spec, job=replace(spec.job, code="0123456789ab")), [clip])


def test_other_versions_of_packages(spec, clip):
    versions = {**spec.versions, "numpy": "1.0", "torch": spec.versions["torch"]}
    with pytest.raises(ClusterError, match=r"has numpy [\d.]+ instead of 1\.0: results would"):
        track_batch(replace(spec, versions=versions), [clip])


def test_weights_that_are_not_there_or_others(spec, clip, tmp_path):
    path = tmp_path / "weights.pth"
    job = replace(spec.job, runtime=replace(spec.job.runtime, weights=path))
    with pytest.raises(WeightsError, match="does not see the weights"):
        track_batch(replace(spec, job=job, weights="0" * 64), [clip])
    path.write_bytes(b"weights")
    with pytest.raises(WeightsError, match="finds other weights in"):
        track_batch(replace(spec, job=job, weights="0" * 64), [clip])


def test_weights_that_come_with_a_tracker_lie_where_it_is_installed(clip, spec, workspace):
    """The installation of the process that asks is not seen by the worker."""
    file = workspace.trackers / "wandering" / "tracker.py"
    own = "\n    @classmethod\n    def own_weights(cls, config):\n"
    file.write_text(TRACKER + own + "        return Path(__file__).with_name('w.pth')\n")
    file.write_text("from pathlib import Path\n" + file.read_text())
    weights = file.with_name("w.pth")
    weights.write_bytes(b"weights")
    name = "elsewhere"
    shutil.copytree(file.parent, workspace.trackers / name)  # it was not imported yet
    job = prepare(RunRequest(name), workspace)
    assert job.runtime.weights == (workspace.trackers / name / "w.pth").resolve()
    moved = replace(job, runtime=replace(job.runtime, weights=Path("/venv/of/the/client/w.pth")))
    known = replace(spec, job=moved, weights=sha256_of(weights), token="own")
    assert track_batch(known, [clip]).finished
    with pytest.raises(WeightsError, match="finds other weights in"):
        track_batch(replace(known, weights="0" * 64, token="other"), [clip])
