"""Temporal stability T of DAVIS 2016: how much the outline of an object changes between frames.

Defined in Perazzi et al., CVPR 2016, section 4: points along the outlines of two consecutive masks
are described by their shape contexts (Belongie et al., PAMI 2002) and matched in order by dynamic
time warping; T is the mean cost of the matches, lower is steadier. Every constant and every order
of evaluation is that of the official Matlab evaluator (davisvideochallenge/davis-matlab), and the
values equal the ones it published to the last bit. T looks at the masks only, never at the truth.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vostool.metrics.dtw import cheapest_path
from vostool.metrics.outline import Points, longest_outline
from vostool.types import Mask

SPACING = 3.0  # pixels between points of an outline, at most
RADII = 2.0 ** np.arange(-3, 2)  # of the rings, in mean distances of the points
SECTORS = 12
SCALE = 5.0  # brings the mean near the range of J and F
# Sequences of DAVIS 2016 that count for no T: occlusions and fast changes, `eval_t` in db_info.yml.
NOT_COUNTED = frozenset(
    """
    bmx-bumps bmx-trees breakdance breakdance-flare dance-twirl dog dog-agility drift-chicane goat
    horsejump-high horsejump-low libby lucia mallard-fly motocross-jump motorbike paragliding
    parkour rollerblade scooter-gray soccerball swing tennis
    """.split()  # noqa: SIM905
)

_EPSILON = float(np.finfo(np.float64).eps)
_PI_REST = 1.2246467991473532e-16  # pi minus np.pi
_STEEP = 2.0**27  # beyond, atan(x) is pi/2 - 1/x, and its inverse is its own arc tangent


def temporal_stability(previous: Mask, current: Mask) -> float:
    """Return the mean cost of matching the outlines of two consecutive masks, 0 to 1.

    Args:
        previous: (H, W) bool.
        current: (H, W) bool.

    Returns:
        0 for equal masks; nan if one of them has no outline, which is no cost at all.
    """
    return next(stability_over((previous, current)))


def stability_over(masks: Iterable[Mask]) -> Iterator[float]:
    """Yield `temporal_stability` of each mask and the one before, from the second mask on.

    The official T of a sequence starts with the ground truth of the first frame, followed by the
    predictions of all frames but the first and the last.

    Args:
        masks: (H, W) bool each, one per frame.
    """
    described = (_shape_contexts(mask) for mask in masks)
    previous = next(described, None)
    for current in described:
        yield np.nan if previous is None or current is None else _distance(previous, current)
        previous = current


def mean_stability(values: Sequence[float] | Points) -> float:
    """Return T of a sequence: five times the mean of its values that are not nan.

    Args:
        values: of `stability_over`.

    Returns:
        nan if every value is.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return SCALE * float(known.mean()) if len(known) else float("nan")


def _shape_contexts(mask: Mask) -> Points | None:
    """Return a histogram (N, 60) of where the others lie, per point of the longest outline."""
    outline = longest_outline(mask)
    if outline is None:
        return None
    points = _resampled(outline)
    row, column = points.T
    down, right = row - row[:, None], column - column[:, None]
    distance = np.sqrt(down * down + right * right)
    distance /= distance.mean()
    ring = np.zeros(distance.shape, np.intp)
    for radius in RADII:
        ring += distance < radius
    point, _ = inside = np.nonzero(ring)
    bins = SECTORS * (ring[inside] - 1) + _sector(right[inside], down[inside])
    count = SECTORS * len(RADII)
    flat = np.bincount(point * count + bins, minlength=len(points) * count)
    histograms = flat.reshape(len(points), count).astype(np.float64)
    histograms /= histograms.sum(axis=1, keepdims=True) + _EPSILON
    return histograms


def _resampled(outline: Points) -> Points:
    """Divide the sides of a polygon that are longer than `SPACING`."""
    parts = []
    for start, side in zip(outline, np.diff(outline, axis=0), strict=False):
        count = max(int(np.ceil(np.sqrt(side @ side) / SPACING)), 1)
        # Added up step by step: the last bits decide in which sector a point lies.
        steps = np.repeat((side / count)[None], count, axis=0)
        steps[0] = start
        parts.append(np.add.accumulate(steps))
    return np.concatenate([*parts, outline[-1:]])


def _sector(y: Points, x: Points) -> NDArray[np.intp]:
    """Return in which twelfth of the circle a direction lies, 0 to 11.

    Many directions lie along an axis, where the last bit decides. So angles are those of the C
    library fdlibm, and an angle within rounding error of the full circle is 0, as in Matlab.
    """
    angle = _angle(y, x) + 2 * np.pi
    turns = angle / (2 * np.pi)
    angle = np.fmod(angle, 2 * np.pi)
    angle[np.abs(turns - 1) <= _EPSILON * turns] = 0
    return np.floor(angle / (2 * np.pi / SECTORS)).astype(np.intp)


def _angle(y: Points, x: Points) -> Points:
    """Return atan2(y, x), along the axes rounded as fdlibm rounds it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(y / x)
        acute = np.arctan(ratio)
        # Both to the last bit, which `arctan` does not promise.
        acute = np.where(ratio > _STEEP, np.pi / 2 - (1 / ratio - _PI_REST / 2), acute)
        acute = np.where(ratio < 1 / _STEEP, ratio, acute)
    rest = acute - _PI_REST
    angle = np.where(
        x < 0, np.where(y < 0, rest - np.pi, np.pi - rest), np.where(y < 0, -acute, acute)
    )
    angle[y == 0] = np.where(x[y == 0] < 0, np.pi, 0.0)
    return angle


def _distance(first: Points, second: Points) -> float:
    """Return the mean cost of the best matches of two outlines.

    The first path starts wherever the outlines start. The pair it matches best becomes the end of
    both outlines, and the second path gives the matches, of which each point keeps its best.
    """
    costs = _costs(first, second)
    rows, columns = costs.shape
    path = cheapest_path(costs)
    row, column = min(path[:-1], key=costs.__getitem__)
    turned = np.roll(costs, (-row - 1, -column - 1), (0, 1))
    pairs = [((r + row + 1) % rows, (c + column + 1) % columns) for r, c in cheapest_path(turned)]
    for side in (0, 1):
        best: dict[int, tuple[int, int]] = {}
        for pair in pairs:
            kept = best.setdefault(pair[side], pair)
            if costs[pair] < costs[kept]:
                best[pair[side]] = pair
        pairs = [best[point] for point in sorted(best)]
    return float(sum(costs[pair] for pair in pairs)) / len(pairs)


def _costs(first: Points, second: Points) -> Points:
    """Return half the chi-squared distance (M, N) of all histograms, added up bin by bin."""
    costs = np.zeros((len(first), len(second)))
    for ours, theirs in zip(first.T[:, :, None], second.T[:, None], strict=True):
        difference = ours - theirs
        difference *= difference
        difference /= ours + theirs + _EPSILON
        costs += difference
    costs *= 0.5
    return costs
