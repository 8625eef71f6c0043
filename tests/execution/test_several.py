"""Several runs in one process: what each writes is what it writes alone."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.errors import ContractError
from vostool.execution.run import run_tracker
from vostool.execution.several import run_several
from vostool.runs.folder import RunFolder
from vostool.scoring.evaluate import run_speed
from vostool.tracking.job import RunRequest
from vostool.workspace import Workspace

LENGTH, COUNT = 6, 12  # frames of a sequence, sequences
SIZE = (64, 96)
TRACKER = '''
import cv2
import numpy as np

from vostool import Tracker


class Walking(Tracker):
    """Draws from the global generator, and depends on settings of the process."""

    def __init__(self, config=None, runtime=None):
        super().__init__(config, runtime)
        cv2.setNumThreads({threads})

    def reset(self):
        self.labels, self.place = None, np.zeros(2, int)

    def step(self, frame, prompts=()):
        assert cv2.getNumThreads() == {threads}
        {fails}
        if self.labels is None:
            self.labels = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            self.labels[prompt.mask] = prompt.object_id
        self.place += np.random.randint(-2, 3, 2) + int(frame.mean()) % 2
        return np.roll(self.labels, tuple(self.place), (0, 1))
'''


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "clips"
    return synthetic.make(folder, size=SIZE, frames=LENGTH)


@pytest.fixture
def dataset(clips: Path, tmp_path: Path) -> Dataset:
    return open_dataset(f"folder:{clips}", workspace=Workspace(tmp_path))


@pytest.fixture
def write_tracker(tmp_path: Path) -> Callable[..., RunRequest]:
    def write(name: str, threads: int = 1, fails: str = "pass") -> RunRequest:
        path = tmp_path / "trackers" / name / "tracker.py"
        path.parent.mkdir(parents=True)
        path.write_text(TRACKER.format(threads=threads, fails=fails))
        return RunRequest(name)

    return write


def masks(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("masks/**/*"))
        if path.is_file()
    }


def told(run: Path) -> dict[str, Any]:
    """Return what is recorded, without what is measured."""
    values = asdict(RunFolder(run).manifest())
    del values["created"]
    for status in values["sequences"].values():
        for measured in ("seconds", "peak_mb"):
            del status[measured]
    return dict(values)


def test_one_after_the_other_is_as_alone(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    requests = [write_tracker("one", 1), write_tracker("two", 2), RunRequest("copy_first")]
    workspace = Workspace(tmp_path)
    outcomes = list(run_several(requests, dataset, workspace, tmp_path / "several"))
    assert [each.error for each in outcomes] == [None] * 3
    assert [(each.sequences, each.frames) for each in outcomes] == [(COUNT, COUNT * LENGTH)] * 3
    names = [sequence.name for sequence in dataset.sequences]
    for request, outcome in zip(requests, outcomes, strict=True):
        alone = run_tracker(request, dataset, workspace, tmp_path / "alone").path
        assert outcome.folder is not None
        several = outcome.folder.path
        assert several == tmp_path / "several" / dataset.key / alone.name
        assert masks(several) == masks(alone)
        assert told(several) == told(alone)
        rows = [(step.sequence, step.frame) for step in RunFolder(several).times()]
        assert rows == [(step.sequence, step.frame) for step in RunFolder(alone).times()]
        assert len(rows) == COUNT * LENGTH
        assert not list(several.glob("masks/.*"))
        speed = run_speed(outcome.folder, names)
        assert all(speed[name] > 0 for name in ("fps", "fps_e2e", "peak_mb"))
        assert 0 < outcome.frames / outcome.seconds < speed["fps_e2e"]


def test_frames_that_older_runs_shared_leave_no_speed_end_to_end(
    dataset: Dataset, tmp_path: Path
) -> None:
    run = run_tracker(RunRequest("copy_first"), dataset, Workspace(tmp_path), tmp_path / "r")
    names = [sequence.name for sequence in dataset.sequences]
    records = run.path / "sequences.jsonl"
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    lines = [line | ({"spared": LENGTH} if line["sequence"] == names[0] else {}) for line in lines]
    records.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert run_speed(run, names)["fps"] > 0
    assert run_speed(run, names)["fps_e2e"] != run_speed(run, names)["fps_e2e"]
    assert run_speed(run, names[1:])["fps_e2e"] > 0


def test_one_that_fails_stops_no_other(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    third = dataset.sequences[2].frames[0]
    bad = f"raise ValueError('no') if (frame == cv2.imread({str(third)!r})[..., ::-1]).all() else 0"
    bad = bad.replace("raise ValueError('no')", "(_ for _ in ()).throw(ValueError('no'))")
    requests = [write_tracker("bad", fails=bad), RunRequest("absent"), RunRequest("copy_first")]
    bad_one, absent, good = run_several(requests, dataset, Workspace(tmp_path), tmp_path / "r")
    assert isinstance(bad_one.error, ContractError)
    assert "ValueError: no" in str(bad_one.error)
    assert "There is no tracker 'absent'" in str(absent.error)
    assert good.error is None
    assert [each.sequences for each in (bad_one, absent, good)] == [2, 0, COUNT]
    assert (bad_one.folder, absent.folder) == (None, None)
    folder = RunFolder(tmp_path / "r" / dataset.key / "bad")
    assert folder.complete(folder.manifest()) == {each.name for each in dataset.sequences[:2]}
    with folder.locked():  # it is free
        pass


def test_the_memory_of_one_is_freed_before_the_next(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    """Also that of one which failed, though its error is kept."""
    crowded = """
        import builtins, weakref
        live = builtins.__dict__.setdefault("crowded_trackers", weakref.WeakSet())
        live.add(self)
        if len(live) > 1:
            raise MemoryError
        """
    fails = crowded + "raise ValueError('as it does')\n        "
    requests = [
        write_tracker("big", fails=crowded),
        write_tracker("failing", fails=fails),
        write_tracker("huge", fails=crowded),
    ]
    big, failing, huge = run_several(requests, dataset, Workspace(tmp_path), tmp_path / "r")
    assert (big.error, huge.error) == (None, None)
    assert "ValueError: as it does" in str(failing.error)
    always = write_tracker("always", fails="raise MemoryError")
    both = [always, RunRequest("copy_first")]
    outcomes = list(run_several(both, dataset, Workspace(tmp_path), tmp_path / "s"))
    assert "Out of memory" in str(outcomes[0].error)
    assert outcomes[1].error is None


def test_what_was_stopped_is_finished(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    requests = [write_tracker("one"), RunRequest("copy_first")]
    workspace = Workspace(tmp_path)

    def stop(_: int, sequence: str) -> None:
        if sequence == dataset.sequences[5].name:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_several(requests, dataset, workspace, tmp_path / "r", stop))
    begun = RunFolder(tmp_path / "r" / dataset.key / "one")
    assert len(begun.complete(begun.manifest())) == 5
    outcomes = list(run_several(requests, dataset, workspace, tmp_path / "r"))
    assert [each.sequences for each in outcomes] == [COUNT - 5, COUNT]
    whole = run_tracker(requests[0], dataset, workspace, tmp_path / "whole").path
    assert masks(begun.path) == masks(whole)
    again = list(run_several(requests, dataset, workspace, tmp_path / "r"))
    assert [each.sequences for each in again] == [0, 0]


def test_a_full_disk_stops_all(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    full = write_tracker("full", fails="raise OSError(28, 'No space left on device')")
    runs = [full, RunRequest("copy_first")]
    with pytest.raises(OSError, match="No space left"):
        list(run_several(runs, dataset, Workspace(tmp_path), tmp_path / "r"))
