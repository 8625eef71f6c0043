"""Temporal stability against the values its authors published, to the last bits."""

import math
import re

import numpy as np
import pytest
from PIL import Image

from vostool.metrics.stability import (
    NOT_COUNTED,
    SCALE,
    mean_stability,
    stability_over,
    temporal_stability,
)

# Per pair of frames (k, k + 1) of the ground truth of DAVIS 2016 at 480p, from
# gt-T-train-2016-single-480p.mat and gt-T-val-2016-single-480p.mat of the repository
# davisvideochallenge/davis-matlab, which Matlab computed in 2017. bmx-bumps 60 is empty; in
# car-turn 38 to 41 pixels touch diagonally, and the order of a hash table matters.
PUBLISHED = {
    ("blackswan", 0): [0.0022047568217363877],
    ("car-shadow", 0): [0.015409897188997016, 0.005831812281448534, 0.009636444326973864],
    ("horsejump-high", 10): [0.05803075978098755],
    ("libby", 20): [0.09312604429469491, 0.07474884324959415, 0.09821592996230644],
    ("scooter-black", 0): [0.017926696795829377, 0.016817928387184038],
    ("car-turn", 38): [0.008243123807759293, 0.015298044956737592, 0.026572297324651415],
    ("bmx-bumps", 58): [0.23722986696406573, math.nan, math.nan],
    ("drift-turn", 0): [0.018096030449448543],
    ("drift-turn", 16): [0.017903081713780564],
}


def truth(shared, sequence, first, count):
    folder = shared / "data/DAVIS/Annotations/480p" / sequence
    for frame in range(first, first + count):
        yield np.array(Image.open(folder / f"{frame:05d}.png")) > 0


@pytest.mark.parametrize(("sequence", "first"), PUBLISHED)
def test_published_values(shared, sequence, first):
    expected = PUBLISHED[sequence, first]
    values = list(stability_over(truth(shared, sequence, first, len(expected) + 1)))
    assert values == pytest.approx(expected, rel=0, abs=1e-12, nan_ok=True)


@pytest.mark.slow
def test_published_mean_of_a_sequence(shared):
    values = list(stability_over(truth(shared, "car-shadow", 0, 39)))
    assert mean_stability(values) == pytest.approx(0.05224545321033645, rel=0, abs=1e-12)


def test_sequences_not_counted_are_those_of_the_dataset(shared):
    text = (shared / "data/DAVIS/db_info.yml").read_text(encoding="utf-8")
    listed = dict(re.findall(r"name: (\S+)\n(?:.*\n){2}\s+eval_t: (\S+)", text))
    assert len(listed) == 50
    assert {name for name, counts in listed.items() if counts == "False"} == NOT_COUNTED


def rectangle(top, left, height, width):
    mask = np.zeros((60, 80), np.bool_)
    mask[top : top + height, left : left + width] = True
    return mask


def test_equal_masks_and_moved_ones_are_steady():
    mask = rectangle(10, 10, 30, 36)
    assert temporal_stability(mask, mask) == 0
    assert temporal_stability(mask, rectangle(15, 40, 30, 36)) == 0


def test_scaled_masks_are_steady_too_but_other_shapes_are_not():
    mask = rectangle(10, 10, 15, 18)
    scaled = temporal_stability(mask, rectangle(10, 10, 30, 36))
    other = temporal_stability(mask, rectangle(10, 10, 6, 54))
    assert scaled < 0.05 < 0.3 < other < 1


def test_only_the_outline_with_the_most_corners_counts():
    row, column = np.mgrid[:60, :80]
    disc = (row - 25) ** 2 + (column - 25) ** 2 < 15**2
    assert temporal_stability(disc, disc | rectangle(45, 60, 10, 10)) == 0
    assert temporal_stability(disc, disc & ~rectangle(20, 20, 5, 5)) == 0


@pytest.mark.parametrize("size", [0, 1, 2])
def test_masks_without_an_outline_have_no_value(size):
    small, large = rectangle(10, 10, size, size), rectangle(10, 10, 20, 20)
    assert math.isnan(temporal_stability(small, large))
    assert math.isnan(temporal_stability(large, small))


def test_mean_leaves_out_frames_without_a_value():
    assert mean_stability([0.1, math.nan, 0.3]) == pytest.approx(SCALE * 0.2)
    assert math.isnan(mean_stability([math.nan]))
    assert math.isnan(mean_stability([]))
