"""Shapes of the synthetic dataset: outlines of objects as polygons, before any motion.

A shape is a list of limbs. Coordinates are the object's own: x to the right (the way it faces), y
down, everything within a distance of 1 from the origin.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2) x, y


@dataclass(frozen=True, slots=True)
class Limb:
    """One rigid part of a shape.

    Args:
        contours: closed outlines, filled by the even-odd rule: an outline inside another is a hole.
        pivot: the joint the limb turns about.
        swing: largest angle of that turn, radians; 0 for a rigid part.
        phase: where in the cycle of the gait the limb begins, radians.
        tone: brightness of its texture.
        skin: which texture of the object it wears, 0 or 1.
    """

    contours: tuple[Points, ...]
    pivot: tuple[float, float] = (0.0, 0.0)
    swing: float = 0.0
    phase: float = 0.0
    tone: float = 1.0
    skin: int = 0


Shape = tuple[Limb, ...]  # back to front


def blob(
    rng: np.random.Generator, roughness: float = 0.2, stretch: float = 1.0, harmonics: int = 7
) -> Points:
    """Return a closed contour whose radius is a random Fourier series, farthest point at 1."""
    angle = _circle(144)
    radius = np.ones_like(angle)
    for k in range(2, harmonics + 1):
        weight = roughness * rng.standard_normal() / (k - 1)
        radius += weight * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.4, None)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle) / stretch], axis=1)
    points -= points.mean(axis=0)
    reach = float(np.hypot(points[:, 0], points[:, 1]).max())
    return np.asarray(points / reach)


def pebble(rng: np.random.Generator) -> Shape:
    """A lump with a contour of low and high frequencies."""
    return (Limb((blob(rng, roughness=0.26, stretch=rng.uniform(1.0, 1.4), harmonics=9),)),)


def flower(rng: np.random.Generator) -> Shape:
    """Five or six uneven lobes: its contour is far from convex."""
    angle = _circle(240)
    lobes = int(rng.integers(5, 7))
    radius = 1 + 0.34 * np.cos(lobes * angle) + 0.07 * np.cos(2 * angle + rng.uniform(0, 6))
    radius += 0.06 * np.cos(3 * angle + rng.uniform(0, 6))
    petals = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    petals /= np.hypot(petals[:, 0], petals[:, 1]).max()
    heart = 0.27 * blob(rng, roughness=0.1)
    return (Limb((petals,)), Limb((heart,), skin=1))


def ring(rng: np.random.Generator) -> Shape:
    """A ring: what is seen through the hole is not the object's."""
    outer = blob(rng, roughness=0.06)
    inner = 0.5 * blob(rng, roughness=0.08) + rng.uniform(-0.05, 0.05, 2)
    return (Limb((outer, inner)),)


def turtle(rng: np.random.Generator) -> Shape:
    """A shell with a head, a tail and four flippers, seen from above."""
    shell = 0.68 * blob(rng, roughness=0.035, stretch=1.2)
    limbs = []
    for x, y, angle in ((0.4, 0.36, 1), (0.4, -0.36, -1), (-0.4, 0.34, 2.4), (-0.4, -0.34, -2.4)):
        length, width = (0.52, 0.2) if x > 0 else (0.36, 0.16)
        flipper = _lobe(x, y, angle, length * rng.uniform(0.95, 1.1), width)
        side = 0.0 if x * y > 0 else np.pi
        limbs.append(Limb((flipper,), (x, y), swing=0.35, phase=side, skin=1))
    head = _ellipse(0.78, 0.0, 0.22, 0.16)
    tail = _capsule((-0.6, 0.0), np.pi, 0.25, 0.07, 0.02)
    return (*limbs, Limb((head,), skin=1), Limb((tail,), skin=1), Limb((shell,)))


def fish(rng: np.random.Generator) -> Shape:
    """A long body with a forked tail and two fins; meant to be bent along its length."""
    x = np.linspace(1.0, -0.72, 60)
    u = (1.0 - x) / 1.72
    height = rng.uniform(0.26, 0.34)
    half = height * np.sqrt(np.clip(u, 0, 1)) * (1 - u) ** 0.75 * 2.0 + 0.03 * u
    body = np.concatenate([np.stack([x, -half], 1), np.stack([x, half], 1)[::-1]])
    fork = rng.uniform(0.26, 0.36)
    tail = np.array([(-0.6, 0.0), (-0.95, -fork), (-0.84, 0.0), (-0.95, fork)])
    back = np.array([(0.35, -0.2), (-0.05, -0.2 - height * 0.75), (-0.25, -0.1)])
    belly = np.array([(0.25, 0.18), (-0.05, 0.2 + height * 0.6), (-0.12, 0.12)])
    fins = Limb((_rounded(tail),), skin=1), Limb((_rounded(back),), skin=1, tone=0.9)
    eye = _ellipse(0.74, -0.08, 0.05, 0.05)
    return (*fins, Limb((_rounded(belly),), skin=1), Limb((body,)), Limb((eye,), tone=0.2))


def walker(rng: np.random.Generator) -> Shape:
    """A four-legged animal seen from the side, with swinging legs, tail and head."""
    trunk = 0.56 * blob(rng, roughness=0.09, stretch=1.75) + (-0.06, -0.14)
    legs = []
    reach = rng.uniform(0.7, 0.78)
    for x, phase, tone in ((0.3, 0.0, 0.62), (-0.4, np.pi, 0.62), (0.22, np.pi, 1), (-0.48, 0, 1)):
        thigh = _capsule((x, -0.02), np.pi / 2, reach, 0.13, 0.055)
        legs.append(Limb((thigh,), (x, -0.02), swing=0.42, phase=phase, tone=tone, skin=1))
    tail = _capsule((-0.56, -0.22), np.pi + rng.uniform(0.2, 0.7), 0.36, 0.055, 0.03)
    neck = _capsule((0.3, -0.22), -0.75, 0.4, 0.2, 0.13)
    skull = _ellipse(0.64, -0.52, 0.2, 0.15)
    snout = _capsule((0.66, -0.49), 0.2, 0.2, 0.11, 0.075)
    ear = _capsule((0.54, -0.6), -2.0, rng.uniform(0.14, 0.24), 0.07, 0.035)
    eye = _ellipse(0.68, -0.56, 0.032, 0.032)
    head = tuple(
        Limb((outline,), (0.3, -0.2), 0.06, 0.0, tone, skin)
        for outline, tone, skin in (
            (ear, 0.8, 1),
            (neck, 1.0, 0),
            (skull, 1.0, 0),
            (snout, 0.9, 1),
            (eye, 0.15, 1),
        )
    )
    near = (Limb((tail,), (-0.56, -0.22), 0.3, 1.0, 0.9, 1), Limb((trunk,)))
    return (*legs[:2], *near, *head, *legs[2:])


def butterfly(rng: np.random.Generator) -> Shape:
    """Four wings that beat about a thin body, seen from above."""
    wings = []
    for side in (1.0, -1.0):
        fore = _lobe(0.05, side * 0.1, side * rng.uniform(0.95, 1.1), 0.9, 0.36)
        hind = _lobe(-0.08, side * 0.1, side * rng.uniform(2.1, 2.3), 0.66, 0.34)
        wings.append(Limb((hind,), (0, 0), side * 0.3, 0.4, tone=0.85, skin=1))
        wings.append(Limb((fore,), (0, 0), side * 0.3, 0.0))
    body = _ellipse(0.02, 0.0, 0.44, 0.085)
    return (*wings, Limb((body,), tone=0.35))


def trunk(rng: np.random.Generator) -> Shape:
    """The stem of a tree, from top to bottom of the object's circle; an occluder."""
    y = np.linspace(-0.96, 0.96, 60)
    outline = []
    for side in (-1.0, 1.0):
        wobble = np.zeros_like(y)
        for k in range(2, 9):
            weight = 0.006 / k**0.5 * rng.standard_normal()
            wobble += weight * np.sin(k * 2.4 * y + 6 * rng.random())
        flare = 0.25 * np.clip(y - 0.12, 0, None) ** 2
        outline.append(np.stack([side * (0.12 + flare) + wobble, y], axis=1))
    return (Limb((np.concatenate([outline[0], outline[1][::-1]]),)),)


SHAPES: dict[str, Callable[[np.random.Generator], Shape]] = {
    maker.__name__: maker
    for maker in (pebble, flower, ring, turtle, fish, walker, butterfly, trunk)
}


def _circle(count: int) -> NDArray[np.float64]:
    return np.linspace(0, 2 * np.pi, count, endpoint=False)


def _ellipse(x: float, y: float, a: float, b: float) -> Points:
    angle = _circle(48)
    return np.stack([x + a * np.cos(angle), y + b * np.sin(angle)], axis=1)


def _capsule(
    start: tuple[float, float], angle: float, length: float, thick: float, thin: float
) -> Points:
    """Return a rounded limb from `start`, `thick` wide (radius) there and `thin` at its end."""
    turn = _circle(40) - np.pi
    far = np.abs(turn) < np.pi / 2
    radius = np.where(far, thin, thick)
    along = radius * np.cos(turn) + np.where(far, length, 0.0)
    across = radius * np.sin(turn)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([start[0] + c * along - s * across, start[1] + s * along + c * across], axis=1)


def _lobe(x: float, y: float, angle: float, length: float, width: float) -> Points:
    """Return a wing that begins at (x, y) and is widest near its far end."""
    turn = _circle(60)
    along = 0.5 * length * (1 - np.cos(turn))
    across = width * np.sin(turn) * (0.25 + 0.75 * along / length)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([x + c * along - s * across, y + s * along + c * across], axis=1)


def _rounded(points: Points, rounds: int = 3) -> Points:
    """Return the polygon with its corners cut again and again (Chaikin)."""
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0)
        cut = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1)
        points = cut.reshape(-1, 2)
    return points
