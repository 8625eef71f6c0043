"""Polar masks: rays from a point to an object's contour, cast exactly, and polygons filled again.

Ray k of n points along (cos t, sin t) with t = 2 pi k / n, x to the right and y down. Pixel (row i,
column j) is the square of side 1 around (j, i), so an image reaches from -0.5 to W - 0.5.
"""

import math
from typing import Literal

import torch
from torch import Tensor

CenternessTarget = Literal["extremes", "means"]  # how even an object's rays are, by what
_BEFORE = 1e-3  # pixels before a crossing, which may be a corner where four pixels meet
_PLACES = 96  # that are tried along a ray
_SHORTEST = 1e-3  # pixels of a ray; two of length 0 would have no edge that bounds their triangle


def directions(rays: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the (rays, 2) unit vectors x, y of the rays."""
    angles = torch.arange(rays, device=device, dtype=torch.float64) * (2 * math.pi / rays)
    return torch.stack((angles.cos(), angles.sin()), dim=1).to(torch.float32)


def cast_rays(masks: Tensor, points: Tensor, rays: int) -> Tensor:
    """Return how far the object reaches from each point along each ray.

    The farthest place where a ray leaves a pixel of the object, computed exactly: a ray leaves a
    pixel where it crosses a grid line, so the answer is the farthest crossing behind which lies the
    object. Where several parts lie along one ray, the farthest counts, as in PolarMask (Xie et al.,
    CVPR 2020, section 3.2).

    Args:
        masks: (B, H, W) bool.
        points: (B, P, 2) x and y.
        rays: number of rays.

    Returns:
        (B, P, rays) float32 pixels, 0 where a ray meets nothing.
    """
    ways = directions(rays, masks.device)
    points = points.to(torch.float32)
    across = _farthest(masks, points, ways)
    down = _farthest(masks.mT, points.flip(-1), ways.flip(-1))
    return torch.maximum(across, down)


def _farthest(masks: Tensor, points: Tensor, ways: Tensor) -> Tensor:
    """Return the farthest crossing of a vertical grid line with the object just before it."""
    batch, height, width = masks.shape
    x, y = points[..., 0, None, None], points[..., 1, None, None]  # (B, P, 1, 1)
    cos, sin = ways[:, 0, None], ways[:, 1, None]  # (R, 1)
    right = cos > 0
    # The pixel that the ray leaves at its first crossing, and those it leaves at the next ones.
    first = (x + 0.5).floor()
    steps = torch.arange(width, device=masks.device, dtype=torch.float32)
    column = torch.where(right, first.clamp(min=0) + steps, first.clamp(max=width - 1) - steps)
    line = torch.where(right, column + 0.5, column - 0.5)
    slope = torch.where(cos.abs() < 1e-6, torch.inf, 1 / cos)
    length = (line - x) * slope
    row = (y + (length - _BEFORE) * sin + 0.5).floor()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    index = torch.where(inside, row * width + column, 0).to(torch.int64)
    hit = masks.reshape(batch, -1).gather(1, index.reshape(batch, -1)).reshape(index.shape)
    return torch.where(hit & inside, length, 0.0).amax(dim=-1)


def contour(points: Tensor, rays: Tensor) -> Tensor:
    """Return the ends of the rays: (..., R, 2) x and y, from (..., 2) points and (..., R) rays."""
    return points[..., None, :] + rays[..., None] * directions(rays.shape[-1], rays.device)


def extent(rays: Tensor) -> Tensor:
    """Return the box around the ends of rays, relative to their point.

    Args:
        rays: (..., R).

    Returns:
        (..., 4) left, top, right, bottom; left and top are at most 0.
    """
    x, y = (rays[..., None] * directions(rays.shape[-1], rays.device)).unbind(-1)
    return torch.stack((x.amin(-1), y.amin(-1), x.amax(-1), y.amax(-1)), dim=-1)


def fill(
    points: Tensor,
    rays: Tensor,
    top_left: Tensor,
    size: tuple[int, int],
    step: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """Fill the polygons of rays in windows of a frame.

    Points and rays are in pixels of what a network sees. If that is a frame resized by another
    factor across than down, equal angles there are none in the frame. So pixels are looked up where
    they lie in what the network sees: pixel (X, Y) at x = (X + 1/2) step_x - 1/2, y likewise.

    A pixel belongs to a polygon if its centre lies within it: the polygon is star-shaped, so that
    is a question of one triangle, the one between the two rays around the pixel.

    Args:
        points: (N, 2) x and y of the rays' points.
        rays: (N, R), at least three; 0 is allowed.
        top_left: (N, 2) x and y of each window's first pixel, pixels of the frame.
        size: (H, W) of the windows.
        step: pixels of what the network sees per pixel of the frame, across and down.

    Returns:
        (N, H, W) bool.
    """
    device = rays.device
    across, down = step
    left = (top_left[:, 0] + 0.5) * across - 0.5 - points[:, 0]
    top = (top_left[:, 1] + 0.5) * down - 0.5 - points[:, 1]
    shape = (len(rays), *size)
    dx = left[:, None, None] + across * torch.arange(size[1], device=device)
    dy = top[:, None, None] + down * torch.arange(size[0], device=device)[:, None]
    return inside(dx.expand(shape), dy.expand(shape), rays)


def inside(dx: Tensor, dy: Tensor, rays: Tensor) -> Tensor:
    """Return True if places lie in the polygons of rays.

    Args:
        dx: (N, ...) x of places from the rays' points.
        dy: (N, ...) y likewise.
        rays: (N, R), at least three; 0 is allowed.

    Returns:
        (N, ...) bool.
    """
    count = rays.shape[1]
    turn = torch.atan2(dy, dx) * (count / (2 * math.pi))
    sector = turn.floor().to(torch.int64).remainder(count).flatten(1)
    ends = rays.clamp(min=_SHORTEST)[..., None] * directions(count, rays.device)
    following = ends.roll(-1, dims=1)
    # Inside where (b - a) x (q - a) is on the side of the point: a x b - q x (b - a) >= 0 .
    edge = following - ends
    area = ends[..., 0] * following[..., 1] - ends[..., 1] * following[..., 0]
    parts = [values.gather(1, sector).reshape(dx.shape) for values in (area, *edge.unbind(-1))]
    found: Tensor = parts[0] >= dx * parts[2] - dy * parts[1]
    return found


def voted(points: Tensor, rays: Tensor, weights: Tensor, centre: Tensor) -> Tensor:
    """Return one polygon of rays for several: it holds what more than half of them hold.

    Along each ray from the new centre the farthest place counts that has more than half of the
    votes; places are tried at equal distances, and between two the share is taken as linear.

    Args:
        points: (N, K, 2) where the rays of K polygons begin.
        rays: (N, K, R).
        weights: (N, K) votes of each polygon, at least 0.
        centre: (N, 2) where the new rays begin.

    Returns:
        (N, R) float32, 0 where nothing has more than half of the votes.
    """
    count, voters, number = rays.shape
    votes = weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-6)
    # The last place lies beyond, so that there is always one with half of the votes or less.
    step = 1.01 * _farthest_majority(points, rays, votes, centre) / (_PLACES - 1)  # (N,)
    length = step[:, None] * torch.arange(_PLACES, device=rays.device)  # (N, S)
    ends = length[:, None, :, None] * directions(number, rays.device)[:, None]  # (N, R, S, 2)
    offset = ends[:, None] + (centre[:, None] - points)[:, :, None, None]  # (N, K, R, S, 2)
    flat = offset.reshape(count * voters, number, _PLACES, 2)
    held = inside(flat[..., 0], flat[..., 1], rays.reshape(count * voters, number))
    held = held.reshape(count, voters, number, _PLACES)
    share = (held * votes[..., None, None]).sum(dim=1)  # (N, R, S)
    last = (share > 0.5) * torch.arange(1, _PLACES + 1, device=rays.device)
    at = last.amax(dim=-1)  # one more than the last place, 0 if there is none
    here = share.gather(2, (at - 1).clamp(min=0)[..., None])[..., 0]
    beyond = share.gather(2, at.clamp(max=_PLACES - 1)[..., None])[..., 0]
    part = ((here - 0.5) / (here - beyond).clamp(min=1e-6)).clamp(0, 1)
    found = step[:, None] * (at - 1 + part)
    return torch.where(at > 0, found, 0.0)


def _farthest_majority(points: Tensor, rays: Tensor, votes: Tensor, centre: Tensor) -> Tensor:
    """Return (N,) distances beyond which no place can have more than half of the votes."""
    away = (points - centre[:, None]).norm(dim=-1) + rays.amax(dim=-1)
    away, order = away.sort(dim=1, descending=True)
    reached = votes.gather(1, order).cumsum(dim=1) > 0.5
    first = reached.to(torch.int8).argmax(dim=1, keepdim=True)
    farthest: Tensor = away.gather(1, first)[:, 0]
    return farthest


def within_box(points: Tensor, rays: Tensor, box: Tensor) -> Tensor:
    """Return (N, R) rays cut where they leave a box.

    Args:
        points: (N, 2) x and y, in the box.
        rays: (N, R).
        box: (N, 4) left, top, right, bottom.
    """
    ways = directions(rays.shape[1], rays.device)  # (R, 2)
    room = torch.where(
        ways > 0, box[:, None, 2:] - points[:, None], box[:, None, :2] - points[:, None]
    )
    ratio = torch.where(ways.abs() < 1e-6, torch.inf, room / ways)
    return torch.minimum(rays, ratio.amin(dim=-1).clamp(min=0.0))
