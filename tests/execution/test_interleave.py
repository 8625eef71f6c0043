"""Trackers that take turns in one process: what each writes is what it writes alone."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.errors import ContractError
from vostool.execution.frame_cache import SharedFrames
from vostool.execution.interleave import run_together
from vostool.execution.run import run_tracker
from vostool.runs.folder import RunFolder
from vostool.scoring.evaluate import run_speed
from vostool.tracking.job import RunRequest
from vostool.tracking.loop import WARM_UP_FRAMES
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
        for measured in ("seconds", "peak_mb", "spared"):
            del status[measured]
    return dict(values)


def test_together_is_as_alone(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    requests = [write_tracker("one", 1), write_tracker("two", 2), RunRequest("copy_first")]
    workspace = Workspace(tmp_path)
    frames = SharedFrames(10**9)
    turns = run_together(requests, dataset, workspace, tmp_path / "shared", frames=frames)
    assert [turn.error for turn in turns] == [None] * 3
    assert [(turn.sequences, turn.frames) for turn in turns] == [(COUNT, COUNT * LENGTH)] * 3
    assert frames.decoded == COUNT * LENGTH + WARM_UP_FRAMES
    for request in requests:
        alone = run_tracker(request, dataset, workspace, tmp_path / "alone").path
        shared = tmp_path / "shared" / dataset.key / alone.name
        assert masks(shared) == masks(alone)
        assert told(shared) == told(alone)
        rows = [(step.sequence, step.frame) for step in RunFolder(shared).times()]
        assert rows == [(step.sequence, step.frame) for step in RunFolder(alone).times()]
        assert len(rows) == COUNT * LENGTH
        assert not list(shared.glob("masks/.*"))


def test_a_sequence_larger_than_the_memory_is_decoded_again(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    requests = [write_tracker("one"), RunRequest("copy_first")]
    frames = SharedFrames(4 * SIZE[0] * SIZE[1] * 3)
    run_together(requests, dataset, Workspace(tmp_path), tmp_path / "r", frames=frames)
    again = COUNT * (LENGTH - 4)
    assert frames.decoded == COUNT * LENGTH + again + WARM_UP_FRAMES


def test_shared_frames_leave_no_speed_end_to_end(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    """fps is inside of `step` and stays; what other trackers take part in is nobody's."""
    requests = [RunRequest("copy_first"), write_tracker("one")]
    folders = [
        turn.folder for turn in run_together(requests, dataset, Workspace(tmp_path), tmp_path / "r")
    ]
    names = [sequence.name for sequence in dataset.sequences]
    first, second = (run_speed(folder, names) for folder in folders if folder is not None)
    assert first["fps"] > 0
    assert second["fps"] > 0
    assert first["fps_e2e"] > 0  # it decoded them all
    assert second["fps_e2e"] != second["fps_e2e"]
    assert first["peak_mb"] != first["peak_mb"]
    (alone,) = run_together([RunRequest("copy_first", "b")], dataset, Workspace(tmp_path), tmp_path)
    assert alone.folder is not None
    assert run_speed(alone.folder, names)["peak_mb"] > 0


def test_one_that_fails_stops_no_other(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    third = dataset.sequences[2].frames[0]
    bad = f"raise ValueError('no') if (frame == cv2.imread({str(third)!r})[..., ::-1]).all() else 0"
    bad = bad.replace("raise ValueError('no')", "(_ for _ in ()).throw(ValueError('no'))")
    requests = [write_tracker("bad", fails=bad), RunRequest("absent"), RunRequest("copy_first")]
    workspace = Workspace(tmp_path)
    turns = run_together(requests, dataset, workspace, tmp_path / "r")
    assert isinstance(turns[0].error, ContractError)
    assert "ValueError: no" in str(turns[0].error)
    assert "There is no tracker 'absent'" in str(turns[1].error)
    assert turns[2].error is None
    assert (turns[0].sequences, turns[2].sequences) == (2, COUNT)
    folder = turns[0].folder
    assert folder is not None
    assert folder.complete(folder.manifest()) == {each.name for each in dataset.sequences[:2]}
    with folder.locked():  # it is free
        pass


def test_one_that_lacks_memory_beside_the_others_runs_alone(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    marker = tmp_path / "was"
    greedy = f"""
        from pathlib import Path
        if not Path({str(marker)!r}).exists():
            Path({str(marker)!r}).touch()
            raise MemoryError
        """
    requests = [write_tracker("greedy", fails=greedy), RunRequest("copy_first")]
    turns = run_together(requests, dataset, Workspace(tmp_path), tmp_path / "r")
    assert [turn.error for turn in turns] == [None, None]
    assert [turn.sequences for turn in turns] == [COUNT, COUNT]
    crowded = """
        import builtins, weakref
        live = builtins.__dict__.setdefault("crowded_trackers", weakref.WeakSet())
        live.add(self)
        if len(live) > 1:
            raise MemoryError
        """
    pair = [write_tracker("big", fails=crowded), write_tracker("huge", fails=crowded)]
    turns = run_together(pair, dataset, Workspace(tmp_path), tmp_path / "t")
    assert [turn.error for turn in turns] == [None, None]
    always = write_tracker("always", fails="raise MemoryError")
    turns = run_together([always, requests[1]], dataset, Workspace(tmp_path), tmp_path / "s")
    assert "Out of memory" in str(turns[0].error)
    assert turns[1].error is None


def test_what_was_stopped_is_finished_by_either(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    requests = [write_tracker("one"), RunRequest("copy_first")]
    workspace = Workspace(tmp_path)

    def stop(_: int, sequence: str) -> None:
        if sequence == dataset.sequences[5].name:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_together(requests, dataset, workspace, tmp_path / "r", stop)
    begun = RunFolder(tmp_path / "r" / dataset.key / "one")
    assert len(begun.complete(begun.manifest())) == 5
    run_tracker(requests[0], dataset, workspace, tmp_path / "r")
    turns = run_together(requests, dataset, workspace, tmp_path / "r")
    assert [turn.sequences for turn in turns] == [0, COUNT - 5]
    whole = run_tracker(requests[0], dataset, workspace, tmp_path / "whole").path
    assert masks(begun.path) == masks(whole)


def test_a_full_disk_stops_all(
    dataset: Dataset, tmp_path: Path, write_tracker: Callable[..., RunRequest]
) -> None:
    full = write_tracker("full", fails="raise OSError(28, 'No space left on device')")
    with pytest.raises(OSError, match="No space left"):
        run_together([full, RunRequest("copy_first")], dataset, Workspace(tmp_path), tmp_path / "r")
