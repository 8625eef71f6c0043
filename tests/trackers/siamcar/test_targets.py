"""Targets and losses: where they ask, what they say, and by hand."""

import numpy as np
import pytest
import torch

from vostool_trackers.siamcar.losses import car_losses, iou_loss
from vostool_trackers.siamcar.network import Maps
from vostool_trackers.siamcar.targets import boxes_of, targets_of
from vostool_trackers.siamese.inference.crops import cell_centres


def mask_of(*boxes: tuple[int, int, int, int]) -> torch.Tensor:
    """Return (B, 255, 255) masks with x, y, w, h filled."""
    masks = torch.zeros(len(boxes), 255, 255, dtype=torch.bool)
    for mask, (x, y, w, h) in zip(masks, boxes, strict=True):
        mask[y : y + h, x : x + w] = True
    return masks


def test_boxes_are_the_edges_of_masks():
    masks = mask_of((10, 20, 30, 40), (0, 0, 255, 255), (254, 0, 1, 1))
    masks[0, 22, 12] = False  # a hole changes nothing
    boxes, there = boxes_of(masks)
    assert boxes.tolist() == [
        [9.5, 19.5, 39.5, 59.5],
        [-0.5, -0.5, 254.5, 254.5],
        [253.5, -0.5, 254.5, 0.5],
    ]
    assert there.all()
    assert not boxes_of(mask_of((0, 0, 0, 0)))[1].any()


def test_targets_written_out():
    """Against loops over the cells: 31 + 8 j, where the published program trains with 32 + 8 j.

    It tracks with 31, which is where features have their centre.
    """
    left, top, w, h = 61, 80, 101, 64
    targets = targets_of(mask_of((left, top, w, h)))
    for row in range(25):
        for column in range(25):
            x, y = 31 + 8 * column, 31 + 8 * row
            assert cell_centres()[row, column].tolist() == [x, y]
            sides = [x - left + 0.5, y - top + 0.5, left + w - 0.5 - x, top + h - 0.5 - y]
            assert targets.box[0, :, row, column].tolist() == pytest.approx(sides)
            across, down = sides[::2], sides[1::2]
            middle = min(across) > 0.3 * w and min(down) > 0.3 * h
            assert bool(targets.positive[0, row, column]) == middle
            ratio = min(across) / max(across) * min(down) / max(down) if middle else 0
            assert targets.centerness[0, row, column].item() == pytest.approx(np.sqrt(ratio))
    assert targets.positive.sum() == 5 * 3


@pytest.mark.parametrize("dims", [(-1,), (-2,), (-2, -1)])
def test_mirrored_masks_have_mirrored_targets(dims):
    mask = mask_of((70, 40, 90, 120))
    plain, turned = targets_of(mask), targets_of(mask.flip(dims))
    assert torch.equal(turned.positive, plain.positive.flip(dims))
    order = [2 if -1 in dims else 0, 3 if -2 in dims else 1]
    order += [2 - order[0], 4 - order[1]]
    assert torch.allclose(turned.box, plain.box.flip(dims)[:, order])
    assert torch.allclose(turned.centerness, plain.centerness.flip(dims), atol=1e-6)


def test_nothing_there_is_nothing_asked():
    targets = targets_of(mask_of((0, 0, 0, 0), (100, 100, 60, 60)))
    assert targets.positive.flatten(1).any(1).tolist() == [False, True]
    maps = Maps(torch.zeros(2, 2, 25, 25), torch.zeros(2, 25, 25), torch.ones(2, 4, 25, 25))
    only = Maps(*(m[:1] for m in maps))
    nothing = car_losses(only, targets_of(mask_of((0, 0, 0, 0))))
    assert nothing.score.item() == pytest.approx(0.5 * np.log(2))  # of its negative cells
    assert nothing.box == nothing.centerness == 0
    assert all(loss.isfinite() for loss in car_losses(maps, targets))


def test_iou_loss_by_hand():
    """Boxes of 10 x 10 and 20 x 10 around one point share 100 of 200 pixels."""
    box, target = torch.tensor([5.0, 5.0, 5.0, 5.0]), torch.tensor([10.0, 5.0, 10.0, 5.0])
    both = [t[None, :, None, None] for t in (box, target)]
    where = torch.ones(1, 1, 1, dtype=torch.bool)
    assert iou_loss(*both, where).item() == pytest.approx(np.log(201 / 101))
    assert iou_loss(both[1], both[1], where).item() == 0
    assert iou_loss(*both, ~where).item() == 0


def test_a_batch_is_the_mean_of_its_samples():
    torch.manual_seed(2)
    maps = Maps(torch.randn(3, 2, 25, 25), torch.randn(3, 25, 25), torch.rand(3, 4, 25, 25) * 60)
    masks = mask_of((60, 60, 90, 40), (100, 90, 60, 80), (0, 0, 0, 0))
    whole = car_losses(maps, targets_of(masks))
    parts = [
        car_losses(Maps(*(m[i : i + 1] for m in maps)), targets_of(masks[i : i + 1]))
        for i in range(3)
    ]
    for k in range(3):
        assert whole[k].item() == pytest.approx(np.mean([float(p[k]) for p in parts]), rel=1e-5)


def test_gradients_stay_finite_where_cells_are_outside():
    box = torch.full((1, 4, 25, 25), 1e-3, requires_grad=True)
    maps = Maps(torch.zeros(1, 2, 25, 25), torch.zeros(1, 25, 25), box)
    sum(car_losses(maps, targets_of(mask_of((100, 90, 60, 80))))).backward()
    assert box.grad.isfinite().all()
    assert (box.grad != 0).any()
