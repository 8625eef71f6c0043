"""The largest connected part, against SciPy's labels."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from vostool_trackers.siamese.inference.components import largest_part

EIGHT = np.ones((3, 3))


def largest(mask: np.ndarray) -> int:
    """Return the pixels of the largest part, by SciPy."""
    labels, count = ndimage.label(mask, EIGHT)
    return max(ndimage.sum(mask, labels, range(1, count + 1)))


def spiral(side: int) -> np.ndarray:
    """Return one winding line."""
    mask, low, high = np.zeros((side, side), bool), 0, side - 1
    while low <= high:
        mask[low, max(low - 2, 0) : high + 1] = mask[low : high + 1, high] = True
        mask[high, low : high + 1] = mask[low + 2 : high + 1, low] = True
        low, high = low + 2, high - 2
    return mask


def test_random_masks_have_the_part_that_scipy_finds():
    random = np.random.default_rng(0)
    masks = np.stack(
        [
            ndimage.gaussian_filter(random.standard_normal((51, 51)), random.uniform(0.3, 3)) > 0
            for _ in range(40)
        ]
    )
    found = largest_part(torch.from_numpy(masks)).numpy()
    for mask, ours in zip(masks, found, strict=True):
        assert ndimage.label(ours, EIGHT)[1] == 1
        assert ours.sum() == largest(mask)
        assert not (ours & ~mask).any()


@pytest.mark.parametrize("turns", range(4))
def test_a_spiral_is_one_part(turns):
    mask = np.rot90(spiral(51), turns).copy()
    assert np.array_equal(largest_part(torch.from_numpy(mask)[None])[0].numpy(), mask)


def test_blocks_bridge_small_gaps_and_count_pixels():
    mask = torch.zeros(2, 50, 50, dtype=torch.bool)
    mask[0, 0:10, 0:10] = mask[0, 0:10, 13:20] = True  # blocks beside each other
    mask[0, 30:43, 30:43] = True  # 169 pixels, one less than both
    kept = largest_part(mask, block=5)
    assert kept[0].sum() == 170
    assert not kept[0, 30:].any()
    assert not kept[1].any()  # an empty mask stays so
