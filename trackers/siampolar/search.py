"""Following boxes with crops: all objects of a frame in one pass of the network."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vostool.tracking.base import Runtime
from vostool.types import Prompt
from vostool_trackers.siamese.inference.crops import (
    RESPONSE,
    SEARCH,
    TEMPLATE,
    cell_centres,
    context_side,
    cut,
)
from vostool_trackers.siamese.inference.drawing import draw_polygons
from vostool_trackers.siamese.inference.folding import number_type
from vostool_trackers.siamese.inference.following import Following, Tracked, stage
from vostool_trackers.siamese.inference.likelihood import Colors, bins_of, colors_of
from vostool_trackers.siamese.inference.ranking import change_penalty, cosine_window
from vostool_trackers.siamese.model.backbone import constant, normalised
from vostool_trackers.siamese.polar import extent, fill, within_box
from vostool_trackers.siampolar.network import Maps, SiamPolarCar
from vostool_trackers.siampolar.planes import guide_of
from vostool_trackers.siampolar.refinement import Look
from vostool_trackers.siampolar.settings import Config
from vostool_trackers.siampolar.voting import agreed

_MIDDLE = (SEARCH - 1) / 2
_SMALLEST = 8.0  # pixels of a side
_MOST_REACH = 1.6  # that a contour may fall short of the object


@dataclass
class Objects(Tracked):
    """What is known of N objects.

    Args:
        centres: (N, 2) x and y of the next search crop, pixels of the frame.
        sizes: (N, 2) width and height.
        kernels: of the correlation, (N, C, 8, 8) per stage.
        points: (N, 2) where the rays begin, pixels of the frame.
        rays: (N, R) pixels of the frame.
        reach: (N, 2) how much wider and higher the object was on its first frame than its contour.
        first: colors on their first frame, None if the network is not guided.
        recent: colors of late.
    """

    centres: Tensor
    sizes: Tensor
    kernels: list[Tensor]
    points: Tensor
    rays: Tensor
    reach: Tensor
    first: Colors | None
    recent: Colors | None

    @property
    def scale(self) -> Tensor:
        """(N,) pixels of the frame per pixel of a crop."""
        return context_side(self.sizes) / TEMPLATE


class Search(Following[Objects]):
    """The state of all objects of a sequence, on the device.

    Args:
        network: in evaluation mode, on the device, of the runtime's precision (`folding.ready`).
        config: how its maps are ranked.
        runtime: device and precision.
    """

    def __init__(self, network: SiamPolarCar, config: Config, runtime: Runtime) -> None:
        super().__init__(runtime.device)
        self._config, self._type = config, number_type(runtime)
        self.network = network
        self._window = cosine_window(RESPONSE, self.device)
        self._cells = cell_centres(self.device).reshape(-1, 2)

    def begin(self, image: Tensor, prompts: tuple[Prompt, ...]) -> Objects:
        boxes = torch.tensor([tuple(p.box) for p in prompts], device=self.device)
        sizes = boxes[:, 2:].clamp(min=1.0)
        centres = boxes[:, :2] + (sizes - 1) / 2
        scale = context_side(sizes) / TEMPLATE
        template = cut(image, centres, scale * TEMPLATE, TEMPLATE)
        ids = [p.object_id for p in prompts]
        rays = torch.zeros(len(ids), self._config.contour_rays, device=self.device)
        new = Objects(ids, centres, sizes, [], centres, rays, torch.ones_like(sizes), None, None)
        if self._config.guided:
            return self._begin_guided(image, template, new)
        return replace(new, kernels=self.network.kernels(self._prepared(template)))

    def _begin_guided(self, image: Tensor, template: Tensor, new: Objects) -> Objects:
        """Find the contour in the box first; it, and the colors in it, go into the template."""
        scale = new.scale
        half = new.sizes / (2 * scale[:, None])
        crops = cut(image, new.centres, scale * SEARCH, SEARCH)
        bins, around = bins_of(template), bins_of(crops)
        inside, inside_around = _box(half, TEMPLATE), _box(half, SEARCH)
        search, box = self._prepared(crops), torch.cat((-half, half), dim=1)
        for number in range(self._config.looks + 1):
            first = colors_of(bins, inside)
            recent = colors_of(around, inside_around)
            guide = self._guide(inside, first.likelihood(bins))
            kernels = self.network.kernels(self._prepared(template), guide)
            if number == self._config.looks:
                break
            guide = self._guide(inside_around, first.mixed(recent, 0.5).likelihood(around))
            maps = self.network.search(kernels, search, guide)
            cell, _, rays = self._best(maps, new)
            points = (self._cells[cell] - _MIDDLE).clamp(-half, half)
            rays = within_box(points, rays, box)
            rays = self._refined(maps, search, guide, points, rays, start=True)
            rays = within_box(points, rays, box)
            inside = self._polygon(points, rays, TEMPLATE)
            inside_around = self._polygon(points, rays, SEARCH)
        return replace(
            new,
            kernels=kernels,
            points=new.centres + points * scale[:, None],
            rays=rays * scale[:, None],
            reach=(2 * half / _size(rays).clamp(min=1.0)).clamp(1.0, _MOST_REACH),
            first=first,
            recent=recent,
        )

    def follow(self, image: Tensor, objects: Objects) -> tuple[Objects, Tensor]:
        found, scores = self._found(image, objects)
        with stage("drawing"):
            size = (image.shape[1], image.shape[2])
            return found, draw_polygons(found.points, found.rays, scores, found.ids, size)

    def _found(self, image: Tensor, old: Objects) -> tuple[Objects, Tensor]:
        """Find every object again; returns what is known now and the scores (N,), 0 if lost."""
        scale = old.scale
        with stage("crops"):
            crops = cut(image, old.centres, scale * SEARCH, SEARCH)
            search, bins, guide = self._prepared(crops), None, None
        if old.first is not None and old.recent is not None:
            with stage("guide"):
                bins = bins_of(crops)
                offset = (old.points - old.centres) / scale[:, None]
                mask = self._polygon(offset, old.rays / scale[:, None], SEARCH)
                colors = old.first.mixed(old.recent, 0.5)
                guide = self._guide(mask, colors.likelihood(bins))
        with stage("network"):
            maps = self.network.search(old.kernels, search, guide)
        with stage("choice"):
            cell, score, rays = self._best(maps, old)
            score = torch.where(score >= self._config.lost_below, score, 0.0)
            offset = self._cells[cell] - _MIDDLE
        with stage("network"):
            rays = self._refined(maps, search, guide, offset, rays)
        with stage("choice"):
            new = self._updated(old, offset, rays, score, image)
        if bins is not None and old.recent is not None:
            with stage("guide"):
                now = colors_of(bins, self._polygon(offset, rays, SEARCH))
                new.recent = old.recent.mixed(now, self._config.memory_rate * score)
        return new, score

    def _updated(
        self, old: Objects, offset: Tensor, rays: Tensor, score: Tensor, image: Tensor
    ) -> Objects:
        """Return the objects with new contours, given in crops, where they have a score."""
        scale = old.scale[:, None]
        points, rays = old.centres + offset * scale, rays * scale
        centres, sizes = self._moved(old, points, rays, score, image)
        seen = score[:, None] > 0
        return replace(
            old,
            centres=torch.where(seen, centres, old.centres),
            sizes=torch.where(seen, sizes, old.sizes),
            points=torch.where(seen, points, old.points),
            rays=torch.where(seen, rays, old.rays),
        )

    def _moved(
        self, old: Objects, points: Tensor, rays: Tensor, score: Tensor, image: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the next centres, those of the contours, and the sizes, which follow slowly."""
        size = (_size(rays) * old.reach).clamp(min=_SMALLEST)
        change = change_penalty(size, old.sizes, self._config.penalty)
        rate = (self._config.smoothing * score * change)[:, None]
        limit = constant(tuple(image.shape[:0:-1]), self.device)
        box = extent(rays)
        middle = points + (box[:, 2:] + box[:, :2]) / 2
        centres = torch.minimum(middle.clamp(min=0), limit - 1)
        return centres, torch.minimum(torch.lerp(old.sizes, size, rate), limit)

    def _best(self, maps: Maps, objects: Objects) -> tuple[Tensor, Tensor, Tensor]:
        """Return each object's best cell, as a number in the flattened map, its score and rays."""
        config = self._config
        score = maps.score.sigmoid()
        if config.centerness:
            score = (score * maps.centerness.sigmoid()).sqrt()
        reach = objects.reach[:, None, None]
        size = (_size(maps.rays.permute(0, 2, 3, 1)) * reach).clamp(min=1.0)
        previous = (objects.sizes / objects.scale[:, None])[:, None, None]
        likely = change_penalty(size, previous, config.penalty) * score
        ranked = (1 - config.window) * likely + config.window * self._window
        cell = ranked.flatten(1).argmax(dim=1)
        rays = agreed(maps.rays.flatten(2), likely.flatten(1), cell, config.votes)
        return cell, score.flatten(1).gather(1, cell[:, None])[:, 0], rays

    def _refined(
        self,
        maps: Maps,
        search: Tensor,
        guide: Tensor | None,
        offset: Tensor,
        rays: Tensor,
        *,
        start: bool = False,
    ) -> Tensor:
        """Look at contours a second time, if the network does.

        Args:
            maps: of the first look.
            search: crops as the network saw them.
            guide: likewise.
            offset: (N, 2) where the rays begin, from the middle of the crop.
            rays: (N, R) pixels of the crop.
            start: it is the first frame, and the guide holds its box.
        """
        if self.network.refinement is None:
            return rays
        assert guide is not None
        assert maps.dense is not None
        first = torch.full((len(rays),), start, device=rays.device)
        look = Look(search, guide, maps.dense, offset + _MIDDLE, rays, first)
        return self.network.refinement.refined(look)

    def _prepared(self, crops: Tensor) -> Tensor:
        """Return crops of 0 to 255 as the network wants them."""
        return self._laid_out(normalised(crops))

    def _guide(self, mask: Tensor, likelihood: Tensor) -> Tensor:
        return self._laid_out(guide_of(mask, likelihood))

    def _laid_out(self, images: Tensor) -> Tensor:
        return images.to(self._type).contiguous(memory_format=torch.channels_last)

    def _polygon(self, offset: Tensor, rays: Tensor, side: int) -> Tensor:
        """Fill (N, side, side) crops with polygons; the offset is from the middle of the crop."""
        middle = (side - 1) / 2
        return fill(offset + middle, rays, torch.zeros_like(offset), (side, side))


def _size(rays: Tensor) -> Tensor:
    """Return the (..., 2) width and height of (..., R) rays."""
    box = extent(rays)
    return box[..., 2:] - box[..., :2]


def _box(half: Tensor, side: int) -> Tensor:
    """Return (N, side, side) bool crops with the boxes of (N, 2) half sizes in their middle."""
    line = (torch.arange(side, device=half.device) - (side - 1) / 2).abs()
    inside = line <= half[..., None]  # (N, 2, side)
    return inside[:, 1, :, None] & inside[:, 0, None, :]
