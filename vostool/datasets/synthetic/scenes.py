"""The scripts of the synthetic dataset: who is on stage in each sequence, and what happens.

Every length is relative to the frame and every time to the duration, so that a sequence shows the
same events at any size and any number of frames. A scene is a pure function of a `Stage`.
"""

from collections.abc import Callable

import numpy as np

from vostool.datasets.synthetic.backdrops import Backdrop, floor, hills, pond
from vostool.datasets.synthetic.stage import TAU, Actor, Curve, Scene, Stage, line, sway
from vostool.datasets.synthetic.textures import BARK, COATS, FURS, GROUNDS, Pattern


def translation(stage: Stage) -> Scene:
    """A rigid turtle slides over sand; nothing changes but its place."""
    camera, margin = stage.camera(-0.25, 0.08)
    sprite = stage.sprite("turtle", 0.21, COATS["olive"], "patches", COATS["cream"])
    x, y = line(0.2, 0.8), line(stage.vary(0.6, 0.7), stage.vary(0.3, 0.4))
    path = stage.path(x, y, 0.21, None)
    layers = floor(stage.rng, stage.size, margin, "sand")
    return Scene(Backdrop(layers, margin, camera), [Actor(sprite, path, 1)])


def scale_rotation(stage: Stage) -> Scene:
    """A flower spins and grows while a ring, rolling, shrinks."""
    camera, margin = stage.camera(0.15, -0.1)
    first, second = stage.coats(2)
    flower = stage.sprite("flower", 0.3, first, "plain", second)
    ring = stage.sprite("ring", 0.24, second, "stripes")
    grow = line(0.12, 0.3)
    a = stage.path(sway(0.3, 0.05, 1.0), sway(0.5, 0.08, 0.7), grow, line(0, stage.vary(5, 7)))
    b = stage.path(
        line(0.75, 0.8), sway(0.5, 0.14, 0.8), line(0.24, 0.1), line(0, stage.vary(-6, -4))
    )
    layers = floor(stage.rng, stage.size, margin, "soil")
    return Scene(Backdrop(layers, margin, camera), [Actor(flower, a, 1), Actor(ring, b, 2)])


def deformation(stage: Stage) -> Scene:
    """Two fish swim, bending, over a bed where the light plays."""
    camera, margin = stage.camera(0.1, 0.1)
    first, second = stage.coats(2)
    large = stage.sprite("fish", 0.24, first, "stripes")
    small = stage.sprite("fish", 0.18, second, "spots")
    a = stage.path(line(0.25, 0.74), sway(0.3, 0.06, 0.8), 0.24, None, bend=0.22, waves=5)
    b = stage.path(line(0.74, 0.3), sway(0.72, 0.08, -1.0), 0.18, None, bend=0.25, waves=7)
    layers = pond(stage.rng, stage.size, margin)
    return Scene(Backdrop(layers, margin, camera), [Actor(large, a, 1), Actor(small, b, 2)])


def articulation(stage: Stage) -> Scene:
    """An animal walks before hills that pass in parallax; its legs cross and part."""
    camera, margin = stage.camera(0.7, 0.0, shake=0.004)
    (fur,) = stage.coats(1, FURS)
    animal = stage.sprite("walker", 0.3, fur, "patches")
    path = stage.path(line(0.3, 0.66), sway(0.6, 0.012, 5), 0.3, gait=4.5)
    layers = hills(stage.rng, stage.size, margin, "meadow")
    return Scene(Backdrop(layers, margin, camera), [Actor(animal, path, 1, "below")])


def occlusion(stage: Stage) -> Scene:
    """One animal passes behind a larger one, then out of sight behind a tree."""
    camera, margin = stage.camera(0.1, 0.0, shake=0.003)
    first, second = stage.coats(2, FURS)
    far = stage.sprite("walker", 0.12, first, "spots")
    near = stage.sprite("walker", 0.18, second, "patches")
    tree = stage.sprite("trunk", 1.5, BARK, "bark")

    def across(time: float) -> float:  # behind the tree at half time, and slower after that
        return 0.115 + 1.155 * time - 0.37 * time**2

    a = stage.path(across, sway(0.62, 0.006, 5), 0.115, gait=5)
    b = stage.path(line(0.335, 0.25), line(0.63, 0.66), line(0.17, 0.18), gait=2)
    c = stage.path(line(0.61, 0.59), line(0.42, 0.42), 1.5)
    layers = hills(stage.rng, stage.size, margin, "soil")
    actors = [
        Actor(far, a, 1, "below"),
        Actor(near, b, 2, "below"),
        Actor(tree, c, 0, "none"),
    ]
    return Scene(Backdrop(layers, margin, camera), actors)


def distractors(stage: Stage) -> Scene:
    """One butterfly among four that look the same; one of them crosses over it."""
    camera, margin = stage.camera(0.15, 0.1)
    (fur,) = stage.coats(1)
    same = stage.sprite("butterfly", 0.16, fur, "spots")
    x, y = sway(0.5, 0.16, 0.8), sway(0.5, 0.14, -1.1)
    hero = Actor(same, stage.path(x, y, 0.155, sway(0.4, 0.7, 0.8), gait=4), 1)
    others = []
    for left, top in ((0.18, 0.22), (0.82, 0.24), (0.2, 0.79)):
        roam = stage.path(
            sway(left, 0.07, stage.vary(0.6, 1.2)),
            sway(top, 0.08, stage.vary(0.6, 1.2)),
            stage.vary(0.145, 0.16),
            sway(stage.vary(0, TAU), 0.8, 0.7),
            gait=4,
        )
        others.append(Actor(same, roam))
    meet_x, meet_y = x(0.5) + 0.02, y(0.5)
    over = stage.path(
        line(0.84, 2 * meet_x - 0.84),
        line(0.79, 2 * meet_y - 0.79),
        0.155,
        sway(stage.vary(0, TAU), 0.8, 0.7),
        gait=4,
    )
    layers = floor(stage.rng, stage.size, margin, "meadow", 50)
    actors = [*others, hero, Actor(same, over)]
    return Scene(Backdrop(layers, margin, camera), actors)


def fast_motion(stage: Stage) -> Scene:
    """A pebble is thrown about so fast that it is smeared."""
    camera, margin = stage.camera(0.2, 0.1, shake=0.01)
    (fur,) = stage.coats(1)
    stone = stage.sprite("pebble", 0.13, fur, "patches")
    path = stage.path(
        sway(0.5, 0.36, stage.vary(1.2, 1.5), 0.6),
        sway(0.5, 0.26, stage.vary(1.9, 2.3), 0.1),
        0.13,
        sway(0, 1.5, 1.5),
    )
    layers = floor(stage.rng, stage.size, margin, "rock", 45)
    return Scene(Backdrop(layers, margin, camera), [Actor(stone, path, 1)])


def out_of_view(stage: Stage) -> Scene:
    """A butterfly flies out of the frame and comes back elsewhere; another one stays."""
    camera, margin = stage.camera(-0.15, 0.1)
    first, second = stage.coats(2)
    leaver = stage.sprite("butterfly", 0.2, first, "spots", second)
    stayer = stage.sprite("butterfly", 0.15, second, "stripes", first)

    def away(time: float) -> float:
        return 0.55 + 0.85 * float(np.sin(np.pi * time)) ** 2

    a = stage.path(away, line(0.32, 0.6), 0.2, sway(0.2, 0.4, 1.0), gait=5)
    b = stage.path(sway(0.25, 0.1, 1.0), sway(0.6, 0.15, 0.8), 0.15, sway(-1.2, 0.5, 1.0), gait=4)
    layers = floor(stage.rng, stage.size, margin, "meadow", 45)
    return Scene(Backdrop(layers, margin, camera), [Actor(leaver, a, 1), Actor(stayer, b, 2)])


def lighting(stage: Stage) -> Scene:
    """Two animals cross a plain while the day turns to dusk and a cloud's shadow passes."""
    camera, margin = stage.camera(0.2, 0.0)
    first, second = stage.coats(2, FURS)
    one = stage.sprite("walker", 0.22, first, "patches")
    two = stage.sprite("walker", 0.18, second, "plain")
    a = stage.path(line(0.26, 0.62), sway(0.7, 0.01, 4), 0.22, gait=4)
    b = stage.path(line(0.72, 0.84), sway(0.56, 0.01, 4), 0.16, gait=3)

    def dusk(time: float) -> tuple[float, float, float]:
        dark = 0.5 - 0.5 * float(np.cos(np.pi * min(1.0, max(0.0, 1.3 * time))))
        return 1.08 - 0.46 * dark, 1.04 - 0.54 * dark, 0.98 - 0.44 * dark

    layers = hills(stage.rng, stage.size, margin, "sand")
    backdrop = Backdrop(layers, margin, camera)
    return Scene(backdrop, [Actor(two, b, 1, "below"), Actor(one, a, 2, "below")], dusk, cloud=0.45)


def late_objects(stage: Stage) -> Scene:
    """A turtle is joined by a second and a third one that come in over the edge."""
    camera, margin = stage.camera(0.1, -0.1)
    furs = stage.coats(3)
    turtles = [stage.sprite("turtle", 0.19, fur, "patches", furs[0]) for fur in furs]

    def inwards(start: float, end: float, enters: float) -> Curve:
        def at(time: float) -> float:
            since = max(0.0, time - enters) / (1 - enters)
            return end + (start - end) * float(np.exp(-3 * since))

        return at

    a = stage.path(line(0.3, 0.45), sway(0.3, 0.05, 0.8), 0.19, None, gait=4)
    b = stage.path(inwards(0.95, 0.66, 0.3), line(0.7, 0.45), 0.17, np.pi - 0.3, gait=5)
    c = stage.path(line(0.2, 0.32), inwards(0.95, 0.68, 0.5), 0.17, -1.2, gait=4)
    layers = floor(stage.rng, stage.size, margin, "sand", 40)
    actors = [
        Actor(turtles[0], a, 1),
        Actor(turtles[1], b, 2, enters=0.3),
        Actor(turtles[2], c, 3, enters=0.5),
    ]
    return Scene(Backdrop(layers, margin, camera), actors)


def crowd(stage: Stage) -> Scene:
    """Five things of different kinds change places across the middle and cover one another."""
    camera, margin = stage.camera(0.15, 0.1)
    furs = stage.coats(5)
    kinds = ("turtle", "ring", "pebble", "flower", "turtle")
    patterns: tuple[Pattern, ...] = ("patches", "stripes", "spots", "plain", "spots")
    places = ((0.15, 0.25), (0.82, 0.26), (0.2, 0.76), (0.8, 0.76), (0.5, 0.5))
    ends = ((0.78, 0.7), (0.24, 0.7), (0.78, 0.3), (0.2, 0.28), (0.55, 0.24))
    actors = []
    for k, ((x, y), (to_x, to_y)) in enumerate(zip(places, ends, strict=True)):
        sprite = stage.sprite(kinds[k], 0.17, furs[k], patterns[k], furs[(k + 1) % 5])
        path = stage.path(
            line(x, to_x),
            line(y, to_y),
            line(stage.vary(0.13, 0.16), stage.vary(0.13, 0.17)),
            line(stage.vary(0, TAU), stage.vary(0, TAU)),
            gait=4,
        )
        actors.append(Actor(sprite, path, k + 1))
    layers = floor(stage.rng, stage.size, margin, "soil", 40)
    return Scene(Backdrop(layers, margin, camera), actors)


def camouflage(stage: Stage) -> Scene:
    """A stone of the ground's own colors creeps over stony ground, turning and bulging."""
    camera, margin = stage.camera(0.25, 0.1)
    stone = stage.sprite("pebble", 0.24, GROUNDS["rock"], "ground")
    path = stage.path(
        line(0.28, 0.68), sway(0.5, 0.14, 0.8), 0.23, line(0, 1.4), bend=0.07, waves=1.5
    )
    layers = floor(stage.rng, stage.size, margin, "rock", 40)
    return Scene(Backdrop(layers, margin, camera), [Actor(stone, path, 1)])


SCENES: dict[str, tuple[Callable[[Stage], Scene], tuple[str, ...]]] = {
    "translation": (translation, ()),
    "scale-rotation": (scale_rotation, ("ROT", "SV", "SC")),
    "deformation": (deformation, ("DEF", "DB")),
    "articulation": (articulation, ("DEF", "SC", "HO")),
    "occlusion": (occlusion, ("OCC", "IO", "DEF")),
    "distractors": (distractors, ("BC", "OCC", "DEF")),
    "fast-motion": (fast_motion, ("FM", "MB", "ROT", "CS")),
    "out-of-view": (out_of_view, ("OV", "DEF", "SC")),
    "lighting": (lighting, ("AC", "DEF")),
    "late-objects": (late_objects, ("LATE", "DEF")),
    "crowd": (crowd, ("OCC", "IO", "ROT")),
    "camouflage": (camouflage, ("BC", "EA", "DEF")),
}
