"""The weights that come along: small, of the default configuration, and able to track."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vostool.datasets.catalog import open_dataset
from vostool.environment import sha256_of
from vostool.errors import WeightsError
from vostool.io.frames import read_frame
from vostool.metrics.jaccard import region_similarity
from vostool.tracking.base import Runtime
from vostool.tracking.loop import for_tracker
from vostool.tracking.training_record import training_data
from vostool_trackers.siampolar.bundle import bundle
from vostool_trackers.siampolar.network import SiamPolarCar
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.tracker import BUNDLED, SiamPolar


def overlap(dataset, name: str, frames: int) -> float:
    """Return the mean J of the first object, tracked by the bundled weights."""
    tracker = SiamPolar(Config(), Runtime(weights=SiamPolar.own_weights(Config())))
    sequence = dataset.select([name]).sequences[0]
    tracker.reset()
    found = []
    for index, prompts in enumerate(dataset.prompts(sequence)):
        if index == frames:
            break
        labels = tracker.step(read_frame(sequence.frames[index]), for_tracker("box", prompts))
        if index:
            truth = dataset.labels(sequence.annotations[index])
            found.append(region_similarity(labels == 1, truth == 1))
    return float(np.mean(found))


def write_training(folder: Path, **more: object) -> None:
    training = {
        "tracker": "siampolar",
        "config_name": "car",
        "settings": {"data": ["DAVIS2016:train", "synthetic"], "validation": "DAVIS2016:train"},
        "data": {
            "DAVIS2016-train": {"root": "/home/me", "fingerprint": "1", "sequences": ["a", "b"]},
            "synthetic": {"root": "/home/me", "fingerprint": "2", "sequences": ["c"]},
        },
        "validation": {"DAVIS2016-train": {"root": "/", "fingerprint": "3", "sequences": ["d"]}},
        "init": None,
    }
    (folder / "train.json").write_text(json.dumps(training | more))


def test_they_are_small_and_halved():
    assert BUNDLED.stat().st_size < 10e6
    tensors = load_file(BUNDLED)
    assert {t.dtype for t in tensors.values()} == {torch.float16}
    assert all(t.isfinite().all() for t in tensors.values())


def test_they_follow_an_object_on_real_video(shared):
    """The filled box of its first frame, moved along by nothing, would have less than half."""
    dataset = open_dataset("DAVIS2016", root=shared / "data" / "DAVIS", split="val")
    assert overlap(dataset, "car-shadow", 20) > 0.65


def test_bundling_halves_what_fits(tmp_path):
    torch.manual_seed(0)
    network = SiamPolarCar(Config().shape)
    tensors = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    save_file(tensors, tmp_path / "trained.safetensors")
    write_training(tmp_path)
    size = bundle(tmp_path / "trained.safetensors", tmp_path / "halved.safetensors")
    assert size < 0.51 * (tmp_path / "trained.safetensors").stat().st_size
    halved = load_file(tmp_path / "halved.safetensors")
    assert all(
        torch.allclose(halved[k].float(), v, rtol=1e-3, atol=1e-6) for k, v in tensors.items()
    )
    tensors.pop("join.bias")
    save_file(tensors, tmp_path / "lacking.safetensors")
    with pytest.raises(WeightsError, match=r"join\.bias"):
        bundle(tmp_path / "lacking.safetensors", tmp_path / "none.safetensors")
    assert not (tmp_path / "none.safetensors").exists()


def test_what_they_were_trained_on_is_stated():
    stated = json.loads(BUNDLED.with_suffix(".json").read_text())
    assert stated["sha256"] == sha256_of(BUNDLED)
    assert {"DAVIS2016:train", "synthetic"} <= stated["data"].keys()
    held_out = set(stated["validation"]["DAVIS2016:train"]["sequences"])
    assert held_out.isdisjoint(stated["data"]["DAVIS2016:train"]["sequences"])
    assert training_data(BUNDLED, sha256_of(BUNDLED))[0].startswith("DAVIS2016:train (")


def test_bundling_takes_the_training_data_along(tmp_path):
    source, target = tmp_path / "best.safetensors", tmp_path / "package" / "car.safetensors"
    target.parent.mkdir()
    save_file(SiamPolarCar(Config().shape).state_dict(), source)
    with pytest.raises(WeightsError, match=r"train\.json is not there"):
        bundle(source, target)
    assert not target.exists()
    write_training(tmp_path, init={"path": "/home/me/first.safetensors", "sha256": "5ha"})
    bundle(source, target)
    text = target.with_suffix(".json").read_text()
    assert json.loads(text)["init"] == "5ha"
    assert "/home/me" not in text
    found = training_data(target, sha256_of(target))
    assert found == ["DAVIS2016:train (2 sequences)", "synthetic (1 sequence)"]
    write_training(tmp_path, data=[])
    with pytest.raises(WeightsError, match=r"train\.json is not there or damaged"):
        bundle(source, target)
    bundled = target.read_bytes()
    target.write_bytes(bundled + b" ")
    assert training_data(target, sha256_of(target)) == []


def test_weights_belong_to_their_backbone():
    assert SiamPolar.own_weights(Config()) == BUNDLED
    assert SiamPolar.own_weights(Config(refined=0)) == BUNDLED
    assert SiamPolar.own_weights(Config(backbone="lite0")) != BUNDLED
    assert SiamPolar.own_weights(Config(backbone="resnet18")) is None
    assert SiamPolar.own_weights(Config(channels=32)) is None
