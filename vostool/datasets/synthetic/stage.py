"""What a script of the synthetic dataset works with: the stage, paths, a camera, and the scene."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vostool.datasets.synthetic.backdrops import Backdrop, Camera
from vostool.datasets.synthetic.shapes import SHAPES
from vostool.datasets.synthetic.sprites import EXTENT, Pose, Sprite, make_sprite
from vostool.datasets.synthetic.textures import COATS, Palette, Pattern, coat

TAU = 2 * np.pi
Curve = Callable[[float], float]
Light = Callable[[float], tuple[float, float, float]]
Path = Callable[[float], Pose]


def _noon(_: float) -> tuple[float, float, float]:
    return 1.0, 1.0, 1.0


@dataclass(slots=True)
class Actor:
    """A sprite, its way through the sequence, and its id.

    Args:
        path: time (0 at the first frame, 1 at the last) -> pose.
        label: object id, or 0 for what must not be labelled.
        shadow: where it darkens the ground.
        enters: time before which it is not there at all.
    """

    sprite: Sprite
    path: Path
    label: int = 0
    shadow: Literal["beside", "below", "none"] = "beside"
    enters: float = 0.0


@dataclass(slots=True)
class Scene:
    """Everything that is needed to film one sequence.

    Args:
        actors: from back to front; labels 1 to K.
        light: time -> gain of red, green and blue.
        cloud: depth of a shadow that crosses the frame, 0 to 1.
        mirror: whether the film is shown mirrored, so that seeds differ in direction too.
        haste: how much faster than average it begins and ends, -1 to 1.
    """

    backdrop: Backdrop
    actors: list[Actor]
    light: Light = _noon
    cloud: float = 0.0
    mirror: bool = False
    haste: float = 0.0

    def clock(self, time: float) -> float:
        """Return the time of the script at the film's `time`; both agree at 0, 1/2 and 1."""
        return time + self.haste * float(np.sin(TAU * time)) / TAU

    def pace(self, time: float) -> float:
        """Return how fast the script's time runs at the film's `time`."""
        return 1 + self.haste * float(np.cos(TAU * time))


@dataclass(slots=True)
class Stage:
    """The random generator and the measures a script works with.

    Args:
        rng: drawn from in a fixed order that does not depend on the size.
        size: (H, W) of the frame, pixels.
    """

    rng: np.random.Generator
    size: tuple[int, int]
    unit: float = field(init=False)  # the length that objects are measured in, pixels

    def __post_init__(self) -> None:
        height, width = self.size
        self.unit = float(min(0.8 * np.sqrt(height * width), height, 0.8 * width))

    def vary(self, low: float, high: float) -> float:
        """Draw a number between low and high."""
        return float(self.rng.uniform(low, high))

    def sprite(
        self,
        kind: str,
        scale: float,
        palette: Palette,
        pattern: Pattern = "plain",
        second: Palette | None = None,
    ) -> Sprite:
        """Return a random individual of a kind, textured for a largest scale in units."""
        own, *paints = self.rng.spawn(3)
        side = int(np.clip(2 * EXTENT * scale * self.unit, 24, 1600))
        skins = [
            coat(paint, side, colors, figure)
            for paint, colors, figure in zip(
                paints, (palette, second or palette), (pattern, "plain"), strict=True
            )
        ]
        return make_sprite(SHAPES[kind](own), skins)

    def coats(self, count: int, among: Iterable[str] = tuple(COATS)) -> list[Palette]:
        """Draw palettes for objects, all different while there are enough."""
        names = self.rng.permutation(sorted(among))
        return [COATS[str(names[k % len(names)])] for k in range(count)]

    def path(
        self,
        x: Curve,
        y: Curve,
        scale: Curve | float,
        angle: Curve | float | None = 0.0,
        gait: float = 0.0,
        bend: float = 0.0,
        waves: float = 0.0,
    ) -> Path:
        """Return a path from curves over time.

        Args:
            x, y: centre as a fraction of the frame's width and height.
            scale: units per object radius.
            angle: radians; None turns the object to where it is going.
            gait: cycles of the limbs in the whole sequence.
            bend: amplitude of the wave through the body.
            waves: cycles of that wave in the whole sequence.
        """
        height, width = self.size
        begin, aside, above = self.vary(0, TAU), self.vary(-0.015, 0.015), self.vary(-0.015, 0.015)

        def pose(time: float) -> Pose:
            turn = _heading(x, y, time, self.size) if angle is None else _at(angle, time)
            return Pose(
                (x(time) + aside) * width,
                (y(time) + above) * height,
                _at(scale, time) * self.unit,
                turn,
                TAU * gait * time,
                bend,
                begin + TAU * waves * time,
            )

        return pose

    def camera(self, x: float, y: float = 0.0, shake: float = 0.0) -> tuple[Camera, int]:
        """Return a camera that pans by (x, y) units in all, and the margin it needs, pixels."""
        phases = self.rng.uniform(0, TAU, 4)

        def at(time: float) -> tuple[float, float]:
            slow, fast = TAU * 3.3 * time, TAU * 7.1 * time
            jitter = [
                shake * (np.sin(slow + phases[k]) + np.sin(fast + phases[k + 1])) for k in (0, 2)
            ]
            return (
                self.unit * (x * (time - 0.5) + float(jitter[0])),
                self.unit * (y * (time - 0.5) + float(jitter[1])),
            )

        return at, int(self.unit * (max(abs(x), abs(y)) / 2 + 2 * shake)) + 3


def _heading(x: Curve, y: Curve, time: float, size: tuple[int, int]) -> float:
    """Return the direction of motion, radians from x towards y."""
    dx = (x(time + 1e-3) - x(time - 1e-3)) * size[1]
    dy = (y(time + 1e-3) - y(time - 1e-3)) * size[0]
    return float(np.arctan2(dy, dx))


def _at(curve: Curve | float, time: float) -> float:
    return curve(time) if callable(curve) else curve


def line(start: float, end: float) -> Curve:
    """Return the way from start to end at constant speed."""
    return lambda time: start + (end - start) * time


def sway(middle: float, amplitude: float, cycles: float, phase: float = 0.0) -> Curve:
    """Return a swing about the middle."""
    return lambda time: middle + amplitude * float(np.sin(TAU * (cycles * time + phase)))
