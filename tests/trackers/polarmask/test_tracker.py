"""Tracking by instances, with a network that finds exactly what is painted on the frames."""

import numpy as np
import pytest
import torch
from torch import nn

from vostool.errors import WeightsError
from vostool.io.label_maps import Box, box_of
from vostool.metrics.jaccard import region_similarity
from vostool.tracking.base import Runtime
from vostool.tracking.plugins import load_tracker
from vostool.types import Prompt
from vostool.workspace import Workspace
from vostool_trackers.polarmask import search as module
from vostool_trackers.polarmask.detection import detect
from vostool_trackers.polarmask.head import Maps
from vostool_trackers.polarmask.matching import assigned, box_overlap, coarse_shapes, shape_overlap
from vostool_trackers.polarmask.network import PolarMask
from vostool_trackers.polarmask.search import InstanceSearch
from vostool_trackers.polarmask.settings import Config
from vostool_trackers.polarmask.targets import instance_targets
from vostool_trackers.polarmask.tracker import PolarMaskTracker
from vostool_trackers.siamese.model.backbone import MEAN, STD
from vostool_trackers.siamese.model.pyramid import grid_of

CONFIG = Config(width=256, height=160, channels=8, depth=1)
SIZE = (120, 212)
COLOURS = [[number >> bit & 1 for bit in range(3)] for number in range(1, 8)]  # of instances


class Painted(nn.Module):
    """Instead of a network: instances have one of seven colours.

    Its scores are sure in the middle cells, as its targets are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shape = CONFIG.shape
        self.calls = 0

    def grid(self, image):
        return grid_of(tuple(image.shape[-2:]), self.shape.strides)

    def forward(self, image):
        self.calls += 1
        std, mean = (torch.tensor(values)[:, None, None] for values in (STD, MEAN))
        bits = image[0] * std + mean > 127
        bits[:, (image[0] == 0).all(dim=0)] = False  # padding
        each = [(bits == torch.tensor(c)[:, None, None].bool()).all(dim=0) for c in COLOURS]
        masks = torch.stack(each)[None]
        grid = self.grid(image)
        targets = instance_targets(masks, grid, self.shape.rays)
        maps = Maps(
            12 * targets.score[..., None] - 6,
            torch.zeros(1, len(grid.points)),
            torch.zeros(1, len(grid.points), 4),
            torch.zeros(1, len(grid.points), self.shape.rays),
        )
        for _, place in targets.used.nonzero().tolist():
            cell = targets.cells[0, place]
            maps.centerness[0, cell] = torch.logit(targets.centerness[0, place], 1e-6)
            maps.box[0, cell] = targets.box[0, place].log()
            maps.rays[0, cell] = targets.rays[0, place].log()
        return maps


@pytest.fixture
def search(monkeypatch):
    monkeypatch.setattr(module, "ready", lambda network, runtime: network)
    return InstanceSearch(Painted(), CONFIG, Runtime())


def disc(x: float, y: float, radius: float = 20.0, size=SIZE) -> np.ndarray:
    rows, columns = np.mgrid[: size[0], : size[1]]
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(bool)


def painted(*masks: np.ndarray) -> np.ndarray:
    """Return a frame; the n-th mask is of the n-th colour, later ones lie before."""
    frame = np.zeros((*masks[0].shape, 3), np.uint8)
    for colour, mask in zip(COLOURS, masks, strict=False):
        frame[mask] = [255 * bit for bit in colour]
    return frame


def prompt(mask: np.ndarray, object_id: int = 1, frame_index: int = 0) -> Prompt:
    return Prompt(object_id, frame_index, box_of(mask))


def test_an_object_is_followed(search):
    search.step(painted(disc(60, 60)), (prompt(disc(60, 60), 7),))
    for x in (64, 70, 78):
        labels = search.step(painted(disc(x, 60)), ())
        assert set(np.unique(labels)) == {0, 7}
        assert region_similarity(labels == 7, disc(x, 60)) > 0.9


def test_the_prompted_box_is_drawn_first(search):
    labels = search.step(painted(disc(60, 60)), (prompt(disc(60, 60), 7),))
    box = box_of(disc(60, 60))
    expected = np.zeros(SIZE, np.uint8)
    x, y, w, h = map(int, box)
    expected[y : y + h, x : x + w] = 7
    assert np.array_equal(labels, expected)


def test_all_objects_of_a_frame_come_from_one_pass(search):
    places = [(40, 40), (100, 40), (160, 40), (70, 95)]
    masks = [disc(x, y) for x, y in places]
    frame = painted(*masks)
    search.step(frame, tuple(prompt(m, i) for i, m in zip((9, 4, 200, 1), masks, strict=True)))
    assert search._network.calls == 1
    labels = search.step(frame, ())
    assert search._network.calls == 2
    for number, mask in zip((9, 4, 200, 1), masks, strict=True):
        assert region_similarity(labels == number, mask) > 0.9


def test_nothing_to_follow_asks_no_network(search):
    labels = search.step(painted(disc(60, 60)), ())
    assert not labels.any()
    assert search._network.calls == 0


def test_an_instance_is_one_object_only(search):
    """Two objects meet where only one is left to be seen; the nearer one has it."""
    masks = disc(60, 60), disc(110, 60)
    search.step(painted(*masks), (prompt(masks[0], 1), prompt(masks[1], 2)))
    labels = search.step(painted(disc(82, 60)), ())
    assert set(np.unique(labels)) == {0, 1}


def test_late_objects_join_and_keep_their_ids(search):
    first, late = disc(50, 60), disc(150, 60)
    search.step(painted(first), (prompt(first, 3),))
    labels = search.step(painted(first, late), (prompt(late, 8, 1),))
    assert set(np.unique(labels)) == {0, 3, 8}
    labels = search.step(painted(disc(54, 60), disc(146, 60)), ())
    assert region_similarity(labels == 3, disc(54, 60)) > 0.9
    assert region_similarity(labels == 8, disc(146, 60)) > 0.9


def test_an_object_that_is_prompted_again_begins_anew(search):
    one, other = disc(50, 60), disc(150, 60)
    search.step(painted(one, other), (prompt(one, 3),))
    search.step(painted(one, other), (prompt(other, 3, 1),))
    labels = search.step(painted(one, other), ())
    assert region_similarity(labels == 3, other) > 0.9
    assert search.objects.ids == [3]


def test_a_lost_object_waits_and_is_found_again(search):
    """It comes back elsewhere: after four frames it may have moved by 0.8 of its size."""
    stays, goes = disc(160, 60), disc(50, 60)
    nothing = np.zeros(SIZE, bool)
    search.step(painted(stays, goes), (prompt(stays, 1), prompt(goes, 2)))
    for _ in range(4):
        labels = search.step(painted(stays, nothing), ())
        assert set(np.unique(labels)) == {0, 1}
    assert search.objects.away.tolist() == [0, 4]
    labels = search.step(painted(stays, disc(84, 60)), ())
    assert region_similarity(labels == 2, disc(84, 60)) > 0.9
    assert region_similarity(labels == 1, stays) > 0.9
    assert search.objects.away.tolist() == [0, 0]


def test_a_frame_without_instances_is_survived(search):
    mask = disc(60, 60)
    search.step(painted(mask), (prompt(mask, 5),))
    assert not search.step(painted(np.zeros(SIZE, bool)), ()).any()
    assert (search.step(painted(mask), ()) == 5).any()


def test_a_prompt_without_an_instance_is_its_box(search):
    """Nothing is found on its frame; what is there on the next one is taken."""
    mask = disc(60, 60)
    labels = search.step(painted(np.zeros(SIZE, bool)), (prompt(mask, 5),))
    assert (labels == 5).any()
    labels = search.step(painted(disc(62, 60)), ())
    assert region_similarity(labels == 5, disc(62, 60)) > 0.9


def test_overlapping_objects_are_told_apart(search):
    """The one that lies behind keeps what can be seen of it."""
    behind, before = disc(90, 60, 30), disc(120, 60, 18)
    prompts = (prompt(behind, 1), prompt(before, 2))
    search.step(painted(behind, before), prompts)
    labels = search.step(painted(behind, before), ())
    assert region_similarity(labels == 2, before) > 0.85
    assert region_similarity(labels == 1, behind & ~before) > 0.7


def test_only_the_label_map_comes_back(search, monkeypatch):
    mask = disc(60, 60)
    search.step(painted(mask), (prompt(mask, 5),))
    seen = []
    fetch = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda t, *a, **k: seen.append(t) or fetch(t, *a, **k))
    labels = search.step(painted(mask), ())
    assert [(t.dtype, tuple(t.shape)) for t in seen] == [(torch.uint8, labels.shape)]


def test_frames_that_keep_their_ratio_are_padded(monkeypatch):
    """A frame of 120 x 212 becomes 145 x 256, padded to 160 x 256; pixels stay where they are."""
    monkeypatch.setattr(module, "ready", lambda network, runtime: network)
    config = Config(width=256, height=160, keep_ratio=True, channels=8, depth=1)
    search = InstanceSearch(Painted(), config, Runtime())
    mask = disc(150, 80)
    search.step(painted(mask), (prompt(mask, 5),))
    labels = search.step(painted(mask), ())
    assert list(search._grids) == [torch.Size((1, 3, 160, 256))]
    assert region_similarity(labels == 5, mask) > 0.9


def maps_of(cells: dict[int, tuple[float, float]], grid, classes: int = 1) -> Maps:
    """Return maps that are sure of nothing but some cells: cell -> probability, centerness."""
    count = len(grid.points)
    maps = Maps(
        torch.full((1, count, classes), -20.0),
        torch.full((1, count), -20.0),
        torch.full((1, count, 4), float(np.log(20.0))),
        torch.full((1, count, 36), float(np.log(20.0))),
    )
    for cell, (probability, centerness) in cells.items():
        maps.score[0, cell, 0] = torch.logit(torch.tensor(probability))
        maps.centerness[0, cell] = torch.logit(torch.tensor(centerness))
    return maps


def test_scores_count_the_centerness_after_the_threshold():
    """0.06 is above 0.05, with a factor of 0.5 and a little more; 0.04 is not at all."""
    grid = grid_of((160, 256), CONFIG.strides)
    maps = maps_of({0: (0.06, 0.01), 300: (0.04, 0.99)}, grid)
    found = detect(maps, grid, (160, 256), (1.0, 1.0), CONFIG, per_class=True)
    assert found.points.tolist() == [grid.points[0].tolist()]
    assert found.score.item() == pytest.approx(0.06 * 0.51, rel=1e-4)


def test_boxes_that_overlap_are_one_instance():
    """Boxes of 41 pixels, 8 apart: 33 of 49 is more than half; 16 apart 25 of 57 is less."""
    grid = grid_of((160, 256), CONFIG.strides)
    row = 10 * 32
    maps = maps_of({row + 10: (0.9, 0.9), row + 11: (0.8, 0.9), row + 12: (0.7, 0.9)}, grid)
    found = detect(maps, grid, (160, 256), (1.0, 1.0), CONFIG, per_class=True)
    assert found.points[:, 0].tolist() == [10 * 8 + 4, 12 * 8 + 4]


def test_classes_do_not_suppress_each_other_unless_asked():
    grid = grid_of((160, 256), CONFIG.strides)
    maps = maps_of({330: (0.9, 0.9)}, grid, classes=2)
    maps.score[0, 330, 1] = 1.0
    for per_class, kinds in ((True, [0, 1]), (False, [0])):
        found = detect(maps, grid, (160, 256), (1.0, 1.0), CONFIG, per_class=per_class)
        assert found.classes.tolist() == kinds


def test_the_best_cells_of_each_level_are_looked_at():
    grid = grid_of((160, 256), CONFIG.strides)
    rules = Config(before_nms=1, nms=1.0)
    maps = maps_of({5: (0.9, 0.9), 7: (0.8, 0.9), 640 + 3: (0.6, 0.9)}, grid)
    found = detect(maps, grid, (160, 256), (1.0, 1.0), rules, per_class=True)
    assert found.points.tolist() == [grid.points[5].tolist(), grid.points[643].tolist()]


def test_overlaps_by_hand():
    one = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    others = torch.tensor([[5.0, 0.0, 15.0, 10.0], [0.0, 0.0, 10.0, 5.0], [40.0, 0.0, 50.0, 10.0]])
    assert box_overlap(one, others)[0].tolist() == pytest.approx([1 / 3, 1 / 2, 0])
    nearer = box_overlap(one, others, torch.tensor([3.5]))[0].tolist()  # 35 pixels
    assert nearer == pytest.approx([1, 1 / 2, 1 / 3])
    a, b = torch.zeros(1, 4, 4, dtype=torch.bool), torch.zeros(2, 4, 4, dtype=torch.bool)
    a[0, :2], b[0, 1:3] = True, True
    assert shape_overlap(a, b).tolist() == [[pytest.approx(1 / 3), 0.0]]


def test_shapes_are_compared_in_the_middle_of_cells():
    """A circle of radius 30 around (64, 64), places at 1.5, 5.5, 9.5, ..."""
    shape = coarse_shapes(torch.tensor([[64.0, 64.0]]), torch.full((1, 36), 30.0), (128, 128))[0]
    assert shape.shape == (32, 32)
    assert float(shape.sum()) * 16 == pytest.approx(np.pi * 30**2, rel=0.02)
    column = shape.float().sum(dim=0) @ torch.arange(32.0) / shape.sum()
    assert float(column) == pytest.approx((64 - 1.5) / 4, abs=0.05)


def test_instances_are_given_to_the_best_first():
    overlap = torch.tensor([[0.5, 0.6, 0.0], [0.3, 0.9, 0.05], [0.0, 0.4, 0.02]])
    chosen, has = assigned(overlap, 0.1)
    assert has.tolist() == [True, True, False]
    assert chosen[:2].tolist() == [0, 1]
    chosen, has = assigned(torch.zeros(2, 0), 0.1)
    assert has.tolist() == [False, False]


def test_weights_that_do_not_exist_or_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": PolarMask(CONFIG.shape).state_dict()}, path)
    PolarMaskTracker(CONFIG, Runtime(weights=path))
    with pytest.raises(WeightsError, match="another network"):
        PolarMaskTracker(Config(), Runtime(weights=path))


@pytest.mark.parametrize("precision", PolarMaskTracker.precisions[:2])
def test_a_tracker_with_random_weights_gives_label_maps(precision):
    config = Config(width=256, height=160, channels=8, depth=1, score_above=0.005)
    tracker = PolarMaskTracker(config, Runtime(precision=precision))
    frame = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    tracker.reset()
    tracker.step(frame, (Prompt(2, 0, Box(40, 30, 50, 50)),))
    labels = tracker.step(frame)
    assert labels.shape == SIZE
    assert set(np.unique(labels)) <= {0, 2}


def test_releases_name_configurations_that_there_are(tmp_path):
    plugin = load_tracker("polarmask", Workspace(tmp_path))
    for release in PolarMaskTracker.releases:
        config = plugin.config(release.config)
        assert config.classes == 80
