"""The tracker around its network: what is drawn, who wins, who waits; weights by name."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vostool.config import build_config, read_toml
from vostool.errors import WeightsError
from vostool.tracking.base import Runtime
from vostool.types import Box, Prompt
from vostool_trackers.siamcar import tracker as module
from vostool_trackers.siamcar.network import Maps, SiamCar
from vostool_trackers.siamcar.search import Search
from vostool_trackers.siamcar.settings import Config
from vostool_trackers.siamcar.tracker import PUBLISHED, SiamCarTracker

SIZE = (90, 120)
FOLDER = Path(module.__file__).parent


class Oracle(SiamCar):
    """Says of every object: around this cell, with these lengths and scores; else nothing is."""

    def __init__(self, lengths=(32.0, 32.0, 32.0, 32.0)):
        super().__init__(replace(Config().shape, backbone="resnet10", channels=8, depth=1))
        self.lengths, self.scores, self.cell = lengths, [4.0] * 9, (12, 12)

    def kernels(self, template):
        return [torch.zeros(len(template), 1, 8, 8)]

    def search(self, kernels, search):
        assert search.shape[1:] == (3, 255, 255)
        y, x = torch.meshgrid(torch.arange(25.0), torch.arange(25.0), indexing="ij")
        away = torch.hypot(y - self.cell[0], x - self.cell[1])
        middle = torch.tensor(self.scores[: len(search)])[:, None, None] - away**2 / 4
        score = torch.stack((torch.zeros_like(middle), middle), dim=1)
        lengths = torch.tensor(self.lengths, dtype=torch.float32)[None, :, None, None]
        centerness = -away.expand(len(search), -1, -1)
        return Maps(score, centerness, lengths.expand(len(search), -1, 25, 25))


def search_of(network, **settings) -> Search:
    search = Search(network, Config(**settings), Runtime())
    search.network = network  # not a copy, so that tests can change their minds
    return search


def prompt(number: int, x: float, y: float, w: float = 20, h: float = 20) -> Prompt:
    return Prompt(number, 0, Box(x, y, w, h), None)


def frame(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)


def filled(number: int, x: int, y: int, w: int, h: int) -> np.ndarray:
    labels = np.zeros(SIZE, np.uint8)
    labels[y : y + h, x : x + w] = number
    return labels


@pytest.mark.parametrize("box", [(50, 40, 20, 20), (31, 22, 41, 33), (10, 15, 32, 21)])
def test_an_object_that_stays_keeps_its_box(box):
    """The published program reports boxes half a pixel aside; ours are the prompt's again."""
    scale = np.sqrt(np.prod([side + sum(box[2:]) / 2 for side in box[2:]])) / 127
    w, h = box[2] / scale / 2, box[3] / scale / 2
    search = search_of(Oracle((w, h, w, h)))
    first = search.step(frame(), (prompt(3, *box),))
    assert np.array_equal(first, filled(3, *box))
    for seed in (1, 2):
        assert np.array_equal(search.step(frame(seed), ()), filled(3, *box))


def test_a_cell_beside_the_middle_moves_the_object_by_pixels_of_the_frame():
    """A box of 20 x 20 is cut at 40 / 127; 5 columns and -2 rows of 8 pixels are so much less."""
    network = Oracle()
    network.cell = (10, 17)
    search = search_of(network, window=0.0)
    search.step(frame(), (prompt(1, 50, 40),))
    search.step(frame(1), ())
    scale = 40 / 127
    assert search.objects.centres[0].tolist() == pytest.approx(
        [59.5 + 40 * scale, 49.5 - 16 * scale], abs=1.1 * scale
    )


@pytest.mark.parametrize(("length", "grows"), [(60.0, True), (20.0, False)])
def test_sizes_follow_both_ways_at_the_rate_that_their_change_allows(length, grows):
    """The change is one of sizes in the same unit, which the published program mixes up."""
    search = search_of(Oracle((length,) * 4), rate=0.5, penalty=0.3)
    search.step(frame(), (prompt(1, 50, 40),))
    search.step(frame(1), ())
    seen = 2 * length * 40 / 127
    change = np.exp(-0.3 * (max(seen / 20, 20 / seen) - 1))
    score = 1 / (1 + np.exp(-4.0))
    expected = 20 + 0.5 * score * change * (seen - 20)
    assert search.objects.sizes[0].tolist() == pytest.approx([expected] * 2, rel=2e-3)
    assert (expected > 20) == grows


def test_sizes_end_at_ten_pixels_and_at_the_frame():
    """The published program lets them fall to nothing."""
    for length, expected in ((0.5, (10, 10)), (400.0, (120, 90))):
        search = search_of(Oracle((length,) * 4), rate=1.0, penalty=0.0)
        search.step(frame(), (prompt(1, 50, 40),))
        for seed in range(6):
            assert (search.step(frame(seed), ()) == 1).any()
        assert search.objects.sizes[0].tolist() == pytest.approx(expected, abs=0.5)


def test_a_prompt_draws_its_box_and_may_come_late():
    search = search_of(Oracle())
    assert not search.step(frame(), ()).any()
    assert np.array_equal(
        search.step(frame(), (prompt(4, 10, 20, 30, 15),)), filled(4, 10, 20, 30, 15)
    )
    labels = search.step(frame(1), (prompt(9, 80, 50),))
    assert set(np.unique(labels)) == {0, 4, 9}
    assert (labels[50:70, 80:100] == 9).all()
    again = search.step(frame(2), (prompt(4, 0, 0),))
    assert (again == 4).sum() == 400
    assert search.objects.ids == [9, 4]
    search.forget()
    assert not search.step(frame(), ()).any()


def test_a_lost_object_is_not_drawn_and_waits():
    network = Oracle()
    search = search_of(network)
    search.step(frame(), (prompt(1, 50, 40),))
    assert (search.step(frame(1), ()) == 1).any()
    before = search.objects
    network.scores = [-9.0]
    assert not search.step(frame(2), ()).any()
    assert torch.equal(search.objects.centres, before.centres)
    assert torch.equal(search.objects.sizes, before.sizes)
    network.scores = [4.0]
    assert (search.step(frame(3), ()) == 1).any()


def test_the_better_of_two_is_on_top():
    network = Oracle()
    for scores, top in (([1.0, 3.0], 2), ([3.0, 1.0], 1)):
        search = search_of(network)
        search.step(frame(), (prompt(1, 50, 40), prompt(2, 50, 40)))
        network.scores = scores
        labels = search.step(frame(1), ())
        assert (labels == top).sum() > 0.9 * (labels > 0).sum()


def test_an_object_outside_the_frame_survives():
    search = search_of(Oracle())
    search.step(frame(), (prompt(1, 115, 85, 30, 30), prompt(2, 20, 20)))
    for seed in range(4):
        assert (search.step(frame(seed), ()) == 2).any()
    assert (search.objects.centres >= 0).all()
    assert search.objects.centres.isfinite().all()


def test_colours_cut_the_ground_out_of_the_box():
    image = np.full((*SIZE, 3), (30, 90, 40), np.uint8)
    image[30:50, 40:60] = (200, 60, 60)
    search = search_of(Oracle((38.0, 38.0, 38.0, 38.0)), mask="colour", rate=0.0)
    search.step(image, (prompt(6, 36, 26, 28, 28),))
    labels = search.step(image, ())
    assert (labels[31:49, 41:59] == 6).all()
    assert (labels == 6).sum() <= 24 * 24
    other = np.full((*SIZE, 3), (0, 0, 255), np.uint8)  # nothing speaks for it: its box
    assert (search.step(other, ()) == 6).sum() == 28 * 28


def test_together_as_alone(small):
    """All objects in one pass of a real network, one of them late, as each of them alone."""
    torch.manual_seed(3)
    network = SiamCar(small.shape).eval()
    prompts = {
        1: (0, prompt(1, 20, 30)),
        2: (0, prompt(2, 70, 40, 30, 24)),
        3: (1, prompt(3, 50, 9)),
    }
    calls = []

    def track(ids: list[int]) -> Search:
        search = Search(network, small, Runtime())
        following = search.network.search
        search.network.search = lambda k, s: calls.append(len(s)) or following(k, s)
        for index in range(4):
            search.step(frame(index), tuple(p for i in ids for n, p in [prompts[i]] if n == index))
        return search

    together = track([1, 2, 3]).objects
    assert calls == [2, 3, 3]
    for row, number in enumerate(together.ids):
        alone = track([number]).objects
        for name in ("centres", "sizes"):
            ours, theirs = getattr(together, name)[row], getattr(alone, name)[0]
            assert torch.allclose(ours, theirs, atol=1e-2), (number, name)


def test_search_leaves_the_network_as_it_is(small):
    network = SiamCar(small.shape).eval()
    kept = {n: t.clone() for n, t in network.state_dict().items()}
    search = Search(network, small, Runtime(precision="bf16"))
    search.step(frame(), (prompt(1, 50, 40),))
    search.step(frame(1), ())
    assert all(torch.equal(t, kept[n]) for n, t in network.state_dict().items())


def test_named_configurations_are_those_of_the_published_program():
    """Its numbers [lr, penalty_k, window_lr] of each data set."""
    for name, numbers in {
        "otb100": (0.35, 0.2, 0.45),
        "got10k": (0.7, 0.06, 0.1),
        "uav123": (0.4, 0.2, 0.3),
        "lasot": (0.33, 0.04, 0.3),
    }.items():
        config = build_config(Config, read_toml(FOLDER / f"{name}.toml"), name)
        assert (config.rate, config.penalty, config.window) == numbers
        assert config.shape == Config().shape
        assert not config.aligned


def test_published_checkpoints_are_taken_as_they_are(tmp_path, small, caplog):
    """Wrapped, with `module.`, under the published names, `down` as a transposed convolution."""
    config = Config(stages=("layer2", "layer3"), channels=16, depth=4)
    torch.manual_seed(5)
    network = SiamCar(config.shape)
    names = {ours: theirs for theirs, ours in PUBLISHED.prefixes.items()}
    tensors = {}
    for name, tensor in network.state_dict().items():
        ours = next(o for o in names if name.startswith(o))
        turned = tensor.transpose(0, 1) if name == "join.weight" else tensor
        tensors["module." + names[ours] + name.removeprefix(ours)] = turned.contiguous()
    assert tensors["module.down.weight"].shape == (32, 16, 1, 1)
    assert "module.neck.downsample3.downsample.0.weight" in tensors
    assert "module.car_head.bbox_tower.9.bias" in tensors
    path = tmp_path / "general_model.pth"
    torch.save({"epoch": 20, "state_dict": tensors, "optimizer": {"state": {}}}, path)
    with caplog.at_level("INFO", logger="vostool"):
        tracker = SiamCarTracker(config, Runtime(weights=path, seed=1))
    assert "general_model.pth: recognised as published weights of SiamCAR" in caplog.text
    other = SiamCarTracker(config, Runtime(seed=5))
    labels = []
    for each in (tracker, other):
        each.reset()
        each.step(frame(), (prompt(1, 50, 40),))
        labels.append(each.step(frame(1)))
    assert np.array_equal(*labels)
    with pytest.raises(WeightsError, match="another network"):
        SiamCarTracker(small, Runtime(weights=path))


def test_own_weights_are_taken_and_others_refused(tmp_path, small):
    network = SiamCar(small.shape)
    tensors = {n: t for n, t in network.state_dict().items() if "num_batches" not in n}
    save_file(tensors, tmp_path / "own.safetensors")
    SiamCarTracker(small, Runtime(weights=tmp_path / "own.safetensors"))
    with pytest.raises(
        WeightsError, match=r"own\.safetensors holds the weights of another network"
    ):
        SiamCarTracker(replace(small, channels=24), Runtime(weights=tmp_path / "own.safetensors"))


def test_every_configuration_can_be_read():
    for path in FOLDER.glob("*.toml"):
        table = read_toml(path)
        table.pop("train", None)
        config = build_config(Config, table, path.name)
        assert {f.name for f in fields(config)} >= set(table)
