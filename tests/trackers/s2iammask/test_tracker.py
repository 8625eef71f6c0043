"""The tracker around its network: places, ids, late and lost objects, files."""

import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import vostool_trackers.s2iammask as package
from vostool.config import build_config
from vostool.errors import WeightsError
from vostool.tracking.base import Runtime
from vostool.types import Box, Prompt
from vostool_trackers.s2iammask.network import Found, S2iamMask
from vostool_trackers.s2iammask.search import Search
from vostool_trackers.s2iammask.settings import Config
from vostool_trackers.s2iammask.tracker import S2iamMaskTracker
from vostool_trackers.siamese.inference.boxed import crop_pixels
from vostool_trackers.siamese.inference.crops import cell_centres
from vostool_trackers.siamese.model.rpn import Proposals, encode

SIZE = (240, 320)
FRAME = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)


class Oracle(nn.Module):
    """Knows for every object, in the order of prompts, the box on the frame where it is."""

    def __init__(self, *boxes: tuple[float, float, float, float], score: float = 4.0):
        super().__init__()
        self.boxes, self.score, self.certain = torch.tensor(boxes), score, [9.0] * len(boxes)
        self.search_of: Search | None = None
        self.trunk = nn.Module()
        self.trunk.prepared = lambda crops: crops
        self.calls: list[int] = []

    def kernels(self, template):
        return [torch.zeros(len(template), 1, 5, 5)]

    def corners(self, count: int) -> torch.Tensor:
        """(N, 4) corners in pixels of the crop, of which the first one's centre is 0."""
        objects = self.search_of.objects
        origin, step = crop_pixels(objects.centres, objects.sizes)
        boxes = self.boxes[:count]
        low = (boxes[:, :2] - 0.5 - origin) / step[:, None]
        return torch.cat((low, low + boxes[:, 2:] / step[:, None]), dim=1)

    def search(self, kernels, crops):
        count = len(crops)
        self.calls.append(count)
        corners = self.corners(count)
        middles, sizes = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
        deltas = encode(middles, sizes, cell_centres())
        logits = torch.zeros(count, 2, 5, 25, 25)
        logits[:, 0] = -self.score
        return Found(Proposals(logits, deltas), corners, None)

    def masks(self, found, batch, rois):
        self.calls.append(len(rois))
        side = (torch.arange(28) + 0.5) / 28
        x, y = (rois[:, a, None] + side * (rois[:, a + 2] - rois[:, a])[:, None] for a in (0, 1))
        x1, y1, x2, y2 = found.deep[batch][..., None].unbind(1)
        across, down = (x >= x1) & (x < x2), (y >= y1) & (y < y2)
        inside = down[:, :, None] & across[:, None, :]
        certain = torch.tensor(self.certain)[batch][:, None, None]
        return torch.where(inside, certain, torch.tensor(-9.0))


def search_of(oracle: Oracle, **changes) -> Search:
    search = Search(oracle, Config(**changes), Runtime())
    search.network = oracle  # itself, not its copy
    oracle.search_of = search
    return search


def prompt(number: int, x: float, y: float, w: float, h: float) -> Prompt:
    return Prompt(number, 0, Box(x, y, w, h))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def filled(x: int, y: int, w: int, h: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[y : y + h, x : x + w] = True
    return mask


def test_a_video_is_followed_and_drawn():
    """The original fails on videos with masks; a box far from the diagonal tells x from y."""
    oracle = Oracle((200, 40, 60, 40))
    search = search_of(oracle)
    search.step(FRAME, (prompt(7, 190, 36, 60, 40),))
    for shift in (0, 6, 12):
        oracle.boxes[0, 0] = 200 + shift
        labels = search.step(FRAME, ())
        assert set(np.unique(labels)) == {0, 7}
        assert overlap(labels == 7, filled(200 + shift, 40, 60, 40)) > 0.85
        assert search.objects.centres[0].tolist() == pytest.approx([230 + shift, 60], abs=1.5)
        # A mask has 28 values over 1.8 boxes, and above 0.2 it is wider than above a half.
        assert search.objects.sizes[0].tolist() == pytest.approx([60, 40], abs=5.0)


@pytest.mark.parametrize(("area", "follows"), [(1600.0, True), (1e9, False)])
def test_a_large_mask_tells_the_box_and_a_small_one_does_not(area, follows):
    """The best proposal lies beside the object; the mask on it."""
    oracle = Oracle((140, 100, 60, 40))
    search = search_of(oracle, area=area, rate=0.0)
    search.step(FRAME, (prompt(1, 140, 100, 50, 30),))
    whole = oracle.search

    def aside(kernels, crops):
        found = whole(kernels, crops)
        size = torch.tensor([[60.0, 40.0]])
        deltas = encode(torch.tensor([[127.0, 127.0]]), size, cell_centres())
        return replace(found, proposals=found.proposals._replace(deltas=deltas))

    oracle.search = aside
    search.step(FRAME, ())
    wanted = ([170, 120], [60, 40]) if follows else ([165, 115], [50, 30])
    assert search.objects.centres[0].tolist() == pytest.approx(wanted[0], abs=1.5)
    assert search.objects.sizes[0].tolist() == pytest.approx(wanted[1], abs=3.0)


def test_a_lost_object_is_not_drawn_waits_and_comes_back():
    """The original calls an object lost when the ground truth says so."""
    oracle = Oracle((100, 100, 50, 40))
    search = search_of(oracle, lost_below=0.3)
    search.step(FRAME, (prompt(1, 100, 100, 50, 40),))
    assert (search.step(FRAME, ()) == 1).any()
    before = search.objects
    oracle.score = -4.0
    assert not search.step(FRAME, ()).any()
    assert torch.equal(search.objects.centres, before.centres)
    assert torch.equal(search.objects.sizes, before.sizes)
    assert not search.objects.sure.any()
    oracle.score = 4.0
    oracle.boxes = torch.tensor([[130.0, 110, 50, 40]])
    labels = search.step(FRAME, ())
    assert overlap(labels == 1, filled(130, 110, 50, 40)) > 0.85
    assert search.objects.sure.all()


@pytest.mark.parametrize("certain", [[9.0, 2.0], [2.0, 9.0]])
def test_a_pixel_is_the_likelier_objects(certain):
    oracle = Oracle((100, 100, 60, 40), (130, 100, 60, 40))
    oracle.certain = certain
    search = search_of(oracle)
    search.step(FRAME, (prompt(4, 100, 100, 60, 40), prompt(9, 130, 100, 60, 40)))
    labels = search.step(FRAME, ())
    common = filled(133, 104, 24, 32)
    assert (labels[common] == (4 if certain[0] > certain[1] else 9)).all()
    assert (labels[filled(106, 106, 18, 28)] == 4).all()
    assert (labels[filled(166, 106, 18, 28)] == 9).all()


def test_all_objects_go_through_the_network_at_once():
    oracle = Oracle((100, 100, 60, 40), (130, 100, 60, 40), (20, 20, 50, 50))
    search = search_of(oracle)
    search.step(FRAME, tuple(prompt(i + 1, *b) for i, b in enumerate(oracle.boxes.tolist())))
    oracle.calls.clear()
    search.step(FRAME, ())
    assert oracle.calls == [3, 30]


def test_objects_come_late_begin_anew_and_keep_their_ids():
    oracle = Oracle((100, 100, 60, 40), (20, 20, 50, 50))
    search = search_of(oracle)
    assert not search.step(FRAME, ()).any()
    search.step(FRAME, (prompt(200, 100, 100, 60, 40),))
    labels = search.step(FRAME, (prompt(3, 20, 20, 50, 50),))
    assert (labels[filled(20, 20, 50, 50)] == 3).all()
    assert set(np.unique(labels)) == {0, 3, 200}
    assert set(np.unique(search.step(FRAME, ()))) == {0, 3, 200}
    labels = search.step(FRAME, (prompt(200, 200, 150, 40, 30),))
    assert np.array_equal(labels == 200, filled(200, 150, 40, 30))
    assert search.objects.ids == [3, 200]
    search.forget()
    assert not search.step(FRAME, ()).any()


def test_a_mask_in_the_prompt_changes_nothing():
    """A commented branch of the original chooses by the ground truth; nothing here looks at it."""
    answers = []
    for mask in (None, filled(100, 100, 9, 9)):
        search = search_of(Oracle((100, 100, 50, 40)))
        search.step(FRAME, (Prompt(1, 0, Box(100, 100, 50, 40), mask),))
        answers.append(search.step(FRAME, ()))
    assert np.array_equal(*answers)


def test_a_box_outside_the_frame_does_no_harm(small):
    search = Search(S2iamMask(small.shape), small, Runtime())
    search.step(FRAME, (prompt(1, 315, 235, 40, 40), prompt(2, 100, 100, 1, 1)))
    for _ in range(3):
        assert search.step(FRAME, ()).shape == SIZE
    assert (search.objects.centres >= 0).all()
    assert search.objects.centres.isfinite().all()


def test_together_as_alone(small):
    torch.manual_seed(1)
    network = S2iamMask(small.shape)
    prompts = (prompt(1, 60, 50, 50, 60), prompt(2, 180, 90, 60, 50))
    search = Search(network, small, Runtime())
    search.step(FRAME, prompts)
    search.step(FRAME, ())
    together = search.objects
    for index, each in enumerate(prompts):
        search.forget()
        search.step(FRAME, (each,))
        search.step(FRAME, ())
        for name in ("centres", "sizes"):
            ours, theirs = getattr(together, name)[index], getattr(search.objects, name)[0]
            assert torch.allclose(ours, theirs, atol=0.02)


@pytest.mark.parametrize("precision", S2iamMaskTracker.precisions)
def test_every_precision_draws_about_the_same(small, precision):
    """On the second frame: later ones look where the earlier ones have found something."""
    drawn = []
    for each in ("fp32", precision):
        tracker = S2iamMaskTracker(small, Runtime(precision=each))
        tracker.step(FRAME, (prompt(1, 60, 50, 80, 60),))
        drawn.append(tracker.step(FRAME, ()) == 1)
    assert drawn[0].any()
    assert overlap(*drawn) > 0.8


def test_the_first_stage_draws_boxes(small):
    search = Search(
        S2iamMask(replace(small.shape, stage="proposals")),
        replace(small, stage="proposals"),
        Runtime(),
    )
    search.step(FRAME, (prompt(1, 60, 50, 50, 60),))
    labels = search.step(FRAME, ()) == 1
    rows, columns = labels.any(axis=1), labels.any(axis=0)
    assert labels.any()
    assert np.array_equal(labels, rows[:, None] & columns)


def test_weights_of_a_stage_are_taken_and_others_refused(small, tmp_path):
    first = S2iamMask(replace(small.shape, stage="proposals")).state_dict()
    save_file(first, tmp_path / "first.safetensors")
    save_file(S2iamMask(small.shape).state_dict(), tmp_path / "whole.safetensors")
    runtime = Runtime(weights=tmp_path / "whole.safetensors")
    S2iamMaskTracker(small, runtime)
    S2iamMaskTracker(
        replace(small, stage="proposals"), Runtime(weights=tmp_path / "first.safetensors")
    )
    with pytest.raises(WeightsError, match="fusion"):
        S2iamMaskTracker(small, Runtime(weights=tmp_path / "first.safetensors"))
    with pytest.raises(WeightsError, match="do not fit"):
        S2iamMaskTracker(replace(small, channels=32), runtime)


@pytest.mark.parametrize("name", ["stage1", "stage2", "small"])
def test_configurations_are_of_this_tracker(name):
    table = tomllib.loads((resources.files(package) / f"{name}.toml").read_text())
    table.pop("train")
    build_config(Config, table, name)


def test_the_defaults_are_the_originals_constants():
    config = Config()
    assert (config.candidates, config.votes, config.threshold) == (10, 5, 0.2)
    assert (config.overlap, config.enlarge, config.area) == (0.7, 0.4, 1600)
