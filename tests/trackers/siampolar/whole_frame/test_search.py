"""Tracking by whole frames: geometry from frame to network and back, and many objects at once."""

import numpy as np
import pytest
import torch

from vostool.io.label_maps import Box
from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.siamese.inference.crops import resized
from vostool_trackers.siamese.inference.folding import ready
from vostool_trackers.siamese.training.polar_targets import frame_targets
from vostool_trackers.siampolar.whole_frame.crops import cut_boxes
from vostool_trackers.siampolar.whole_frame.head import FrameMaps
from vostool_trackers.siampolar.whole_frame.network import FrameNetwork
from vostool_trackers.siampolar.whole_frame.search import FrameSearch
from vostool_trackers.siampolar.whole_frame.shape import FrameShape

SIZE = (90, 120)
SHAPE = FrameShape(backbone="resnet18", width=192, height=160, channels=16, depth=1, rays=36)
pytestmark = pytest.mark.usefixtures("one_thread")


class Ranking:
    centerness = True
    lost_below = 0.05


class Oracle:
    """Says of every object: on one cell each, with these rays and scores."""

    def __init__(self, shape: FrameShape = SHAPE):
        self.shape, self.scores = shape, [4.0] * 9
        self.points = shape.grid().points
        self.cells = [106, 269, 378]
        self.rays = torch.full((9, shape.rays), 15.0)

    def kernels(self, template):
        return [template.mean(dim=(2, 3), keepdim=True)]

    def features(self, search):
        assert search.shape[-2:] == self.shape.size
        return {"C5": search}

    def search(self, kernels, features):
        count = len(kernels[0])
        assert len(features["C5"]) == 1
        score = torch.full((count, len(self.points)), -9.0)
        rays = torch.ones(count, len(self.points), self.shape.rays)
        for index in range(count):
            score[index, self.cells[index]] = self.scores[index]
            rays[index, self.cells[index]] = self.rays[index]
        return FrameMaps(score, torch.full_like(score, 9.0), rays)


def search_of(network) -> FrameSearch:
    return FrameSearch(network, Ranking(), Runtime())


def prompt(number: int, x: float, y: float, w: float = 20, h: float = 20) -> Prompt:
    return Prompt(number, 0, Box(x, y, w, h), None)


def frame(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


@pytest.mark.parametrize("radius", [10, 20, 45])
@pytest.mark.parametrize(
    ("size", "width", "height"), [((120, 214), 320, 192), ((200, 300), 192, 192)]
)
def test_discs_survive_the_way_to_the_network_and_back(radius, size, width, height):
    """Resized by other factors across and down, encoded there, and drawn in the frame."""
    y, x = np.mgrid[: size[0], : size[1]]
    disc = (x - 0.45 * size[1]) ** 2 + (y - 0.5 * size[0]) ** 2 <= radius**2
    shape = FrameShape(width=width, height=height)
    grid = shape.grid()
    seen = torch.nn.functional.interpolate(
        torch.from_numpy(disc.astype(np.uint8))[None, None], shape.size, mode="nearest-exact"
    )[0]
    targets = frame_targets(seen.bool(), grid, shape.rays, shape.centerness_target)
    network = Oracle(shape)
    network.cells, network.rays = [int(targets.cells[0, 0])], targets.rays[0, :1]
    search = search_of(network)
    search.step(frame(0, size), (prompt(1, 5, 5),))
    found = search.step(frame(1, size), ()) == 1
    assert (found & disc).sum() / (found | disc).sum() >= 0.93


def test_a_prompt_draws_its_box_and_may_come_late():
    search = search_of(Oracle())
    assert not search.step(frame(), ()).any()
    labels = search.step(frame(), (prompt(4, 10, 20, 30, 15),))
    expected = np.zeros(SIZE, np.uint8)
    expected[20:35, 10:40] = 4
    assert np.array_equal(labels, expected)
    labels = search.step(frame(1), (prompt(9, 90, 60),))
    assert set(np.unique(labels)) == {0, 4, 9}
    assert (labels[60:80, 90:110] == 9).all()
    for seed in range(2):
        later = search.step(frame(seed), ())
        assert set(np.unique(later)) == {0, 4, 9}
        for number, cell in ((4, 106), (9, 269)):
            x, y = SHAPE.grid().points[cell].tolist()
            assert later[round((y + 0.5) * 90 / 160 - 0.5), round((x + 0.5) / 1.6 - 0.5)] == number
    search.forget()
    assert not search.step(frame(), ()).any()


def test_an_object_may_be_started_again():
    search = search_of(Oracle())
    search.step(frame(), (prompt(1, 10, 10), prompt(2, 50, 30)))
    first = search.objects.kernels[0].clone()
    search.step(frame(), (prompt(1, 70, 40),))
    assert search.objects.ids == [2, 1]
    assert torch.equal(search.objects.kernels[0][0], first[1])
    assert not torch.equal(search.objects.kernels[0][1], first[0])


def test_a_lost_object_is_not_drawn():
    network = Oracle()
    search = search_of(network)
    search.step(frame(), (prompt(1, 50, 40),))
    network.scores = [-9.0]
    assert not search.step(frame(2), ()).any()
    network.scores = [4.0]
    assert (search.step(frame(3), ()) == 1).any()


def test_the_better_of_two_is_on_top():
    network = Oracle()
    network.cells = [106, 106]
    search = search_of(network)
    search.step(frame(), (prompt(1, 50, 40), prompt(2, 50, 40)))
    for scores, top in (([1.0, 3.0], 2), ([3.0, 1.0], 1)):
        network.scores = scores
        assert set(np.unique(search.step(frame(1), ()))) == {0, top}


@pytest.mark.parametrize("variant", ["sym", "asym"])
def test_all_objects_at_once_are_found_as_one_by_one(variant):
    shape = FrameShape.of(SHAPE) if variant == "sym" else asymmetric()
    torch.manual_seed(0)
    network = FrameNetwork(shape).eval()
    torch.nn.init.normal_(network.head.score.weight, std=0.3)  # or no cell stands out
    prompts = [prompt(1, 10, 10), prompt(2, 50, 30, 30, 40), prompt(3, 80, 20, 12, 60)]
    together = search_of(network)
    together.step(frame(0), tuple(prompts))
    labels = together.step(frame(1), ())
    found = found_by(together)
    alone = []
    for each in prompts:
        single = search_of(network)
        single.step(frame(0), (each,))
        assert set(np.unique(single.step(frame(1), ()))) <= {0, each.object_id}
        alone.append(found_by(single))
    for values, ones in zip(found, zip(*alone, strict=True), strict=True):
        assert torch.allclose(values, torch.cat(ones), rtol=1e-3, atol=1e-3)
    assert labels.any()


def asymmetric() -> FrameShape:
    return FrameShape(
        variant="asym",
        backbone="resnet18",
        template_backbone="resnet18",
        width=192,
        height=160,
        extra="pool",
        levels=4,
        channels=16,
        depth=1,
    )


def found_by(search: FrameSearch) -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        image = torch.from_numpy(frame(1)).permute(2, 0, 1).float()
        return search.find(image, search.objects)


def test_a_frame_is_seen_once_and_templates_once():
    network = FrameNetwork(SHAPE).eval()
    calls = []
    network.backbone.register_forward_hook(
        lambda module, inputs, output: calls.append(tuple(inputs[0].shape))
    )
    search = search_of(network)
    search.step(frame(), (prompt(1, 10, 10), prompt(2, 50, 30)))
    search.step(frame(1), ())
    search.step(frame(2), ())
    assert calls == [(2, 3, 127, 127), (1, 3, 160, 192), (1, 3, 160, 192)]


def test_search_leaves_the_network_as_it_is():
    network = FrameNetwork(SHAPE).eval()
    kept = [(p, p.data_ptr(), p.stride()) for p in network.parameters()]
    search = search_of(network)
    search.step(frame(), (prompt(1, 50, 40),))
    search.step(frame(1), ())
    for parameter, address, stride in kept:
        assert (parameter.data_ptr(), parameter.stride()) == (address, stride)


def test_a_box_is_cut_to_its_edges():
    """Left half of the box 10, right half 200: so is the template, whatever the box's aspect."""
    picture = torch.full((3, 60, 80), 99.0)
    picture[:, 10:50, 20:30], picture[:, 10:50, 30:40] = 10.0, 200.0
    crop = cut_boxes(picture, torch.tensor([[20.0, 10.0, 20.0, 40.0]]), 127)[0]
    assert crop.shape == (3, 127, 127)
    assert torch.allclose(crop[:, 4:-4, 4:57], torch.tensor(10.0), atol=1e-2)
    assert torch.allclose(crop[:, 4:-4, 70:-4], torch.tensor(200.0), atol=1e-2)
    outside = cut_boxes(picture, torch.tensor([[200.0, 10.0, 20.0, 40.0]]), 9)[0]
    assert torch.allclose(outside, picture.mean(dim=(1, 2))[:, None, None], atol=1e-2)


def test_frames_are_resized_about_pixel_centres():
    """A ramp stays a ramp: pixel X lies on (X + 1/2) w / W - 1/2."""
    ramp = torch.arange(40.0).expand(1, 1, 8, 40)
    seen = resized(ramp, (8, 64))[0, 0, 0]
    x = (torch.arange(64) + 0.5) * 40 / 64 - 0.5
    assert torch.allclose(seen[2:-2], x[2:-2], atol=1e-4)


@pytest.mark.parametrize("variant", ["sym", "asym"])
def test_bf16_finds_the_same_cell_and_nearly_the_same_contour(variant):
    torch.manual_seed(0)
    network = FrameNetwork(SHAPE if variant == "sym" else asymmetric()).eval()
    torch.nn.init.normal_(network.head.score.weight, std=0.3)  # or no cell stands out
    network.head.scales.data.fill_(1.003)  # which bf16 would round to 1
    found = []
    for precision in ("fp32", "bf16"):
        runtime = Runtime(precision=precision)
        search = FrameSearch(ready(network, runtime), Ranking(), runtime)
        search.step(frame(0), (prompt(1, 10, 10),))
        found.append(found_by(search))
        assert torch.equal(search.network.head.scales, network.head.scales)
    (point, rays, score), (other, coarse, near) = found
    assert torch.equal(point, other)
    assert torch.allclose(rays, coarse, rtol=0.02)
    assert torch.allclose(score, near, atol=0.01)
