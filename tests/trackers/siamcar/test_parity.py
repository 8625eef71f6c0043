"""Ours against the original program: same weights, same frames, one step (see remake_golden.py)."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.helpers.siamcar_scenes import (
    BOX,
    EDGES,
    STEPS,
    filled,
    painted,
    reference_crop,
    seeded_maps,
)
from vostool.config import read_toml
from vostool.tracking.base import Runtime
from vostool.types import Box, Prompt
from vostool_trackers.siamcar import choice
from vostool_trackers.siamcar import search as searching
from vostool_trackers.siamcar import tracker as tracking
from vostool_trackers.siamcar.losses import car_losses
from vostool_trackers.siamcar.network import Maps, Shape, SiamCar
from vostool_trackers.siamcar.search import Search
from vostool_trackers.siamcar.settings import Config
from vostool_trackers.siamcar.targets import targets_of
from vostool_trackers.siamese.inference.crops import context_side

HERE = Path(__file__).parent

GOLDEN = json.loads((HERE / "golden" / "original.json").read_text())
LATER = {"libby": 2, "soccerball": 2, "kite-surf": 4}
SETS = {"OTB100": "otb100", "GOT10K": "got10k", "UAV123": "uav123", "LaSOT": "lasot"}


@pytest.fixture(scope="module")
def network() -> SiamCar:
    """Return a network with the seeded weights, which are drawn under the published names."""
    network = SiamCar(Shape()).eval()
    form = tracking.PUBLISHED
    shapes = {}
    for name, tensor in network.state_dict().items():
        for theirs, ours in form.prefixes.items():
            if name.startswith(ours) and not name.endswith("num_batches_tracked"):
                turned = theirs in form.transposed and tensor.ndim > 1
                shape = tensor.transpose(0, 1).shape if turned else tensor.shape
                shapes[theirs + name.removeprefix(ours)] = tuple(shape)
    network.load_state_dict(form.renamed(filled(shapes)), strict=False)
    return network


@pytest.fixture(params=["painted", *LATER], scope="module")
def scene(request):
    """Return what the original said, the first frame and a later one."""
    golden = GOLDEN["scenes"][request.param]
    if request.param == "painted":
        assert golden["box"] == list(BOX)
        return golden, painted(0), painted(5)
    root = request.getfixturevalue("shared") / "data" / "DAVIS" / "JPEGImages" / "480p"
    frames = (0, LATER[request.param])
    first, later = (cv2.imread(str(root / request.param / f"{i:05d}.jpg")) for i in frames)
    return golden, first[..., ::-1].copy(), later[..., ::-1].copy()


@torch.no_grad()
def test_maps_are_those_of_the_original(network, scene):
    golden, first, later = scene
    x, y, w, h = golden["box"]
    centre = x + (w - 1) / 2, y + (h - 1) / 2
    side = float(context_side(torch.tensor([[w, h]], dtype=torch.float64)))
    fill = first.mean(axis=(0, 1)).astype(int).tolist()
    template, crop = (
        network.prepared(reference_crop(frame, centre, side * out / 127, out, fill))
        for frame, out in ((first, 127), (later, 255))
    )
    found = dict(zip(("layer2", "layer3", "layer4"), network.backbone(crop)[2:], strict=True))
    kernels = network.kernels(template)
    found["kernel"] = torch.cat(kernels, dim=1)
    hook = network.join.register_forward_hook(lambda _, __, out: found.update(joined=out))
    maps = network.search(kernels, crop)
    hook.remove()
    found |= {"cls": maps.score, "loc": maps.box, "cen": maps.centerness}
    for name, step in STEPS.items():
        ours = found[name].flatten()[::step].double().numpy()
        wrong = np.abs(ours - golden["values"][name]).max() / golden["largest"][name]
        assert wrong <= 1e-4, (name, wrong)


@pytest.mark.parametrize("name", SETS)
def test_a_step_is_that_of_the_original(network, scene, name, monkeypatch):
    """With the configuration of the same name as the original's set of numbers.

    Deliberately not repeated: the original compares sizes in pixels of the frame with sizes in
    pixels of the crop when it says how fast the size follows. `mended_size` is what it says where
    that is mended.
    """
    golden, first, later = scene
    expected = golden["steps"][name]
    config = Config(**read_toml(Path(tracking.__file__).with_name(f"{SETS[name]}.toml")))
    places = []

    def spied(maps):
        places.append(choice_place(maps))
        return places[-1]

    choice_place = choice._place
    monkeypatch.setattr(choice, "_place", spied)
    search = Search(network, config, Runtime())
    search.step(first, (Prompt(7, 0, Box(*golden["box"])),))
    labels = search.step(later, ())
    coarse, fine = (place[0].tolist() for place in places)
    assert coarse == expected["coarse"]
    assert fine == expected["fine"]
    assert search.objects.centres[0].numpy() == pytest.approx(expected["centre"], abs=0.5)
    assert search.objects.sizes[0].numpy() == pytest.approx(expected["mended_size"], abs=0.5)
    assert set(np.unique(labels)) == {0, 7}


def test_the_units_that_are_mended_matter():
    apart = [
        np.abs(np.subtract(step["size"], step["mended_size"])).max()
        for scene in GOLDEN["scenes"].values()
        for step in scene["steps"].values()
    ]
    assert max(apart) > 5


def test_losses_are_those_of_the_original():
    """Of a batch of one, and with locations where features have their centre, see the card."""
    score, box, centerness = seeded_maps()
    mask = torch.zeros(1, 255, 255, dtype=torch.bool)
    left, top, right, bottom = (round(edge + 0.5) for edge in EDGES)
    mask[:, top:bottom, left:right] = True
    losses = car_losses(Maps(score, centerness[:, 0], box), targets_of(mask))
    for name, value in GOLDEN["losses"].items():
        assert getattr(losses, name).item() == pytest.approx(value, rel=1e-5), name


def test_the_window_is_the_originals():
    expected = np.outer(np.hanning(25), np.hanning(25))
    assert np.allclose(choice.hann_window().numpy(), expected, atol=1e-6)
    assert searching.hann_window is choice.hann_window
