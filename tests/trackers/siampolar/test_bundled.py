"""The weights that come along: small, of the default configuration, and able to track."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vostool.datasets.catalog import open_dataset
from vostool.errors import WeightsError
from vostool.frames import read_frame
from vostool.metrics.region import region_similarity
from vostool.tracker import Runtime
from vostool.tracking import for_tracker
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
