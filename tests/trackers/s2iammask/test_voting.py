"""Ranking, voting and what the masks say of place and size, each against a bug of the original."""

import numpy as np
import pytest
import torch

from vostool_trackers.s2iammask.settings import Config
from vostool_trackers.s2iammask.voting import best_rois, box_of_mask, vote, with_overlap
from vostool_trackers.siamese.inference.ranking import Ranked


def ranked(centres, sizes, rank) -> Ranked:
    rank = torch.tensor([rank])
    return Ranked(torch.tensor([centres]), torch.tensor([sizes]), rank, torch.ones_like(rank), rank)


def test_overlap_is_of_each_box_in_both_directions():
    """The original takes widths and heights from the displacements, and y from the crop's x."""
    centres = [[0.0, 0.0], [0.0, 0.0], [30.0, 0.0], [0.0, 30.0]]
    sizes = [[60.0, 20.0], [20.0, 60.0], [60.0, 20.0], [60.0, 20.0]]
    boxes = ranked(centres, sizes, [0.5, 0.5, 0.5, 1.0])
    mixed = with_overlap(boxes, torch.tensor([[60.0, 20.0]]), torch.tensor([True]), 0.7)
    overlaps = [1.0, 400 / 2000, 600 / 1800, 0.0]
    expected = [0.3 * r + 0.7 * o for r, o in zip([0.5, 0.5, 0.5, 1.0], overlaps, strict=True)]
    assert mixed.rank[0].tolist() == pytest.approx(expected)


def test_no_overlap_counts_where_nothing_was_seen():
    boxes = ranked([[0.0, 0.0], [50.0, 0.0]], [[20.0, 20.0]] * 2, [0.2, 0.4])
    size = torch.tensor([[20.0, 20.0]])
    assert with_overlap(boxes, size, torch.tensor([True]), 0.7).rank.argmax() == 0
    lost = with_overlap(boxes, size, torch.tensor([False]), 0.7)
    assert torch.equal(lost.rank, boxes.rank)


def test_boxes_that_are_no_numbers_come_last():
    nan = float("nan")
    boxes = ranked([[nan, 0.0], [0.0, 0.0]], [[20.0, 20.0]] * 2, [nan, -0.5])
    mixed = with_overlap(boxes, torch.tensor([[20.0, 20.0]]), torch.tensor([True]), 0.7)
    assert mixed.rank.isfinite().all()
    assert mixed.rank.argmax() == 1


def test_the_best_boxes_are_taken_in_order_and_enlarged():
    boxes = ranked([[0.0, 0.0], [10.0, 20.0], [50.0, 0.0]], [[20.0, 40.0]] * 3, [0.1, 0.9, 0.5])
    rois = best_rois(boxes, 2, 0.4)[0]
    assert rois[0].tolist() == pytest.approx([127 + 10 - 18, 127 + 20 - 36, 155, 183])
    assert rois[1].tolist() == pytest.approx([127 + 50 - 18, 127 - 36, 195, 163])


@pytest.mark.parametrize(("above", "value"), [(5, 1.0), (6, 1.0), (6, 0.19), (6, 0.21)])
def test_more_than_five_of_ten_masks_win(above, value):
    config = Config()
    masks = torch.zeros(1, 10, 28, 28)
    masks[0, :above] = value
    rois = torch.tensor([60.0, 100, 116, 128]).expand(1, 10, 4)
    verdict = vote(masks, rois, config.threshold)
    won = (verdict.votes > config.votes)[0]
    if above <= 5 or value < 0.2:
        assert not won.any()
    else:
        # Pixels whose middle is between 60 and 116, 100 and 128, but for the fading at the edges.
        assert won[102:127, 62:115].all()
        assert not won[:99].any()
        assert not won[:, 118:].any()
        assert verdict.mean[0, 110, 80].item() == pytest.approx(above / 10 * value)


def test_masks_are_where_their_regions_are():
    """A mask that is a disk of the crop, seen through any region, is that disk."""
    rois = torch.tensor([[[40.0, 60, 96, 88], [30, 20, 142, 160]]])
    y, x = np.mgrid[:255, :255]
    disk = np.hypot(x - 70, y - 74) < 12
    masks = []
    for x1, y1, x2, y2 in rois[0].tolist():
        bins = (np.arange(28) + 0.5) / 28
        column, row = x1 + bins * (x2 - x1), y1 + bins * (y2 - y1)
        masks.append(np.hypot(column[None] - 70, row[:, None] - 74) < 12)
    verdict = vote(torch.from_numpy(np.stack(masks)[None]).float(), rois, 0.5)
    for count in (0, 1):
        won = (verdict.votes[0] > count).numpy()
        assert (won & disk).sum() / (won | disk).sum() > 0.85


def rectangle(x: slice, y: slice) -> torch.Tensor:
    mask = torch.zeros(1, 255, 255, dtype=torch.bool)
    mask[0, y, x] = True
    return mask


def test_the_object_moves_to_the_middle_of_its_mask():
    """The original takes the box's top left corner, and x for y."""
    mask = rectangle(slice(40, 100), slice(150, 170))
    origin, step = (
        torch.tensor([[10.25, -7.75]]),
        torch.tensor([0.5]),
    )  # two pixels of a crop in one
    centre, size, area = box_of_mask(mask, origin, step, (300, 400))
    # Two pixels of the crop are one of the frame; the crop's pixel 40 begins where pixel 30 of the
    # frame does, plus a half, its pixel 150 where 67 does, plus a half.
    assert centre[0].tolist() == pytest.approx([30.5 + 15, 67.5 + 5], abs=0.01)
    assert size[0].tolist() == pytest.approx([30, 10])
    assert area.item() == pytest.approx(300)


def test_only_the_largest_part_on_the_frame_counts():
    mask = rectangle(slice(40, 100), slice(150, 170)) | rectangle(slice(0, 20), slice(0, 20))
    place = torch.tensor([[-60.0, 0.0]]), torch.tensor([1.0])
    centre, size, area = box_of_mask(mask, *place, (255, 255))
    assert area.item() == 40 * 20  # x from 0 on
    assert size[0].tolist() == [40, 20]
    assert centre[0].tolist() == [20, 160]
    *_, area = box_of_mask(rectangle(slice(0, 50), slice(0, 99)), *place, (255, 255))
    assert area.item() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"candidates": 0},
        {"candidates": 3126},
        {"votes": 10},
        {"votes": -1},
        {"overlap": 1.5},
        {"threshold": 1.0},
        {"enlarge": -0.1},
        {"area": -1.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Config(**change)
