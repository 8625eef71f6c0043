"""Backgrounds of the synthetic dataset: textured layers that a panning camera sees in parallax."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vostool.datasets.synthetic.compositing import blend, shade_beside
from vostool.datasets.synthetic.shapes import pebble
from vostool.datasets.synthetic.sprites import Pose, draw, make_sprite
from vostool.datasets.synthetic.textures import (
    GROUNDS,
    SKY,
    Field,
    Image,
    Palette,
    coat,
    colorize,
    fractal,
    surface,
)

Camera = Callable[[float], tuple[float, float]]  # time 0 to 1 -> x, y in pixels at parallax 1


@dataclass(frozen=True, slots=True)
class Layer:
    """One sheet of scenery, larger than the frame by `margin` pixels on every side.

    Args:
        image: (h, w, 3) or, where the sheets behind show through, (h, w, 4) uint8; alpha last.
        parallax: how far it moves when the camera moves by one.
        drift: how far it moves by itself from the first frame to the last, pixels.
        top: the first row that is not fully transparent.
    """

    image: NDArray[np.uint8]
    parallax: float = 1.0
    drift: tuple[float, float] = (0.0, 0.0)
    top: int = 0


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Sheets of scenery from far to near, and the camera."""

    layers: tuple[Layer, ...]
    margin: int
    camera: Camera

    def view(self, time: float, size: tuple[int, int]) -> Image:
        """Return what an empty scene looks like at `time`, (H, W, 3) float32."""
        image = np.zeros((*size, 3), np.float32)
        x, y = self.camera(time)
        for layer in self.layers:
            right = self.margin + layer.parallax * x - layer.drift[0] * time
            down = self.margin + layer.parallax * y - layer.drift[1] * time
            skip = min(max(0, int(layer.top - down) - 2), size[0] - 1)
            seen = _shifted(layer.image, right, down + skip, (size[0] - skip, size[1]))
            if seen.shape[2] == 3:
                image = seen
            else:
                below = image[skip:]
                below += (seen[..., 3:] / np.float32(255)) * (seen[..., :3] - below)
        return image


def _shifted(image: NDArray[np.uint8], x: float, y: float, size: tuple[int, int]) -> Image:
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    seen: Any = cv2.warpAffine(
        image,
        matrix,
        (size[1], size[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(seen).astype(np.float32)


def floor(
    rng: np.random.Generator, size: tuple[int, int], margin: int, kind: str, clutter: int = 30
) -> tuple[Layer, ...]:
    """Return ground seen from above, strewn with stones and tufts."""
    paint, strew = rng.spawn(2)
    whole = _grown(size, margin)
    image = surface(paint, whole, GROUNDS[kind])
    _scatter(strew, image, GROUNDS[kind], clutter)
    return (Layer(_bytes(image)),)


def pond(rng: np.random.Generator, size: tuple[int, int], margin: int) -> tuple[Layer, ...]:
    """Return a pebbled bed under water, with light that plays over it."""
    bed, ripple = rng.spawn(2)
    (layer,) = floor(bed, size, margin, "water", clutter=40)
    whole = _grown(size, margin)
    crests = 1 - np.abs(fractal(ripple, whole, cells=11, persistence=0.25, octaves=3)) / 0.75
    light = np.full((*whole, 4), 235, np.uint8)
    light[..., 3] = (80 * np.clip(crests, 0, 1) ** 2).astype(np.uint8)
    return layer, Layer(light, 1.0, (0.2 * size[1], 0.1 * size[0]))


def hills(
    rng: np.random.Generator, size: tuple[int, int], margin: int, kind: str
) -> tuple[Layer, ...]:
    """Return a landscape from the side: sky, two ranges of hills in haze, and the ground."""
    heaven, far, near, ground = rng.spawn(4)
    whole = _grown(size, margin)
    clouds = fractal(heaven, whole, cells=3, persistence=0.55)
    height = np.linspace(-1.4, 1.0, whole[0], dtype=np.float32)[:, None]
    layers = [Layer(_bytes(colorize(0.5 * clouds + height, SKY)), 0.1)]
    haze = np.array([164, 178, 186], np.float32)
    for maker, level, parallax, mist in ((far, 0.3, 0.25, 0.62), (near, 0.42, 0.5, 0.3)):
        slope = surface(maker, whole, GROUNDS["meadow"])
        slope += mist * (haze - slope)
        crest = margin + size[0] * (level + 0.05 * _profile(maker, whole[1]))
        layers.append(_cut(slope, crest, parallax))
    plain = _receding(surface(ground, whole, GROUNDS[kind]), margin + 0.5 * size[0])
    _scatter(ground, plain, GROUNDS[kind], 22, above=0.62)
    crest = margin + size[0] * (0.54 + 0.012 * _profile(ground, whole[1]))
    layers.append(_cut(plain, crest, 1.0))
    return tuple(layers)


def _profile(rng: np.random.Generator, width: int) -> NDArray[np.float64]:
    """Return a smooth random line of about unit height, (width,)."""
    x = np.linspace(0, 2 * np.pi, width)
    line = np.zeros(width)
    for k in range(1, 14):
        line += rng.standard_normal() / k**1.1 * np.sin(k * x + rng.uniform(0, 2 * np.pi))
    return line / 1.6


def _cut(image: Image, crest: NDArray[np.float64], parallax: float) -> Layer:
    """Make everything above the crest (a row for each column) transparent."""
    rows = np.arange(image.shape[0])[:, None] + 0.5
    alpha = np.clip(rows - crest[None, :] + 0.5, 0, 1) * 255
    sheet = np.dstack([_bytes(image), alpha.astype(np.uint8)])
    return Layer(sheet, parallax, top=int(crest.min()))


def _receding(image: Image, horizon: float) -> Image:
    """Return the ground squeezed towards the horizon as a plane seen from low above it."""
    height, width = image.shape[:2]
    below = np.clip(np.arange(height, dtype=np.float32) - np.float32(horizon), 1, None)
    below /= below[-1]
    nearness = (below + 0.12) / 1.12
    rows = (height - 1) * (1 - np.log(nearness) / np.log(nearness[0])) * 0.9
    columns = np.arange(width, dtype=np.float32) - width / 2
    x = width / 2 + columns[None, :] / (0.45 + 0.55 * nearness[:, None])
    y = np.repeat(rows.astype(np.float32)[:, None], width, axis=1)
    seen: Any = cv2.remap(
        image, x.astype(np.float32), y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(seen)


def _scatter(
    rng: np.random.Generator, image: Image, palette: Palette, count: int, above: float = 0.0
) -> None:
    """Draw `count` stones and tufts into the image, larger and lower ones last."""
    height, width = image.shape[:2]
    unit = min(height, width)
    places = rng.uniform((0, above), (1, 1), (count, 2))
    for fx, fy in places[np.argsort(places[:, 1], kind="stable")]:
        scale = unit * float(rng.uniform(0.012, 0.05))
        scale *= 0.4 + 0.9 * (fy - above) / (1 - above) if above else 1.0
        own = rng.spawn(1)[0]
        skin = coat(own, int(2.5 * scale) + 16, palette) * np.float32(rng.uniform(0.75, 1.15))
        sprite = make_sprite(pebble(own), [skin])
        pose = Pose(fx * width, fy * height, max(scale, 2.0), float(rng.uniform(0, 6.28)))
        patch = draw(sprite, pose, (height, width))
        if patch is not None:
            shade_beside(image, patch, pose.scale, 0.35)
            blend(image, None, patch, 0)


def _grown(size: tuple[int, int], margin: int) -> tuple[int, int]:
    return size[0] + 2 * margin, size[1] + 2 * margin


def _bytes(image: Image | Field) -> NDArray[np.uint8]:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
