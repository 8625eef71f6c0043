"""Checkpoints are whole or absent, and damage is noticed."""

import json
import os
import shutil

import pytest
import torch

from vostool.environment import sha256_of
from vostool.errors import ResultError, WeightsError
from vostool.training import checkpoint, folder


class Killed(BaseException):
    """What nothing in the code catches: as if the process ended here."""


def test_what_is_saved_is_loaded(tmp_path):
    weight = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    tensors = {"network": {"w": weight, "tied": weight, "n": torch.tensor(3)}}
    state = {"step": 5, "best": None, "optimizer": {"state": {0: {"m": torch.ones(2)}}}}
    path = checkpoint.save(tmp_path / "c", 5, tensors, state, keep=1)
    loaded, kept = checkpoint.load(path)
    assert torch.equal(loaded["network"]["w"], weight)
    assert torch.equal(loaded["network"]["tied"], weight)
    assert loaded["network"]["n"] == 3
    assert kept["step"] == 5
    assert torch.equal(kept["optimizer"]["state"][0]["m"], torch.ones(2))


def test_the_newest_are_kept(tmp_path):
    for step in (3, 20, 100, 7):
        checkpoint.save(tmp_path, step, {}, {}, keep=2)
    assert [path.name for path in checkpoint.checkpoints_in(tmp_path)] == [
        "step_00000020",
        "step_00000100",
    ]


@pytest.mark.parametrize("file", ["network.safetensors", "ema.safetensors", "state.pt"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_damage_is_a_sentence(bench, stop_after, file, damage):
    bench.train(stop=stop_after(9))
    newest = bench.folder() / "checkpoints" / "step_00000009"
    data = (newest / file).read_bytes()
    if damage == "cut":
        (newest / file).write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        middle = len(data) - 40
        (newest / file).write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    else:
        (newest / file).unlink()
    with pytest.raises(WeightsError, match=r"step_00000009 is damaged.*goes on from step_00000008"):
        bench.train()
    shutil.rmtree(newest)
    bench.train()
    bench.train(name="whole")
    assert list(bench.curve()["total"]) == list(bench.curve("whole")["total"])


def test_a_lost_list_of_hashes_is_damage_too(bench, stop_after):
    bench.train(stop=stop_after(2))
    (bench.folder() / "checkpoints" / "step_00000002" / "files.json").unlink()
    with pytest.raises(WeightsError, match=r"damaged: files\.json.*begins anew"):
        bench.train()


# Where a training is killed while it writes the checkpoint of step 8: module, name, at which call
# from then on, and where it goes on.
POINTS = {
    "before the first file": (checkpoint, "write_tensors", 1, 4),
    "between two files": (checkpoint, "write_tensors", 2, 4),
    "before the state": (torch, "save", 1, 4),
    "before the hashes": (checkpoint, "sha256_of", 3, 4),
    "before the files are on the disk": (checkpoint, "_flush_to_disk", 2, 4),
    "before the rename": (os, "replace", 1, 4),
    "before old ones are removed": (checkpoint, "checkpoints_in", 1, 8),
    "before the weights are exported": (folder, "write_tensors", 1, 8),
    "before the weights are renamed": (os, "replace", 2, 8),
}


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.replace(" ", "_"))
def test_killed_while_a_checkpoint_is_written(bench, monkeypatch, point):
    module, name, fatal, goes_on = POINTS[point]
    real, save, calls = getattr(module, name), checkpoint.save, []

    def deadly(*arguments, **options):
        calls.append(arguments)
        if len(calls) == fatal:
            raise Killed
        return real(*arguments, **options)

    def saving(where, step, *rest):
        if step == 8:
            patch.setattr(module, name, deadly)
        return save(where, step, *rest)

    settings = ("train.validate_every=0", "train.keep=1")
    bench.train(*settings, name="whole")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", saving)
        with pytest.raises(Killed):
            bench.train(*settings)
    assert bench.train(*settings).step == 12
    starts = json.loads((bench.folder() / "train.json").read_text())["starts"]
    assert [start["step"] for start in starts] == [0, goes_on]
    assert list(bench.curve()["total"]) == list(bench.curve("whole")["total"])
    left = [path.name for path in (bench.folder() / "checkpoints").iterdir()]
    assert left == ["step_00000012"]


def test_two_at_a_time_are_refused(bench):
    job = bench.job()
    with (
        job.folder(bench.results).locked(),
        pytest.raises(ResultError, match="Another vostool is training in"),
    ):
        bench.train()


def test_a_damaged_manifest_is_a_sentence(bench):
    bench.train("train.steps=4")
    path = bench.folder() / "train.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(ResultError, match=r"train\.json cannot be read"):
        bench.train("train.steps=4")


class Evil:
    """Runs code wherever it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["EVIL"],)


def test_a_checkpoint_of_somebody_else_runs_no_code(bench, monkeypatch, tmp_path):
    bench.train("train.steps=4")
    path = bench.folder() / "checkpoints" / "step_00000004"
    monkeypatch.setenv("EVIL", str(tmp_path / "ran"))
    torch.save({"step": Evil()}, path / "state.pt")
    hashes = {file.name: sha256_of(file) for file in path.iterdir() if file.name != "files.json"}
    (path / "files.json").write_text(json.dumps(hashes))
    with pytest.raises(WeightsError, match=r"state\.pt holds more than .*begins anew"):
        bench.train("train.steps=4")
    assert not (tmp_path / "ran").exists()
