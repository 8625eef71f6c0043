"""The tracker around its network: what is drawn, who wins, and who waits."""

import tomllib
from importlib import resources

import numpy as np
import pytest
import torch

import vostool_trackers.siampolar as package
from vostool.config import build_config
from vostool.io.label_maps import Box
from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.siamese.inference.crops import RESPONSE
from vostool_trackers.siampolar.network import Maps, SiamPolarCar
from vostool_trackers.siampolar.search import Search
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.tracker import SiamPolar

SIZE = (90, 120)


class Oracle:
    """Says of every object: at this cell, with these rays and scores; elsewhere nothing is."""

    refinement = None

    def __init__(self, rays: float = 20.0, cell: tuple[int, int] = (12, 12)):
        self.rays, self.scores, self.cell = rays, [4.0] * 9, cell
        self.others: list[tuple[tuple[int, int], float, float]] = []  # cell, score, rays

    def kernels(self, template, guide=None):
        self.template_guide = guide
        return [torch.zeros(len(template), 1, 8, 8)]

    def search(self, kernels, search, guide=None):
        self.guide = guide
        count = len(search)
        score = torch.full((count, RESPONSE, RESPONSE), -9.0)
        score[:, *self.cell] = torch.tensor(self.scores[:count])
        rays = torch.full((count, 36, RESPONSE, RESPONSE), self.rays)
        for cell, value, length in self.others:
            score[:, *cell] = value
            rays[:, :, *cell] = length
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
    assert 0.85 < (network.guide[0, 0] > 0).sum() / (torch.pi * 30**2) < 1.05
    assert network.guide[0, 1].min() >= -2
    assert network.guide[0, 1].max() <= 2


def test_colors_of_the_object_are_likely_on_the_next_frame():
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


def test_a_cell_beside_the_middle_moves_the_object_by_pixels_of_the_frame():
    """A box of 20 x 20 is cut at 40 / 127; 5 columns and -2 rows of 8 pixels are so much less."""
    search = search_of(Oracle(), window=0.0, votes=1)
    search.step(frame(), (prompt(1, 50, 40),))
    search.network.cell = (10, 17)
    search.step(frame(1), ())
    scale = 40 / 127
    assert search.objects.points[0].tolist() == pytest.approx(
        [59.5 + 40 * scale, 49.5 - 16 * scale], abs=1e-3
    )
    assert search.objects.centres[0].tolist() == pytest.approx(
        search.objects.points[0].tolist(), abs=1e-2
    )
    assert search.objects.rays[0].tolist() == pytest.approx([20 * scale] * 36, rel=1e-4)


@pytest.mark.parametrize(("rays", "grows"), [(60.0, True), (15.0, False)])
def test_sizes_follow_what_is_seen_both_ways(rays, grows):
    network = Oracle(rays)
    search = search_of(network, smoothing=0.5, penalty=0.0, votes=1)
    search.step(frame(), (prompt(1, 50, 40),))
    search.step(frame(1), ())
    assert (search.objects.sizes[0] > 20).all() == grows
    score = torch.tensor(4.0).sigmoid() * torch.tensor(9.0).sigmoid()
    seen = 2 * rays * 40 / 127
    expected = 20 + 0.5 * float(score.sqrt()) * (seen - 20)
    assert search.objects.sizes[0].tolist() == pytest.approx([expected] * 2, rel=1e-3)


def test_a_change_of_size_is_held_against_a_cell():
    network = Oracle(rays=32.0, cell=(12, 10))  # 20 pixels wide, as the box
    network.others = [((12, 14), 4.2, 80.0)]
    for penalty, column in ((0.0, 14), (0.5, 10)):
        search = search_of(network, penalty=penalty, window=0.0, votes=1)
        search.step(frame(), (prompt(1, 50, 40),))
        search.step(frame(1), ())
        expected = 59.5 + (column - 12) * 8 * 40 / 127
        assert search.objects.points[0, 0].item() == pytest.approx(expected, abs=1e-3)


def test_the_window_prefers_the_middle():
    network = Oracle(rays=32.0, cell=(12, 13))
    network.others = [((12, 20), 4.2, 32.0)]
    for window, column in ((0.0, 20), (0.4, 13)):
        search = search_of(network, penalty=0.0, window=window, votes=1)
        search.step(frame(), (prompt(1, 50, 40),))
        search.step(frame(1), ())
        expected = 59.5 + (column - 12) * 8 * 40 / 127
        assert search.objects.points[0, 0].item() == pytest.approx(expected, abs=1e-3)


def test_neighbours_vote_on_the_contour():
    """The best cell alone says 20 pixels; three beside it, as likely, say 40."""
    network = Oracle(rays=20.0)
    network.others = [((12, 13), 3.9, 40.0), ((11, 12), 3.9, 40.0), ((13, 12), 3.9, 40.0)]
    lengths = {}
    for votes in (1, 4):
        search = search_of(network, votes=votes, penalty=0.0)
        search.step(frame(), (prompt(1, 50, 40),))
        search.step(frame(1), ())
        lengths[votes] = search.objects.rays[0].mean().item() * 127 / 40
    assert lengths[1] == pytest.approx(20, rel=1e-3)
    assert lengths[4] == pytest.approx(34, abs=3)  # they lie 8 pixels apart


@pytest.mark.parametrize("guided", [False, True])
def test_an_object_that_begins_anew_is_its_box_and_nothing_else(guided):
    search = search_of(Oracle(), guided=guided)
    search.step(frame(), (prompt(1, 20, 30), prompt(2, 60, 10)))
    labels = search.step(frame(1), (prompt(1, 90, 60),))
    assert (labels == 1).sum() == 20 * 20
    assert (labels[60:80, 90:110] == 1).all()
    assert (labels == 2).any()
    assert search.objects.ids == [2, 1]


def test_together_as_alone(small):
    """All objects in one pass of a real network, one of them late, as each of them alone."""
    torch.manual_seed(3)
    network = SiamPolarCar(small.shape).eval()
    with torch.no_grad():
        network.head.score.bias.fill_(1.0)  # so that none is lost
    prompts = {
        1: (0, prompt(1, 20, 30)),
        2: (0, prompt(2, 70, 40, 30, 24)),
        3: (1, prompt(3, 50, 9)),
    }

    def track(ids: list[int]) -> Search:
        search = Search(network, small, Runtime())
        for index in range(4):
            search.step(frame(index), tuple(p for i in ids for n, p in [prompts[i]] if n == index))
        return search

    together = track([1, 2, 3]).objects
    for row, number in enumerate(together.ids):
        alone = track([number]).objects
        for name in ("centres", "sizes", "points", "rays"):
            ours, theirs = getattr(together, name)[row], getattr(alone, name)[0]
            assert torch.allclose(ours, theirs, atol=1e-2), (number, name)
        assert torch.allclose(together.recent.inside[row], alone.recent.inside[0], atol=1e-4)


def test_the_defaults_are_those_of_the_bundled_configuration():
    table = tomllib.loads((resources.files(package) / "car.toml").read_text())
    table.pop("train")
    assert build_config(Config, table, "car.toml") == Config()
    assert SiamPolar.own_weights(Config(rays=18)) is None
    assert SiamPolar.own_weights(Config(variant="sym", backbone="resnet50")) is None
