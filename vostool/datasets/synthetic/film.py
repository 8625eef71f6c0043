"""The built-in `synthetic` dataset: drawn from a seed in seconds, with exact masks.

Twelve sequences, each named after its main difficulty. Attributes use the codes of DAVIS (Perazzi
et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016,
table 1) where they fit:

    AC   appearance change (light)    HO   heterogeneous object    OV   out of view
    BC   background clutter           IO   interacting objects     ROT  rotation
    CS   camera shake                 MB   motion blur             SC   shape complexity
    DB   dynamic background           OCC  occlusion               SV   scale variation
    DEF  deformation                  LATE objects that appear late; a code of our own
    EA   edge ambiguity
    FM   fast motion

A moving object is smeared as a shutter that is open for half of the time would; its mask is the
sharp shape at mid-exposure. Occluders and look-alikes are background unless they have an id.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vostool.datasets.synthetic.compositing import blend, shade_below, shade_beside
from vostool.datasets.synthetic.scenes import SCENES
from vostool.datasets.synthetic.sprites import draw
from vostool.datasets.synthetic.stage import Actor, Scene, Stage
from vostool.datasets.synthetic.textures import Field, Image, fractal
from vostool.errors import DatasetError, UnknownNameError, UsageError
from vostool.types import Frame, Labels

VERSION = 1  # raise it when the drawing changes
SEQUENCES: tuple[str, ...] = tuple(SCENES)
ATTRIBUTES: dict[str, tuple[str, ...]] = {name: codes for name, (_, codes) in SCENES.items()}

_SHUTTER = 0.5  # part of the time between two frames for which the shutter is open
_LONGEST_SMEAR = 0.12  # of a unit; else very short clips would be nothing but smear
_NOISE = 2.2  # standard deviation of the sensor noise, grey levels


def clip(
    name: str, seed: int = 0, *, size: tuple[int, int] = (240, 424), frames: int = 40
) -> Iterator[tuple[Frame, Labels]]:
    """Draw one sequence, frame by frame.

    Args:
        name: one of `SEQUENCES`.
        seed: another seed gives other shapes, textures and motions.
        size: (H, W), at least 64 x 64.
        frames: length, at least 3.

    Returns:
        Iterator of (H, W, 3) uint8 RGB and (H, W) uint8 ids. A moving object is smeared over the
        time of exposure; its mask is the sharp shape at mid-exposure.

    Raises:
        UnknownNameError: there is no such sequence.
        UsageError: the size or the number of frames is too small.
    """
    if name not in SCENES:
        raise UnknownNameError.of("synthetic sequence", name, SEQUENCES)
    if min(size) < 64 or frames < 3:
        raise UsageError(
            f"A synthetic sequence of {frames} frames of {size[0]} x {size[1]} is too small. "
            "Ask for at least 3 frames of 64 x 64."
        )
    return _film(name, seed, size, frames)


def make(
    directory: Path,
    seed: int = 0,
    *,
    sequences: Sequence[str] | None = None,
    size: tuple[int, int] = (240, 424),
    frames: int = 40,
) -> Path:
    """Write the dataset: `JPEGImages/`, `Annotations/` and `dataset.json`.

    It is built in a temporary folder beside `directory` and then renamed, so that a run that is
    interrupted leaves nothing.

    Args:
        directory: where to; absent or empty.
        sequences: names out of `SEQUENCES`; all of them if None.

    Returns:
        `directory`.

    Raises:
        DatasetError: `directory` holds something already.
    """
    names = SEQUENCES if sequences is None else sequences
    clips = {name: clip(name, seed, size=size, frames=frames) for name in names}
    with built(directory) as folder:
        described = {name: _write_sequence(folder, name, film) for name, film in clips.items()}
        manifest = {"generator": "vostool synthetic", "version": VERSION, "seed": seed}
        manifest |= {"size": list(size), "frames": frames, "sequences": described}
        (folder / "dataset.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return directory


@contextmanager
def built(directory: Path) -> Iterator[Path]:
    """Yield a temporary folder beside a folder that it becomes when all went well.

    Raises:
        DatasetError: `directory` holds something already.
    """
    _refuse_to_overwrite(directory)
    target = Path(directory).resolve()  # it may be a link to an empty folder on another disk
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield building
        building.chmod(0o755)  # mkdtemp's folders are private
        _refuse_to_overwrite(directory)  # somebody else may have been quicker
        os.replace(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _refuse_to_overwrite(directory: Path) -> None:
    if directory.is_dir() and not any(directory.iterdir()):
        return
    if directory.exists() or directory.is_symlink():
        raise DatasetError(
            f"{directory} exists and is not an empty folder. "
            "Name another folder for the synthetic dataset, or remove this one first."
        )


def _write_sequence(root: Path, name: str, film: Iterator[tuple[Frame, Labels]]) -> dict[str, Any]:
    """Write one sequence and return its entry in `dataset.json`."""
    from vostool.io.label_maps import write_labels

    images, annotations = root / "JPEGImages" / name, root / "Annotations" / name
    images.mkdir(parents=True)
    annotations.mkdir(parents=True)
    objects = 0
    for index, (frame, labels) in enumerate(film):
        write_jpeg(images / f"{index:05d}.jpg", frame)
        write_labels(annotations / f"{index:05d}.png", labels)
        objects = max(objects, int(labels.max()))
    return {"attributes": list(ATTRIBUTES[name]), "objects": objects}


def write_jpeg(path: Path, frame: Frame) -> None:
    """Write a frame as JPEG of quality 95.

    Raises:
        DatasetError: OpenCV cannot encode it.
    """
    done, data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not done:
        raise DatasetError(f"OpenCV could not encode {path.name} as JPEG.")
    path.write_bytes(data.tobytes())


def _film(
    name: str, seed: int, size: tuple[int, int], frames: int
) -> Iterator[tuple[Frame, Labels]]:
    key = hashlib.sha256(f"{VERSION}/{seed}/{name}".encode()).digest()
    script, sensor, sky = np.random.default_rng(np.frombuffer(key, np.uint32)).spawn(3)
    mirror, haste = bool(script.integers(2)), float(script.uniform(-0.3, 0.3))
    scene = SCENES[name][0](Stage(script, size))
    scene.mirror, scene.haste = mirror, haste
    grain = sensor.standard_normal((size[0] + 64, size[1] + 64, 3), dtype=np.float32) * _NOISE
    shade = fractal(sky, size, cells=2, persistence=0.4) if scene.cloud else None
    for index in range(frames):
        time = scene.clock(index / (frames - 1))
        exposure = _SHUTTER / (frames - 1) * scene.pace(index / (frames - 1))
        image, labels = _expose(scene, size, time, exposure)
        _illuminate(image, scene, shade, time)
        top, left = sensor.integers(0, 65, 2)
        image += grain[top : top + size[0], left : left + size[1]]
        frame = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        if scene.mirror:
            frame, labels = frame[:, ::-1], labels[:, ::-1]
        yield np.ascontiguousarray(frame), np.ascontiguousarray(labels)


def _expose(
    scene: Scene, size: tuple[int, int], time: float, exposure: float
) -> tuple[Image, Labels]:
    """Return the picture at `time`, (H, W, 3) float32, and its label map."""
    image = scene.backdrop.view(time, size)
    labels = np.zeros(size, np.uint8)
    for actor in scene.actors:
        if time < actor.enters:
            continue
        pose = actor.path(time)
        patch = draw(actor.sprite, pose, size, _smear(actor, time, exposure, size))
        if patch is None:
            continue
        if actor.shadow == "beside":
            shade_beside(image, patch, pose.scale)
        elif actor.shadow == "below":
            shade_below(image, (pose.x, pose.y + actor.sprite.sole * pose.scale), pose.scale)
        blend(image, labels, patch, actor.label)
    return image, labels


def _smear(
    actor: Actor, time: float, exposure: float, size: tuple[int, int]
) -> tuple[float, float]:
    """Return how far the actor moves while the shutter is open, (x, y) pixels."""
    before, after = actor.path(time - exposure / 2), actor.path(time + exposure / 2)
    x, y = after.x - before.x, after.y - before.y
    longest = _LONGEST_SMEAR * min(size)
    part = min(1.0, longest / max(float(np.hypot(x, y)), 1e-9))
    return x * part, y * part


def _illuminate(image: Image, scene: Scene, shade: Field | None, time: float) -> None:
    """Apply the light of the hour and the shadow of a cloud that crosses the frame."""
    gain = np.array(scene.light(time), np.float32)
    if shade is None:
        image *= gain
        return
    across = np.linspace(0, 1, image.shape[1], dtype=np.float32)[None, :] + 0.07 * shade
    edge = np.float32(2.2 * time - 0.6)
    inside = np.clip(1.5 - np.abs(across - edge) / 0.2, 0, 1)
    image *= gain * (1 - np.float32(scene.cloud) * inside)[..., None]
