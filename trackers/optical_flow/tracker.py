"""Carry masks with dense optical flow and repair them with color, place and motion."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np

from vostool.tracking.base import Runtime, Tracker, prompt_probability
from vostool.types import Frame, Labels, Probability, Prompt
from vostool_trackers.optical_flow.color import (
    COLORS,
    Index,
    Palette,
    histograms,
    log_ratio,
    motion_ratio,
    smooth,
)
from vostool_trackers.optical_flow.flow import DenseFlow, Gray, Motion, Plane, residual_motion
from vostool_trackers.optical_flow.guided import apply_guide, guided_coefficients
from vostool_trackers.optical_flow.memory import Memory, Region, object_cells


@dataclass(frozen=True)
class Config:
    """Settings of `OpticalFlow`; lengths are in pixels of the work resolution.

    The `w_*` are the weights of the cues in the log odds of a pixel: the warped mask, its
    neighbourhood just seen, the object's colors (first frame, recent), its colors by place
    (first frame, recent), its motion, and the distance to the warped mask. The README says what
    the others do.
    """

    work_width: int = 432
    preset: str = "medium"
    check_preset: str = "fast"
    w_warp: float = 0.6
    w_near: float = 0.4
    w_first_color: float = 0.6
    w_recent_color: float = 0.25
    w_first_place: float = 0.4
    w_recent_place: float = 0.1
    w_motion: float = 0.5
    w_distance: float = 0.1
    bias: float = -0.8
    flow_sigma: float = 1.5
    sure_blur: float = 1.5
    unsure_blur: float = 6.0
    tile: int = 16
    slack: float = 2.0
    farthest: float = 40.0
    decay: float = 0.9
    pseudo_count: float = 2.0
    limit: float = 3.0
    margin: float = 0.35
    guide_radius: int = 4
    guide_eps: float = 5e-4
    least_support: float = 0.1
    find_score: float = 1.0
    find_motion: float = 0.5
    lost_share: float = 0.3


class View(NamedTuple):
    """One frame at the work resolution: gray, Lab in [0, 1] and color numbers."""

    gray: Gray
    lab: Plane
    color: Index


class Track:
    """State of one object: its probability map, its memory and its usual area in pixels."""

    def __init__(self, probability: Probability, memory: Memory) -> None:
        self.probability = probability
        self.memory = memory
        self.area = float(probability.sum())


class OpticalFlow(Tracker):
    """Mask propagation by DIS flow with cues that vote against drift; see the README."""

    summary = "first mask carried by DIS flow, repaired with color, place and motion"
    Config = Config

    def __init__(self, config: Any = None, runtime: Runtime | None = None) -> None:
        super().__init__(config, runtime)
        c = self.config
        self._flow = DenseFlow(c.preset, c.check_preset, c.flow_sigma)
        self.reset()

    def reset(self) -> None:
        self._tracks: dict[int, Track] = {}
        self._palette: Palette | None = None
        self._previous: View | None = None

    def step(self, frame: Frame, prompts: Iterable[Prompt] = ()) -> Labels:
        view = self._view(frame)
        if self._tracks and self._previous is not None:
            motion = self._flow.between(self._previous.gray, view.gray)
            self._advance(view, motion)
        starts = {
            prompt.object_id: prompt_probability(prompt, frame.shape[:2]) for prompt in prompts
        }
        for object_id, mask in starts.items():
            self._start(object_id, mask, view)
        self._compete(set(starts))
        for track in self._tracks.values():
            self._learn(track, view)
        self._previous = view
        return self._labels(frame.shape[:2], starts)

    def _view(self, frame: Frame) -> View:
        height, width = frame.shape[:2]
        scale = min(1.0, self.config.work_width / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.uint8)
        if self._palette is None:
            self._palette = Palette(lab)
        gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        return View(gray, np.multiply(lab, 1 / 255, dtype=np.float32), self._palette.index(lab))

    def _start(self, object_id: int, mask: Probability, view: View) -> None:
        c = self.config
        size = view.gray.shape[1], view.gray.shape[0]
        small = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32)
        self._tracks[object_id] = Track(small, Memory(c.decay, c.pseudo_count, c.limit))

    def _compete(self, started: set[int]) -> None:
        """Let no two objects hold a pixel: the probabilities of any two sum to at most one."""
        maps = {object_id: track.probability for object_id, track in self._tracks.items()}
        for object_id, own in maps.items():
            for other_id, other in maps.items():
                if other_id == object_id or object_id in started:
                    continue
                stronger = (other > own) | (other_id in started)
                own = np.where(stronger, np.minimum(own, 1 - other), own)
            self._tracks[object_id].probability = own

    def _learn(self, track: Track, view: View) -> None:
        area = np.count_nonzero(track.probability > 0.5)
        # Of a lost object only remains are held; learning from them would spoil the memory.
        if track.memory.empty or area > self.config.lost_share * track.area:
            if area > 0.5 * track.area:
                track.area += 0.1 * (area - track.area)
            region = region_around(track.probability, self.config.margin)
            track.memory.learn(track.probability, region, view.color)

    def _labels(self, size: tuple[int, int], starts: dict[int, Probability]) -> Labels:
        labels = np.zeros(size, np.uint8)
        for object_id, track in self._tracks.items():
            mask = starts.get(object_id)
            if mask is None:
                mask = np.asarray(cv2.resize(track.probability, (size[1], size[0])), np.float32)
            labels[mask > 0.5] = object_id
        return labels

    def _advance(self, view: View, motion: Motion) -> None:
        assert self._previous is not None
        before = motion.warp(self._previous.color.astype(np.float32), cv2.INTER_NEAREST)
        for track in self._tracks.values():
            warped = motion.warp(track.probability)
            held = np.count_nonzero(warped > 0.5)
            if held:
                track.probability = self._repair(track, warped, view, motion, before)
            if held <= self.config.lost_share * track.area:
                found = self._find(track, view, motion)
                if found is not None:
                    track.probability = found
                elif not held:
                    track.probability = np.zeros_like(warped)

    def _repair(
        self, track: Track, warped: Plane, view: View, motion: Motion, before: Plane
    ) -> Probability:
        c = self.config
        region = region_around(warped, c.margin)
        mask, sure, color = warped[region], motion.confidence[region], view.color[region]
        blurred = sure * _blur(mask, c.sure_blur) + (1 - sure) * _blur(mask, c.unsure_blur)
        place, memory = object_cells(warped, region), track.memory
        odds = c.w_warp * _logit(blurred) + c.bias
        odds += c.w_near * self._near(mask, sure, before[region].astype(np.int32), color)
        odds += (c.w_first_color * memory.first.by_color)[color]
        odds += (c.w_recent_color * memory.recent.by_color)[color]
        by_place = c.w_first_place * memory.first.by_place
        by_place += c.w_recent_place * memory.recent.by_place
        odds += by_place[place, color]
        residual = residual_motion(motion.backward[region], (1 - mask) ** 2 * sure)
        odds += c.w_motion * motion_ratio(residual, mask, c.pseudo_count, c.limit)
        away = cv2.distanceTransform((mask < 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        odds -= c.w_distance * np.clip(away - c.slack, 0, c.farthest)
        raw = 1 / (1 + np.exp(-odds))
        guide = view.lab[region]
        fit = guided_coefficients(guide, raw, c.guide_radius, c.guide_eps)
        probability = np.zeros_like(warped)
        probability[region] = drop_unsupported(apply_guide(fit, guide), mask, c.least_support)
        return probability

    def _near(self, mask: Plane, sure: Plane, before: Index, color: Index) -> Plane:
        """Score colors by what the flow brought to the same tile from the previous frame."""
        c = self.config
        height, width = mask.shape
        shape = -(-height // c.tile), -(-width // c.tile)
        rows, columns = np.arange(height) // c.tile, np.arange(width) // c.tile
        place = (rows[:, None] * shape[1] + columns[None, :]).astype(np.int32)
        counts = smooth(histograms(place, shape, before, [mask * sure, (1 - mask) * sure]))
        scores = log_ratio(counts, c.pseudo_count, c.limit).reshape(-1, COLORS)
        return np.asarray(scores[place, color], np.float32)

    def _find(self, track: Track, view: View, motion: Motion) -> Probability | None:
        """Look for a lost object: a moving patch of its first colors and about its usual size.

        Returns:
            (H, W) float32 map, or None where nothing is like it.
        """
        c = self.config
        if track.area < 1:  # an empty prompt describes nothing to look for
            return None
        score = track.memory.first.by_color[view.color]
        residual = residual_motion(motion.backward, motion.confidence)
        speed = np.sqrt((residual**2).sum(-1))
        score = score + c.find_motion * (np.minimum(speed, 4.0) - 1.0)
        area = max(track.area, 16.0)
        radius = max(1, int(0.3 * np.sqrt(area)))
        _, best, _, (x, y) = cv2.minMaxLoc(_mean(score, radius))
        if best < c.find_score:
            return None
        patches = (_mean(score, 1 + radius // 3) > 0).astype(np.uint8)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(patches, connectivity=4)
        part = parts[y, x]
        if part == 0 or not 0.25 * area < stats[part, cv2.CC_STAT_AREA] < 4 * area:
            return None
        return _blur((parts == part).astype(np.float32), 1.0)


def region_around(probability: Plane, margin: float) -> Region:
    """Return the box of an object, grown by 16 pixels and `margin` times its longer side."""
    rows = np.flatnonzero((probability > 0.3).any(1))
    columns = np.flatnonzero((probability > 0.3).any(0))
    if not len(rows):
        return slice(0, probability.shape[0]), slice(0, probability.shape[1])
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    border = int(16 + margin * max(bottom - top, right - left))
    return (
        slice(max(0, top - border), min(probability.shape[0], bottom + border)),
        slice(max(0, left - border), min(probability.shape[1], right + border)),
    )


def drop_unsupported(probability: Plane, warped: Plane, least: float) -> Plane:
    """Weaken components that the warped mask hardly supports.

    Args:
        probability: (H, W) float32.
        warped: (H, W) float32, the mask carried by flow.
        least: share of a component that the warped mask must cover.
    """
    solid = (probability > 0.5).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    if count <= 2:
        return probability
    support = np.bincount(parts.ravel(), warped.ravel(), count)
    support[0] = 0
    weak = (support < least * stats[:, cv2.CC_STAT_AREA]) | (support < 0.03 * support.max())
    weak[0] = False
    return np.where(weak[parts], 0.3 * probability, probability).astype(np.float32)


def _logit(probability: Plane) -> Plane:
    clipped = np.clip(probability, 0.02, 0.98)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float32)


def _blur(image: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _mean(image: Plane, radius: int) -> Plane:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
