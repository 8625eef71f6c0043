"""Instances of an image, from what the network says about its cells."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torchvision.ops import batched_nms

from vostool_trackers.polarmask.head import Maps
from vostool_trackers.siamese.model.backbone import constant
from vostool_trackers.siamese.model.pyramid import Grid
from vostool_trackers.siamese.polar import contour

_MORE = 0.5  # is added to the centerness, which is small away from the very middle


class Rules(Protocol):
    """What of the tracker's configuration decides which cells are instances; see there."""

    @property
    def before_nms(self) -> int: ...
    @property
    def score_above(self) -> float: ...
    @property
    def nms(self) -> float: ...
    @property
    def most(self) -> int: ...


@dataclass
class Instances:
    """The instances of an image, best first.

    Args:
        score: (K,) above 0, at most 1.5: of the class, times centerness + 0.5.
        classes: (K,) int64.
        points: (K, 2) x and y where the rays begin, pixels of the network's input.
        rays: (K, R) likewise, in the order of `siamese.polar`.
        boxes: (K, 4) left, top, right and bottom, pixels of the frame.
    """

    score: Tensor
    classes: Tensor
    points: Tensor
    rays: Tensor
    boxes: Tensor


def detect(
    maps: Maps,
    grid: Grid,
    seen: tuple[int, int],
    step: tuple[float, float],
    rules: Rules,
    *,
    per_class: bool,
) -> Instances:
    """Decode the maps of one image (PolarMask's published code, `get_bboxes_single`).

    Args:
        maps: of a batch of one.
        grid: its cells.
        seen: (H, W) of the image as the network sees it, without padding.
        step: pixels of what the network sees per pixel of the frame, across and down.
        rules: which cells are instances.
        per_class: instances of other classes do not suppress each other, as published; else a place
            is one instance, whatever it may be.
    """
    cells = _best_cells(maps, grid, rules.before_nms)
    scores = maps.score[0, cells].sigmoid()
    if not per_class:
        scores, kind = scores.max(dim=1, keepdim=True)
    where, column = (scores > rules.score_above).nonzero(as_tuple=True)
    chosen = cells[where]
    classes = column if per_class else kind[where, 0]
    score = scores[where, column] * (maps.centerness[0, chosen].sigmoid() + _MORE)
    points = grid.points[chosen]
    boxes = _boxes(points, maps.box[0, chosen].exp(), seen, step)
    # In the published code boxes are one pixel larger than their corners say.
    larger = boxes + constant((0.0, 0.0, 1.0, 1.0), boxes.device)
    groups = classes if per_class else torch.zeros_like(classes)
    kept = batched_nms(larger, score, groups, rules.nms)[: rules.most]
    rays = maps.rays[0, chosen[kept]].exp()
    return Instances(score[kept], classes[kept], points[kept], rays, boxes[kept])


def polygons(found: Instances, seen: tuple[int, int], step: tuple[float, float]) -> Tensor:
    """Return the contours of instances, cut to the image.

    Args:
        found: of an image.
        seen: as for `detect`.
        step: as for `detect`.

    Returns:
        (K, R, 2) x and y, pixels of the frame. The published code divides by the step alone and so
        is up to half a pixel off where a frame has been resized; here pixels keep their centres.
    """
    ends = contour(found.points, found.rays)
    limit = constant((seen[1] - 1.0, seen[0] - 1.0), ends.device)
    ends = torch.minimum(ends.clamp(min=0), limit)
    return (ends + 0.5) / constant(step, ends.device) - 0.5


def _best_cells(maps: Maps, grid: Grid, most: int) -> Tensor:
    """Return the numbers of the best cells of each level."""
    rank = maps.score[0].sigmoid().amax(dim=1) * maps.centerness[0].sigmoid()
    best, start = [], 0
    for level in torch.split(rank, list(grid.counts)):
        if len(level) > most:
            best.append(start + level.topk(most).indices)
        else:
            best.append(torch.arange(start, start + len(level), device=rank.device))
        start += len(level)
    return torch.cat(best)


def _boxes(
    points: Tensor, sides: Tensor, seen: tuple[int, int], step: tuple[float, float]
) -> Tensor:
    limit = constant((seen[1] - 1.0, seen[0] - 1.0), points.device)
    scale = constant(step, points.device)
    low, high = points - sides[:, :2], points + sides[:, 2:]
    corners = [torch.minimum(c.clamp(min=0), limit) / scale for c in (low, high)]
    return torch.cat(corners, dim=1)
