"""What a guided network is told in training: polygons near the object, boxes at the start."""

import torch

from vostool_trackers.siamese.inference.likelihood import bins_of, colors_of
from vostool_trackers.siamese.polar import within_box
from vostool_trackers.siamese.training.draws import Draws
from vostool_trackers.siamese.training.pairs import Memory, Pairs
from vostool_trackers.siampolar.guidance import filled_box, guides_of, roughened

CPU = torch.device("cpu")


def test_roughened_masks_are_near_the_object_and_differ(ellipse):
    mask = torch.from_numpy(ellipse).expand(64, -1, -1)
    rough = roughened(mask, 36, 0.0, Draws(0, 0, range(64), CPU))
    overlap = (rough & mask).sum((1, 2)) / (rough | mask).sum((1, 2))
    assert 0.45 < overlap.mean() < 0.75
    assert overlap.min() > 0.1
    assert overlap.std() > 0.05
    assert len({int(n) for n in rough.sum((1, 2))}) > 60
    far = roughened(mask, 36, 1.0, Draws(0, 0, range(64), CPU))
    assert ((far & mask).sum((1, 2)) / (far | mask).sum((1, 2))).mean() < overlap.mean() - 0.15


def test_nothing_stays_nothing():
    empty = torch.zeros(2, 255, 255, dtype=torch.bool)
    assert not roughened(empty, 36, 0.5, Draws(0, 0, range(2), CPU)).any()
    assert not filled_box(empty).any()


def test_boxes_reach_from_first_to_last():
    mask = torch.zeros(2, 6, 8, dtype=torch.bool)
    mask[0, 1, 2] = mask[0, 4, 5] = mask[1, 0, 0] = True
    boxes = filled_box(mask)
    expected = torch.zeros_like(mask)
    expected[0, 1:5, 2:6] = expected[1, 0, 0] = True
    assert torch.equal(boxes, expected)


def test_rays_end_at_the_box():
    rays = within_box(
        torch.tensor([[1.0, 0.0]]), torch.full((1, 4), 9.0), torch.tensor([[-4.0, -2.0, 4.0, 3.0]])
    )
    assert torch.allclose(rays, torch.tensor([[3.0, 3.0, 5.0, 2.0]]))
    short = within_box(torch.zeros(1, 2), torch.ones(1, 8), torch.tensor([[-5.0, -5.0, 5.0, 5.0]]))
    assert torch.allclose(short, torch.ones(1, 8))


def test_a_start_is_told_boxes_and_later_frames_polygons(ellipse):
    mask = torch.from_numpy(ellipse).expand(8, -1, -1)
    small = mask[:, 64:191, 64:191]
    image = 255 * torch.rand(8, 3, 255, 255, generator=torch.Generator().manual_seed(0))
    image = torch.where(mask[:, None], image * 0.2, image)
    start = torch.arange(8) < 4
    pairs = Pairs(image[..., :127, :127], image, mask, small, Memory(image, mask, start))
    guides = guides_of(pairs, 36, Draws(1, 0, range(8), CPU))
    told = guides.search[:, 0] > 0
    assert torch.equal(told[:4], filled_box(mask[:4]))
    assert torch.equal(guides.template[:4, 0] > 0, filled_box(small[:4]))
    assert (told[4:] != filled_box(mask[4:])).flatten(1).any(1).all()
    # Half of the colours at a start are the template's, half the memory's.
    ours = colors_of(bins_of(pairs.template), filled_box(small))
    both = ours.mixed(colors_of(bins_of(image), filled_box(mask)), 0.5)
    likely = 4 * both.likelihood(bins_of(image)) - 2
    assert torch.allclose(guides.search[:4, 1], likely[:4])
    dark = guides.search[4:, 1][mask[4:]].mean() - guides.search[4:, 1][~mask[4:]].mean()
    assert dark > 0.5
