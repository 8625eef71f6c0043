"""The tracker around its network: what is drawn, who wins, and who waits."""

import numpy as np
import torch

from vostool.masks import Box
from vostool.sequence import Prompt
from vostool.tracker import Runtime
from vostool_trackers.siampolar.network import RESPONSE, Maps, SiamPolarCar
from vostool_trackers.siampolar.search import Search
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.tracker import SiamPolar

SIZE = (90, 120)


class Oracle:
    """Says of every object: in the middle of the crop, with these rays and scores."""

    def __init__(self, rays: float = 20.0):
        self.rays, self.scores = rays, [4.0] * 9

    def kernels(self, template, guide=None):
        self.template_guide = guide
        return [torch.zeros(len(template), 1, 8, 8)]

    def search(self, kernels, search, guide=None):
        self.guide = guide
        count = len(search)
        score = torch.full((count, RESPONSE, RESPONSE), -9.0)
        score[:, 12, 12] = torch.tensor(self.scores[:count])
        rays = torch.full((count, 36, RESPONSE, RESPONSE), self.rays)
        return Maps(score, torch.full_like(score, 9.0), rays)


def search_of(network, **changes) -> Search:
    return Search(network, Config(**{"guided": False} | changes), Runtime())


def prompt(number: int, x: float, y: float, w: float = 20, h: float = 20) -> Prompt:
    return Prompt(number, 0, Box(x, y, w, h), None)


def spread(values: torch.Tensor) -> int:
    return int(values.max() - values.min())


def frame(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)


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
    before = search.objects
    network.scores = [-9.0]
    assert not search.step(frame(2), ()).any()
    assert torch.equal(search.objects.centres, before.centres)
    assert torch.equal(search.objects.sizes, before.sizes)
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
    assert (search.objects.centres >= 0).all()


def test_a_guided_network_is_told_what_was_found():
    """On the first frame the box, then the contour in it; later the last contour, moved along."""
    network = Oracle(rays=30.0)
    search = search_of(network, guided=True, smoothing=0.0)
    search.step(frame(), (prompt(1, 40, 30, 20, 10),))
    # A crop shows a box of 20 x 10 at 127 / sqrt(35 x 25) pixels to one, so as 85.9 x 42.9.
    box, contour = network.guide[0, 0] > 0, network.template_guide[0, 0] > 0
    rows, columns = box.nonzero().T
    assert [spread(rows), spread(columns)] == [42, 84]
    rows, columns = contour.nonzero().T  # rays of 30 pixels, cut at the box
    assert spread(rows) <= 42
    assert 55 <= spread(columns) <= 61
    search.step(frame(1), ())
    last = network.guide[0, 0] > 0
    assert 0.9 < last.sum() / contour.sum() < 1.1
    search.step(frame(2), ())
    assert 0.85 < (network.guide[0, 0] > 0).sum() / (torch.pi * 30**2) < 1.0
    assert network.guide[0, 1].min() >= -2
    assert network.guide[0, 1].max() <= 2


def test_colours_of_the_object_are_likely_on_the_next_frame():
    network = Oracle(rays=40.0)
    search = search_of(network, guided=True)
    image = np.full((*SIZE, 3), (30, 90, 40), np.uint8)
    image[30:50, 40:60] = (200, 60, 60)
    search.step(image, (prompt(1, 40, 30),))
    search.step(image, ())
    likelihood = network.guide[0, 1] / 4 + 0.5
    assert likelihood[110:140, 110:140].min() > 0.9
    assert likelihood[:, :40].max() < 0.1


def test_search_leaves_the_network_as_it_is(small):
    torch.manual_seed(0)
    network = SiamPolarCar(small.shape).eval()
    kept = [(p, p.data_ptr(), p.stride()) for p in network.parameters()]
    search = Search(network, small, Runtime())
    assert small.guided
    search.step(frame(), (prompt(1, 50, 40),))
    search.step(frame(1), ())
    for parameter, address, stride in kept:
        assert (parameter.data_ptr(), parameter.stride()) == (address, stride)


def test_the_defaults_are_those_of_the_small_configuration():
    assert Config().shape == Config(penalty=0.5).shape
    assert SiamPolar.own_weights(Config(rays=18)) is None
