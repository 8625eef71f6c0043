"""Textures of the synthetic dataset: multi-octave noise in the colors of natural things.

Everything here is about how a surface looks. Nothing here decides where a mask is.
"""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # (H, W, 3) RGB, 0 to 255
Field = NDArray[np.float32]  # (H, W)
Palette = tuple[tuple[int, int, int], ...]  # dark to light
Pattern = Literal["plain", "spots", "stripes", "patches", "ground", "bark"]

GROUNDS: dict[str, Palette] = {
    "meadow": ((38, 50, 24), (66, 84, 36), (98, 112, 54), (138, 140, 80), (168, 160, 104)),
    "sand": ((112, 90, 64), (150, 124, 90), (178, 152, 112), (198, 174, 134), (216, 198, 164)),
    "rock": ((58, 56, 54), (92, 88, 84), (124, 118, 110), (150, 142, 130), (182, 174, 160)),
    "soil": ((44, 32, 24), (76, 56, 40), (106, 80, 56), (134, 106, 74), (120, 112, 74)),
    "water": ((22, 52, 62), (36, 78, 88), (56, 104, 110), (86, 132, 130), (128, 166, 156)),
    "snow": ((150, 160, 172), (182, 190, 200), (206, 212, 218), (222, 226, 230), (238, 240, 242)),
}
COATS: dict[str, Palette] = {
    "ginger": ((84, 46, 24), (138, 80, 38), (178, 116, 62), (206, 158, 104)),
    "grey": ((52, 50, 50), (92, 90, 90), (134, 130, 126), (178, 174, 168)),
    "cream": ((110, 88, 62), (160, 134, 100), (200, 178, 144), (226, 212, 188)),
    "black": ((18, 17, 18), (36, 33, 33), (58, 52, 50), (88, 80, 74)),
    "brown": ((44, 30, 22), (82, 56, 38), (118, 84, 58), (160, 124, 92)),
    "olive": ((42, 46, 22), (78, 82, 38), (114, 116, 58), (152, 150, 92)),
    "blue": ((24, 40, 70), (44, 74, 116), (76, 112, 152), (128, 158, 184)),
    "red": ((82, 22, 20), (130, 40, 32), (168, 70, 50), (198, 116, 88)),
    "teal": ((16, 56, 58), (34, 92, 92), (70, 130, 124), (128, 170, 156)),
}
FURS = ("ginger", "grey", "cream", "black", "brown")  # what an animal may wear
BARK: Palette = ((40, 32, 26), (70, 56, 44), (98, 82, 66), (128, 112, 94))
SKY: Palette = ((128, 156, 186), (156, 178, 200), (186, 200, 212), (222, 226, 226))


def fractal(
    rng: np.random.Generator,
    size: tuple[int, int],
    cells: float = 4,
    persistence: float = 0.6,
    octaves: int = 12,
) -> Field:
    """Return noise with energy at every scale from the whole surface down to two pixels.

    Coarse octaves are smoothed lattices, each turned by its own angle so that no grid shows; the
    finest are blurred white noise. The coarse ones look the same at every size of one aspect.

    Args:
        size: (H, W) of the result.
        cells: random cells along the longer side in the coarsest octave; each next has double.
        persistence: amplitude of an octave relative to the one before.
        octaves: the most octaves to add up.

    Returns:
        (H, W) float32 of zero mean and unit standard deviation.
    """
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        cell = max(size) / (cells * 2**octave)  # pixels
        if cell < 2 and octave > 0:
            break
        layer = _lattice(rng, size, cell) if cell >= 8 else _white(rng, size, cell)
        total += np.float32(persistence**octave) * layer
    total -= total.mean()
    return np.asarray(total / np.float32(max(float(total.std()), 1e-6)))


def _lattice(rng: np.random.Generator, size: tuple[int, int], cell: float) -> Field:
    """Return random values on a turned grid, `cell` pixels wide, interpolated smoothly."""
    angle = float(rng.uniform(0, 2 * np.pi))
    count = int(np.ceil(np.hypot(*size) / cell)) + 4
    grid = rng.standard_normal((count, count), dtype=np.float32)
    # In two steps: warpAffine alone shows steps where it enlarges a lot.
    fine = cv2.resize(grid, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    c, s = np.cos(angle) * 8 / cell, np.sin(angle) * 8 / cell
    x, y = size[1] / 2, size[0] / 2
    matrix = np.array([[c, -s, 4 * count - c * x + s * y], [s, c, 4 * count - s * x - c * y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned: Any = cv2.warpAffine(fine, matrix, (size[1], size[0]), flags=flags)
    return np.asarray(turned)


def _white(rng: np.random.Generator, size: tuple[int, int], cell: float) -> Field:
    """Return white noise blurred so that its grains are `cell` pixels wide."""
    noise = rng.standard_normal(size, dtype=np.float32)
    soft: Any = cv2.GaussianBlur(noise, (0, 0), max(0.4 * cell, 0.5))
    return np.asarray(soft / np.float32(max(float(soft.std()), 1e-6)))


def colorize(values: Field, palette: Palette) -> Image:
    """Map values of about zero mean and unit deviation to a palette, dark to light."""
    stops = np.linspace(-1.9, 1.9, len(palette))
    ramp = np.linspace(-2.5, 2.5, 512)
    table = np.stack(
        [np.interp(ramp, stops, [color[c] for color in palette]) for c in range(3)], axis=1
    ).astype(np.float32)
    index = np.clip((values + 2.5) * (511 / 5.0), 0, 511).astype(np.intp)
    return np.asarray(table[index])


def surface(
    rng: np.random.Generator, size: tuple[int, int], palette: Palette, cells: float = 6
) -> Image:
    """Return a ground: broad patches of tone, finer relief and a slow drift of hue."""
    relief = fractal(rng, size, cells, persistence=0.68)
    image = colorize(relief, palette)
    grain = fractal(rng, size, 8 * cells, persistence=0.8)
    image *= (1 + 0.12 * grain)[..., None]
    hue = fractal(rng, size, cells / 2, persistence=0.5, octaves=4)
    image *= 1 + hue[..., None] * np.array([0.035, 0.0, -0.035], np.float32)
    return _clipped(image)


def coat(
    rng: np.random.Generator, side: int, palette: Palette, pattern: Pattern = "plain"
) -> Image:
    """Return a square skin, fur or shell texture for an object.

    The pattern is painted between the darkest and the lightest third of the palette, so that the
    object has landmarks of its own at a coarse and at a fine scale.
    """
    size = (side, side)
    if pattern == "ground":
        return surface(rng, size, palette, cells=3)
    if pattern == "bark":
        return _bark(rng, side, palette)
    tone = fractal(rng, size, cells=3, persistence=0.65)
    if pattern != "plain":
        tone = 0.55 * tone + 1.35 * _figure(rng, size, pattern)
    image = colorize(tone, palette)
    grain = fractal(rng, size, cells=20, persistence=0.8)
    image *= (1 + 0.11 * grain)[..., None]
    return _clipped(image)


def _figure(rng: np.random.Generator, size: tuple[int, int], pattern: Pattern) -> Field:
    """Return the pattern as (H, W) float32 from -1 to 1 with soft edges."""
    warp = fractal(rng, size, cells=3, persistence=0.5)
    if pattern == "stripes":
        x = np.linspace(0, 2 * np.pi * float(rng.uniform(4, 6)), size[1], dtype=np.float32)
        wave: Any = np.sin(x[None, :] + 1.3 * warp)
        return np.asarray(np.tanh(3 * wave), np.float32)
    cells = 10 if pattern == "spots" else 4
    level = 0.7 if pattern == "spots" else 0.1
    bumps = fractal(rng, size, cells=cells, persistence=0.3)
    return np.asarray(np.tanh(4 * (level - bumps)), np.float32)


def _bark(rng: np.random.Generator, side: int, palette: Palette) -> Image:
    """Return furrows that run from top to bottom."""
    furrows: Any = cv2.resize(
        fractal(rng, (side // 7 + 2, side), cells=14, persistence=0.8),
        (side, side),
        interpolation=cv2.INTER_CUBIC,
    )
    image = colorize(0.75 * np.asarray(furrows) + 0.5 * fractal(rng, (side, side), 8), palette)
    return _clipped(image)


def _clipped(image: Image) -> Image:
    return np.clip(image, 4, 250, out=image)
