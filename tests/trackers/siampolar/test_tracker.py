"""The tracker around its network: what is drawn, who wins, and who waits."""

import numpy as np
import pytest
import torch

from vostool.masks import Box
from vostool.sequence import Prompt
from vostool.tracker import Runtime
from vostool_trackers.siampolar.network import RESPONSE, Maps, SiamPolarCar
from vostool_trackers.siampolar.polar import fill
from vostool_trackers.siampolar.tracker import Config, Search, SiamPolar

SIZE = (90, 120)


class Oracle:
    """Says of every object: in the middle of the crop, with these rays and scores."""

    def __init__(self, rays: float = 20.0):
        self.rays, self.scores = rays, [4.0] * 9

    def kernels(self, template):
        return [torch.zeros(len(template), 1, 8, 8)]

    def search(self, kernels, search):
        count = len(search)
        score = torch.full((count, RESPONSE, RESPONSE), -9.0)
        score[:, 12, 12] = torch.tensor(self.scores[:count])
        rays = torch.full((count, 36, RESPONSE, RESPONSE), self.rays)
        return Maps(score, torch.full_like(score, 9.0), rays)


def search_of(network, **changes) -> Search:
    return Search(network, Config(**changes), Runtime())


def prompt(number: int, x: float, y: float, w: float = 20, h: float = 20) -> Prompt:
    return Prompt(number, 0, Box(x, y, w, h), None)


def frame(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_windows_draw_what_whole_frames_would(seed):
    """Also for objects that leave the frame, lie outside it, or are lost."""
    generator = torch.Generator().manual_seed(seed)
    search = search_of(None)
    search._ids = [3, 7, 1, 200, 9]
    points = torch.rand(5, 2, generator=generator) * torch.tensor([160.0, 130.0]) - 20
    points[4] = torch.tensor([-200.0, 300.0])
    rays = 1 + 25 * torch.rand(5, 36, generator=generator)
    scores = torch.rand(5, generator=generator)
    scores[seed % 3] = 0.0
    labels = search._drawn(points, rays, scores, SIZE).numpy()
    expected = np.zeros(SIZE, np.uint8)
    whole = fill(points, rays, torch.zeros(5, 2), SIZE).numpy()
    for i in np.argsort(scores.numpy()):
        if scores[i] > 0:
            expected[whole[i]] = search._ids[i]
    assert np.array_equal(labels, expected)
    assert len(np.unique(expected)) > 2


def test_nobody_in_the_frame_draws_nothing():
    search = search_of(None)
    search._ids = [1]
    far, rays = torch.tensor([[-500.0, 900.0]]), torch.full((1, 36), 9.0)
    assert not search._drawn(far, rays, torch.ones(1), SIZE).any()


def test_a_prompt_draws_its_box_and_may_come_late():
    search = search_of(Oracle())
    assert not search.step(frame(), ()).any()
    labels = search.step(frame(), (prompt(4, 10, 20, 30, 15),))
    expected = np.zeros(SIZE, np.uint8)
    expected[20:35, 10:40] = 4
    assert np.array_equal(labels, expected)
    labels = search.step(frame(1), (prompt(9, 80, 50),))
    assert set(np.unique(labels)) == {0, 4, 9}
    assert (labels[50:70, 80:100] == 9).all()
    search.forget()
    assert not search.step(frame(), ()).any()


def test_a_lost_object_is_not_drawn_and_waits():
    network = Oracle()
    search = search_of(network)
    search.step(frame(), (prompt(1, 50, 40),))
    found = search.step(frame(1), ())
    assert (found == 1).any()
    before = search._centres.clone(), search._sizes.clone()
    network.scores = [-9.0]
    assert not search.step(frame(2), ()).any()
    assert torch.equal(search._centres, before[0])
    assert torch.equal(search._sizes, before[1])
    network.scores = [4.0]
    assert (search.step(frame(3), ()) == 1).any()


def test_the_better_of_two_is_on_top():
    network = Oracle(rays=30.0)
    for scores, top in (([1.0, 3.0], 2), ([3.0, 1.0], 1)):
        search = search_of(network, smoothing=0.0)
        search.step(frame(), (prompt(1, 50, 40), prompt(2, 50, 40)))
        network.scores = scores
        assert set(np.unique(search.step(frame(1), ()))) == {0, top}


def test_a_box_outside_the_frame_does_no_harm():
    search = search_of(Oracle())
    search.step(frame(), (prompt(1, 115, 85, 30, 30), prompt(2, 20, 20)))
    for seed in range(4):
        labels = search.step(frame(seed), ())
        assert labels.shape == SIZE
        assert (labels == 2).any()
    assert (search._centres >= 0).all()


def test_search_leaves_the_network_as_it_is(small):
    torch.manual_seed(0)
    network = SiamPolarCar(small.shape).eval()
    kept = [(p, p.data_ptr(), p.stride()) for p in network.parameters()]
    search = Search(network, small, Runtime())
    search.step(frame(), (prompt(1, 50, 40),))
    search.step(frame(1), ())
    for parameter, address, stride in kept:
        assert (parameter.data_ptr(), parameter.stride()) == (address, stride)


def test_the_defaults_are_those_of_the_small_configuration():
    assert Config().shape == Config(penalty=0.5).shape
    assert SiamPolar.own_weights(Config(rays=18)) is None
