"""Drawing of one object of the synthetic dataset: a shape that wears a texture and takes a pose.

Coverage comes from polygons filled on a grid of 4 x 4 sub-pixels, in integers, so that the image
and the label map agree by construction: a pixel is the object's where at least half is covered.
Both are of mid-exposure; then the image alone is smeared by the motion while the shutter is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vostool.datasets.synthetic.compositing import Patch
from vostool.datasets.synthetic.shapes import Limb, Points, Shape
from vostool.datasets.synthetic.textures import Field, Image

EXTENT = 1.25  # a texture spans -EXTENT to EXTENT in the object's coordinates
_SUB = 4  # sub-pixels along a pixel's side
_SHIFT = 6  # binary digits behind the point in the polygons' fixed-point coordinates


@dataclass(frozen=True, slots=True)
class Pose:
    """Where and how an object stands.

    Args:
        x, y: centre, pixels; pixel (0, 0) covers 0 to 1.
        scale: pixels per unit of the object's coordinates (about its radius).
        angle: turn from x towards y, radians.
        gait: phase of the limbs' swing, radians.
        bend: amplitude of the wave that runs through the object, in its own units; 0 is rigid.
        wave: phase of that wave, radians.
    """

    x: float
    y: float
    scale: float
    angle: float = 0.0
    gait: float = 0.0
    bend: float = 0.0
    wave: float = 0.0


@dataclass(frozen=True, slots=True)
class Sprite:
    """A shape and the textures it wears, each as a pyramid from fine to coarse."""

    shape: Shape
    skins: tuple[tuple[Image, ...], ...]

    @property
    def sole(self) -> float:
        """How far below its centre its lowest point is, in its own units."""
        return max(float(c[:, 1].max()) for limb in self.shape for c in limb.contours)


def make_sprite(shape: Shape, skins: Sequence[Image]) -> Sprite:
    """Fit the shape into the unit circle, round its first skin off and build texture pyramids."""
    reach = max(float(np.hypot(c[:, 0], c[:, 1]).max()) for limb in shape for c in limb.contours)
    fitted = tuple(
        Limb(
            tuple(contour / reach for contour in limb.contours),
            (limb.pivot[0] / reach, limb.pivot[1] / reach),
            limb.swing,
            limb.phase,
            limb.tone,
            limb.skin,
        )
        for limb in shape
    )
    dressed = (_relief(fitted, skins[0]), *skins[1:])
    return Sprite(fitted, tuple(_pyramid(skin) for skin in dressed))


def draw(
    sprite: Sprite, pose: Pose, frame: tuple[int, int], smear: tuple[float, float] = (0.0, 0.0)
) -> Patch | None:
    """Draw the object.

    Args:
        frame: (H, W) of the frame; nothing is drawn farther outside than the smear needs.
        smear: motion of the object while the shutter is open, (x, y) pixels.

    Returns:
        The patch, or None where the object is out of view.
    """
    outlines = [[_place(c, limb, pose) for c in limb.contours] for limb in sprite.shape]
    window = _window([points for limb in outlines for points in limb], frame, smear)
    if window is None:
        return None
    left, top, width, height = window
    color = np.zeros((height, width, 3), np.float32)
    alpha = np.zeros((height, width), np.float32)
    for limb, contours in zip(sprite.shape, outlines, strict=True):
        coverage = _coverage(contours, window)
        if not coverage.any():
            continue
        texture = _texture(sprite.skins[min(limb.skin, len(sprite.skins) - 1)], limb, pose, window)
        texture *= np.float32(limb.tone)
        color += coverage[..., None] * (texture - color)
        alpha += coverage * (1 - alpha)
    color *= _daylight(pose, window)
    mask = alpha >= 0.5
    if max(abs(smear[0]), abs(smear[1])) >= 1:
        color, alpha = _smear(color, smear), _smear(alpha, smear)
    return Patch(left, top, color, alpha, mask)


def _place(points: Points, limb: Limb, pose: Pose) -> Points:
    """Return the contour in pixels: joint, then wave, then turn, scale and shift."""
    matrix = _joint(limb, pose)
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    if pose.bend:
        x, y = moved[:, 0], moved[:, 1]
        x = x + 0.5 * pose.bend * np.sin(3.1 * y + 1.3 * pose.wave)
        moved = np.stack([x, y + _wave(x, pose)], axis=1)
    body = _body(pose)
    return moved @ body[:, :2].T + body[:, 2]


def _texture(skin: tuple[Image, ...], limb: Limb, pose: Pose, window: tuple[int, ...]) -> Image:
    """Return the skin as it lies on the posed limb, (h, w, 3): the inverse of `_place`."""
    left, top, width, height = window
    level = skin[0]
    for level in skin:  # the finest one that is not much finer than the screen
        if level.shape[0] < 2.6 * EXTENT * pose.scale:
            break
    texels = level.shape[0] / (2 * EXTENT)
    to_texture = np.array([[texels, 0, EXTENT * texels - 0.5], [0, texels, EXTENT * texels - 0.5]])
    from_screen = np.array([[1.0, 0, left + 0.5], [0, 1, top + 0.5]])
    unpose = _invert(_body(pose))
    unjoint = _chain(to_texture, _invert(_joint(limb, pose)))
    flags = cv2.INTER_LINEAR
    if not pose.bend:
        matrix = _chain(unjoint, _chain(unpose, from_screen))
        flat: Any = cv2.warpAffine(
            level,
            matrix,
            (width, height),
            flags=flags | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(flat)
    grid = np.mgrid[0:height, 0:width].reshape(2, -1)[::-1].T.astype(np.float64)
    matrix = _chain(unpose, from_screen)
    bent = grid @ matrix[:, :2].T + matrix[:, 2]
    y = bent[:, 1] - _wave(bent[:, 0], pose)
    x = bent[:, 0] - 0.5 * pose.bend * np.sin(3.1 * y + 1.3 * pose.wave)
    at = np.stack([x, y], axis=1) @ unjoint[:, :2].T + unjoint[:, 2]
    maps = at.astype(np.float32).T.reshape(2, height, width)
    warped: Any = cv2.remap(level, maps[0], maps[1], flags, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(warped)


def _wave(x: NDArray[np.float64], pose: Pose) -> NDArray[np.float64]:
    """Return the sideways shift at `x`: a running wave that grows towards the tail (x = -1)."""
    shift: NDArray[np.float64] = pose.bend * (0.55 - 0.45 * x) * np.sin(2.6 * x + pose.wave)
    return shift


def _coverage(contours: Sequence[Points], window: tuple[int, ...]) -> Field:
    """Return the covered part of each pixel, (h, w) float32 in sixteenths."""
    left, top, width, height = window
    fine = np.zeros((height * _SUB, width * _SUB), np.uint8)
    fixed = [
        np.rint(((points - (left, top)) * _SUB - 0.5) * (1 << _SHIFT)).astype(np.int32)
        for points in contours
    ]
    cv2.fillPoly(fine, fixed, 255, lineType=cv2.LINE_8, shift=_SHIFT)
    coarse: Any = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(coarse).astype(np.float32) / np.float32(255)


def _window(
    outlines: Sequence[Points], frame: tuple[int, int], smear: tuple[float, float]
) -> tuple[int, int, int, int] | None:
    """Return left, top, width, height of the pixels to draw, or None out of view."""
    points = np.concatenate(outlines)
    reach = np.ceil(np.abs(smear) / 2) + 2
    low = np.floor(points.min(axis=0)) - reach
    high = np.ceil(points.max(axis=0)) + reach
    low = np.maximum(low, -2 * reach)
    high = np.minimum(high, (frame[1], frame[0]) + 2 * reach)
    if (high <= low).any():
        return None
    (left, top), (width, height) = low.astype(int), (high - low).astype(int)
    return int(left), int(top), int(width), int(height)


def _smear(values: Any, smear: tuple[float, float]) -> Any:
    """Average the values over the shutter's time, centred on its middle."""
    count = int(np.ceil(np.hypot(*smear))) + 1
    total = np.zeros_like(values)
    height, width = values.shape[:2]
    for part in np.linspace(-0.5, 0.5, count):
        dx, dy = round(part * smear[0]), round(part * smear[1])
        if abs(dx) >= width or abs(dy) >= height:
            continue
        to = np.s_[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
        at = np.s_[max(0, -dy) : height + min(0, -dy), max(0, -dx) : width + min(0, -dx)]
        total[to] += values[at]
    total /= np.float32(count)
    return total


def _daylight(pose: Pose, window: tuple[int, ...]) -> Field:
    """Return (h, 1, 1) gains: the upper side of everything is lighter than the lower."""
    _, top, _, height = window
    down = (np.arange(top, top + height) + 0.5 - pose.y) / pose.scale
    return np.asarray(1 - 0.2 * np.clip(down, -1, 1), np.float32)[:, None, None]


def _relief(shape: Shape, skin: Image) -> Image:
    """Return the skin darkened towards the outline of each limb that wears it, as if rounded."""
    side = skin.shape[0]
    inside = np.zeros((side, side), np.uint8)
    for limb in shape:
        if limb.skin == 0:
            scaled = [(contour + EXTENT) * side / (2 * EXTENT) for contour in limb.contours]
            alone = np.zeros_like(inside)
            cv2.fillPoly(alone, [np.rint(points).astype(np.int32) for points in scaled], 1)
            inside |= alone
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5) / max(1.0, 0.16 * side)
    rounding = np.asarray(0.62 + 0.42 * np.sqrt(np.clip(depth, 0, 1)), np.float32)
    return np.asarray(skin * rounding[..., None])


def _pyramid(texture: Image) -> tuple[Image, ...]:
    levels = [np.ascontiguousarray(texture)]
    while levels[-1].shape[0] >= 32:
        half = levels[-1].shape[0] // 2
        smaller: Any = cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(smaller))
    return tuple(levels)


def _joint(limb: Limb, pose: Pose) -> NDArray[np.float64]:
    angle = limb.swing * np.sin(pose.gait + limb.phase)
    c, s = np.cos(angle), np.sin(angle)
    x, y = limb.pivot
    return np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])


def _body(pose: Pose) -> NDArray[np.float64]:
    c, s = pose.scale * np.cos(pose.angle), pose.scale * np.sin(pose.angle)
    return np.array([[c, -s, pose.x], [s, c, pose.y]])


def _chain(after: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = after[:, :2] @ before
    product[:, 2] += after[:, 2]
    return product


def _invert(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    inverse = np.linalg.inv(matrix[:, :2])
    return np.concatenate([inverse, -inverse @ matrix[:, 2:]], axis=1)
