"""The second look: where it looks, that no ray is its first, and that it mends contours."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vostool.tracking.base import Runtime
from vostool.types import Box, Prompt
from vostool_trackers.siamese.polar import cast_rays, contour
from vostool_trackers.siampolar.network import SiamPolarCar
from vostool_trackers.siampolar.refinement import (
    BINS,
    Refinement,
    lengths_of,
    reached,
    resampled,
    unrolled,
)
from vostool_trackers.siampolar.search import Search
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.training import PolarTask, TaskConfig

RAYS = 24


@pytest.fixture(scope="module")
def refined(small) -> Config:
    return replace(small, refined=RAYS)


def test_unrolled_planes_of_coordinates_tell_where_they_were_looked_up():
    y, x = torch.meshgrid(torch.arange(80.0), torch.arange(100.0), indexing="ij")
    point, reach = torch.tensor([[50.0, 40.0]]), torch.tensor([30.0])
    found = unrolled(torch.stack((x, y))[None], point, reach, RAYS, BINS)
    for place in (0, 31, BINS - 1):
        rays = torch.full((1, RAYS), 30.0 * (place + 0.5) / BINS)
        assert torch.allclose(found[0, :, :, place].T, contour(point, rays)[0], atol=1e-3)


def test_rays_come_back_from_the_share_of_places_that_they_reach():
    rays = torch.linspace(1.0, 29.0, RAYS)[None]
    reach = torch.tensor([30.0])
    share = reached(rays, reach)
    assert torch.allclose(share.mean(-1) * reach, rays, atol=1e-4)
    sure = (share > 0.5).float() * 200 - 100
    assert (lengths_of(sure, reach) - rays).abs().max() <= 0.5 * 30 / BINS + 1e-4


def test_rays_at_the_same_angles_stay_and_others_lie_between():
    rays = torch.rand(2, 36)
    twice = resampled(rays, 72)
    assert torch.allclose(twice[:, ::2], rays, atol=1e-5)
    assert torch.allclose(twice[:, -1], (rays[:, -1] + rays[:, 0]) / 2, atol=1e-5)


def test_no_ray_is_the_first():
    """Turned by as many rays as the coarsest level joins, the answer turns alike."""
    torch.manual_seed(0)
    network = Refinement(RAYS).eval()
    planes = torch.randn(1, 8, RAYS, BINS)
    with torch.no_grad():
        there, turned = network(planes), network(planes.roll(8, dims=2))
    assert torch.allclose(turned, there.roll(8, dims=1), atol=1e-4)
    assert there.std() > 0


def test_contours_are_those_of_the_second_look(refined):
    torch.manual_seed(0)
    network = SiamPolarCar(refined.shape).eval()
    frame = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    prompts = (Prompt(1, 0, Box(40, 30, 50, 40)), Prompt(2, 0, Box(90, 60, 30, 30)))
    search = Search(network, replace(refined, lost_below=0.0), Runtime())
    search.step(frame, prompts)
    search.step(frame, ())
    assert search.objects.rays.shape == (2, RAYS)
    assert network.refinement is not None
    torch.nn.init.constant_(network.refinement.last.bias, -50.0)
    search.step(frame, ())
    assert search.objects.rays.amax() < 1e-3


def test_the_first_look_learns_nothing_from_the_second(refined, clips, tmp_path):
    from vostool.training.task import TrainingData

    data = TrainingData((clips,), clips, tmp_path)
    task = PolarTask(TaskConfig(negative=0.0), refined, data, torch.device("cpu"), 0)
    network = task.network()
    losses = task.losses(network, task.batch(0, range(4)))
    losses["contour"].backward()
    learns = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert learns == {"refinement"}
    assert losses["total"] > losses["contour"] > 0


def test_it_mends_contours(refined, ellipse):
    """A bright object on dark ground, contours that are wrong: it finds the edge."""
    torch.manual_seed(0)
    mask = torch.from_numpy(ellipse)[None]
    point = torch.tensor([[152.0, 90.0]])
    true = cast_rays(mask, point[:, None], RAYS)[:, 0]
    network = Refinement(RAYS)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    image = mask[:, None].float().expand(-1, 8, -1, -1) + 0.1 * torch.randn(1, 8, 255, 255)

    def looked(reach):
        planes = unrolled(image.expand(4, -1, -1, -1), point.expand(4, -1), reach, RAYS, BINS)
        return network(planes)

    for _ in range(40):
        reach = true.max() * torch.empty(4).uniform_(1.2, 1.8)
        wanted = reached(true.expand(4, -1), reach)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(looked(reach), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    reach = true.max() * torch.full((4,), 1.5)
    with torch.no_grad():
        found = lengths_of(looked(reach), reach)
    assert ((found - true).abs() / true).mean() < 0.1


def test_a_network_that_is_not_guided_looks_once(refined):
    plain = replace(refined, guided=False)
    assert SiamPolarCar(plain.shape).refinement is None
    assert plain.contour_rays == plain.rays
