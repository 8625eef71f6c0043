"""Rays and polygons against walks along rays, points in polygons, and real masks."""

import cv2
import numpy as np
import pytest
import torch
from skimage.measure import points_in_poly

from vostool.io.label_maps import read_labels
from vostool_trackers.siamese.polar import cast_rays, contour, extent, fill, voted


def blobs(seed: int, size: tuple[int, int] = (40, 50)) -> np.ndarray:
    noise = np.random.default_rng(seed).random(size).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3) > 0.5


def walked(mask: np.ndarray, x: float, y: float, angle: float) -> float:
    """Walk along a ray in small steps; returns the last step on the mask."""
    t = np.arange(0, 100, 0.002)
    row = np.floor(y + t * np.sin(angle) + 0.5).astype(int)
    column = np.floor(x + t * np.cos(angle) + 0.5).astype(int)
    inside = (row >= 0) & (row < mask.shape[0]) & (column >= 0) & (column < mask.shape[1])
    on = np.zeros(len(t), bool)
    on[inside] = mask[row[inside], column[inside]]
    return float(t[on].max()) if on.any() else 0.0


@pytest.mark.parametrize("seed", range(3))
def test_rays_end_where_a_walk_leaves_the_mask(seed):
    mask = blobs(seed)
    points = [(25.3, 20.7), (3.1, 38.9), (60.2, 20.1), (-7.3, -4.9)]
    found = cast_rays(torch.from_numpy(mask)[None], torch.tensor([points]), 36)[0]
    for (x, y), lengths in zip(points, found, strict=True):
        for k, length in enumerate(lengths.tolist()):
            assert length == pytest.approx(walked(mask, x, y, 2 * np.pi * k / 36), abs=5e-3)


def test_rays_of_a_square_by_hand():
    """A square of 7 pixels: 3.5 to its sides, 3.5 times root 2 to its corners."""
    mask = torch.zeros(1, 11, 11, dtype=torch.bool)
    mask[0, 2:9, 2:9] = True
    lengths = cast_rays(mask, torch.tensor([[[5.0, 5.0]]]), 8)[0, 0]
    expected = [3.5, 3.5 * 2**0.5] * 4
    assert lengths.tolist() == pytest.approx(expected, abs=1e-4)


def test_rays_of_no_length_fill_nothing():
    """Neither between two of them, nor behind the one beside them."""
    lengths = torch.full((1, 8), 10.0)
    lengths[0, 1:4] = 0
    lengths[0, 6] = 0
    filled = fill(torch.tensor([[30.0, 30.0]]), lengths, torch.zeros(1, 2), (61, 61))[0]
    y, x = np.mgrid[-30:31, -30:31]
    assert not filled.numpy()[np.hypot(x, y) > 10].any()
    assert not filled[31:, :30][:, -20:].any()  # down left, between 90 and 180 degrees
    assert filled[30, 30:41].all()
    nothing = fill(torch.tensor([[30.5, 30.5]]), torch.zeros(1, 36), torch.zeros(1, 2), (61, 61))
    assert not nothing.any()


def test_a_mask_of_nothing_has_no_rays():
    lengths = cast_rays(torch.zeros(1, 9, 9, dtype=torch.bool), torch.zeros(1, 2, 2), 12)
    assert lengths.shape == (1, 2, 12)
    assert not lengths.any()


@pytest.mark.parametrize("rays", [3, 5, 36])
def test_a_polygon_is_filled_as_points_in_it_say(rays):
    generator = torch.Generator().manual_seed(rays)
    lengths = 5 + 20 * torch.rand(2, rays, generator=generator)
    points = torch.tensor([[31.37, 24.81], [5.13, 40.77]])
    windows = fill(points, lengths, torch.tensor([[0.0, 0.0], [-10.0, 20.0]]), (50, 60))
    for number, (left, top) in enumerate([(0, 0), (-10, 20)]):
        y, x = np.mgrid[top : top + 50, left : left + 60]
        corners = contour(points, lengths)[number].numpy()
        inside = points_in_poly(np.stack([x.ravel(), y.ravel()], 1), corners).reshape(50, 60)
        assert np.array_equal(windows[number].numpy(), inside)


def test_the_extent_is_the_box_of_the_contour():
    lengths = torch.rand(4, 7, 36) * 30
    box = extent(lengths)
    ends = contour(torch.zeros(4, 7, 2), lengths)
    assert torch.allclose(box[..., :2], ends.amin(-2))
    assert torch.allclose(box[..., 2:], ends.amax(-2))


@pytest.mark.parametrize(("radius", "at_least"), [(6, 0.97), (10, 0.95), (20, 0.97), (40, 0.97)])
def test_discs_survive_encoding(radius, at_least):
    y, x = np.mgrid[:101, :101]
    disc = (x - 50) ** 2 + (y - 50) ** 2 <= radius**2
    assert survives(disc, 36) >= at_least


def survives(mask: np.ndarray, rays: int) -> float:
    """Return the IoU of a mask with its rays from the centre of mass, filled again."""
    y, x = np.nonzero(mask)
    point = torch.tensor([[x.mean(), y.mean()]], dtype=torch.float32)
    lengths = cast_rays(torch.from_numpy(mask)[None], point[None], rays)[0]
    filled = fill(point, lengths, torch.zeros(1, 2), mask.shape)[0].numpy()
    return float((filled & mask).sum() / (filled | mask).sum())


@pytest.mark.parametrize(("rays", "expected"), [(18, 0.700), (36, 0.744), (72, 0.764)])
def test_perfect_rays_of_real_masks(shared, rays, expected):
    """What the card says is the room: every fourth frame of the six validation sequences."""
    root = shared / "DAVIS/Annotations/480p" if (shared / "DAVIS").is_dir() else None
    root = root or shared / "data/DAVIS/Annotations/480p"
    names = ("blackswan", "car-shadow", "horsejump-high", "kite-surf", "libby", "scooter-black")
    means = []
    for name in names:
        masks = [read_labels(path) > 0 for path in sorted((root / name).iterdir())[1:-1:4]]
        means.append(np.mean([survives(mask, rays) if mask.any() else 1.0 for mask in masks]))
    assert np.mean(means) == pytest.approx(expected, abs=0.001)


def test_one_voter_is_its_own_polygon():
    rays = 20 + 10 * torch.rand(2, 1, 36, generator=torch.Generator().manual_seed(0))
    found = voted(torch.full((2, 1, 2), 7.0), rays, torch.ones(2, 1), torch.full((2, 2), 7.0))
    assert (found - rays[:, 0]).abs().max() < 2 * rays.max() / 95


def test_votes_give_what_most_of_the_weight_holds():
    """As pixels say: filled one by one, added up, and more than half of the weight kept."""
    generator = torch.Generator().manual_seed(5)
    points = 100 + 12 * torch.rand(1, 5, 2, generator=generator)
    rays = 40 + 15 * torch.rand(1, 5, 36, generator=generator)
    weights = torch.tensor([[1.0, 0.5, 2.0, 1.0, 0.2]])
    found = voted(points, rays, weights, points[:, 2])
    corner = torch.zeros(5, 2)
    masks = fill(points[0], rays[0], corner, (210, 210)).float()
    most = (masks * weights[0, :, None, None]).sum(0) > 0.5 * weights.sum()
    agreed = fill(points[:, 2], found, corner[:1], (210, 210))[0]
    assert (agreed & most).sum() / (agreed | most).sum() > 0.97


def test_without_a_majority_there_is_nothing():
    points = torch.tensor([[[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]]])
    found = voted(points, torch.full((1, 3, 36), 9.0), torch.ones(1, 3), points[:, 0])
    assert not found.any()
