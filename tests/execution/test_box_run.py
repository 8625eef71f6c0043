"""Runs on boxes: shared out among workers and shards they are what one process makes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vostool.datasets.catalog import open_dataset
from vostool.execution.run import run_tracker
from vostool.runs.folder import RunFolder
from vostool.tracking.experiments import experiment_of
from vostool.tracking.job import RunRequest
from vostool.workspace import Workspace


@pytest.fixture(params=["vot", "otb"])
def boxes(request, tmp_path: Path, vot_folder, otb_folder, scripted):
    """Return a dataset, with restarts and two random repetitions or without, and a tracker."""
    make = vot_folder if request.param == "vot" else otb_folder
    dataset = open_dataset(f"{request.param}:{make()}", workspace=Workspace(tmp_path))
    experiment = experiment_of(dataset, {"repetitions": 2 if request.param == "vot" else None})
    return dataset, experiment, scripted(lost=(4,), random=True)


def texts(run: RunFolder) -> dict[str, str]:
    found = {str(p.relative_to(run.masks)): p.read_text() for p in run.masks.rglob("*.txt")}
    assert not list(run.masks.glob(".*"))
    return found


def steps(run: RunFolder) -> list[tuple[object, ...]]:
    return sorted((s.sequence, s.frame, s.objects, s.prompts) for s in run.times())


def test_shared_out_or_not(boxes, tmp_path: Path):
    dataset, experiment, tracker = boxes
    where = (dataset, Workspace(tmp_path), tmp_path / "results")
    how = {"experiment": experiment}
    alone = run_tracker(RunRequest(tracker, "alone"), *where, **how)
    assert len(texts(alone)) == (4 if experiment.repetitions == 2 else 2)
    with ThreadPoolExecutor(2) as executor:
        shared = run_tracker(RunRequest(tracker, "shared"), *where, **how, executor=executor)
    for shard in (1, 2):
        sharded = run_tracker(RunRequest(tracker, "sharded", shard=(shard, 2)), *where, **how)
        assert sharded.exists() == (shard == 2)
    for run in (shared, sharded):
        assert texts(run) == texts(alone)
        assert steps(run) == steps(alone)
        assert not (run.path / ".shards").exists()
