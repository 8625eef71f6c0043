"""Label maps to time scoring with: ground truth in the layout of DAVIS-2017, and predictions."""

import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vostool.datasets import synthetic
from vostool.io.label_maps import read_labels, write_labels
from vostool.types import Labels

FLIPS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]


@dataclass(frozen=True)
class MaskSet:
    """Ground truth and predictions on disk.

    Args:
        davis: folder that holds `Annotations/480p`, `ImageSets` and `JPEGImages`.
        masks: predictions, `<sequence>/<frame>.png`.
        about: how much it is, for people.
    """

    davis: Path
    masks: Path
    about: str

    @property
    def truth(self) -> Path:
        """Folder of the ground truth, `<sequence>/<frame>.png`."""
        return self.davis / "Annotations" / "480p"


def from_folder(given: Path, folder: Path) -> MaskSet:
    """Take the label maps of a folder as ground truth, as they are, and make predictions of them.

    Args:
        given: holds `<sequence>/<frame>.png`.
        folder: to write to.
    """
    sequences = {path.name: sorted(path.glob("*.png")) for path in given.iterdir() if path.is_dir()}
    sequences = {name: sequences[name] for name in sorted(sequences) if sequences[name]}
    if not sequences:
        raise SystemExit(f"{given} holds no <sequence>/<frame>.png. Name a folder of label maps.")
    made = _empty(folder, list(sequences), "")
    frames = objects = 0
    for name, files in sequences.items():
        for index, file in enumerate(files):
            labels = read_labels(file)
            objects += int(labels.max()) if index == 0 else 0
            frames += 1
            shutil.copyfile(file, made.truth / name / file.name)
            write_labels(made.masks / name / file.name, perturbed(labels, index))
            # The official evaluator counts the images and never reads them.
            (made.davis / "JPEGImages" / "480p" / name / f"{file.stem}.jpg").touch()
    height, width = labels.shape
    return MaskSet(made.davis, made.masks, f"{frames} frames, {objects} objects, {width}x{height}")


def drawn(folder: Path) -> MaskSet:
    """Draw the synthetic dataset at 480p, four times over: as it is, and turned over."""
    maps = folder / "drawn"
    for name in synthetic.SEQUENCES:
        (maps / name).mkdir(parents=True)
        small = [labels for _, labels in synthetic.clip(name, size=(240, 427))]
        clip = [labels.repeat(2, axis=0).repeat(2, axis=1) for labels in small]
        for index, ((dy, dx), labels) in enumerate(itertools.product(FLIPS, clip)):
            write_labels(maps / name / f"{index:05}.png", np.ascontiguousarray(labels[::dy, ::dx]))
    return from_folder(maps, folder)


def disks(folder: Path, size: tuple[int, int], objects: int, frames: int) -> MaskSet:
    """Write one long sequence of disks that move to and fro.

    Args:
        folder: to write to.
        size: (H, W).
        objects: how many.
        frames: how many; they repeat after 20.
    """
    made = _empty(folder, ["disks"], f"{frames} frames, {objects} objects, {size[1]}x{size[0]}")
    still = disk_map(size, objects)
    for index in range(frames):
        name, first = f"disks/{index:05}.png", f"disks/{index % 20:05}.png"
        if index < 20:
            labels = shifted(still, index % 10, -(index % 10))
            write_labels(made.truth / name, labels)
            write_labels(made.masks / name, perturbed(labels, index))
        else:
            shutil.copyfile(made.truth / first, made.truth / name)
            shutil.copyfile(made.masks / first, made.masks / name)
        (made.davis / "JPEGImages" / "480p" / name).with_suffix(".jpg").touch()
    return made


def disk_map(size: tuple[int, int], objects: int) -> Labels:
    """Return a label map of disks in rows, which cover a tenth of it together."""
    height, width = size
    y, x = np.ogrid[:height, :width]
    labels = np.zeros(size, np.uint8)
    columns = int(np.ceil(np.sqrt(objects)))
    radius = np.sqrt(0.1 * height * width / objects / np.pi)
    for i in range(objects):
        centre_y = (i // columns + 0.5) * height / columns
        centre_x = (i % columns + 0.5) * width / columns
        labels[(y - centre_y) ** 2 + (x - centre_x) ** 2 <= radius**2] = i + 1
    return labels


def perturbed(labels: Labels, index: int) -> Labels:
    """Make a prediction of a label map: it drifts, grows by a pixel, or loses an object."""
    drift = index % 13 - 6
    made = shifted(labels, drift, 2 * drift)
    if index % 3 == 0:
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            made = np.where(made == 0, shifted(made, dy, dx), made)
    if index % 17 == 5:
        made[made == made.max()] = 0
    return made


def shifted(labels: Labels, down: int, right: int) -> Labels:
    """Return a label map moved by so many pixels, with background where nothing came from."""
    height, width = labels.shape
    moved = np.zeros_like(labels)
    moved[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = labels[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved


def _empty(folder: Path, names: list[str], about: str) -> MaskSet:
    made = MaskSet(folder / "DAVIS", folder / "masks", about)
    for name in names:
        for parent in (made.masks, made.truth, made.davis / "JPEGImages" / "480p"):
            (parent / name).mkdir(parents=True)
    lists = made.davis / "ImageSets" / "2017"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("\n".join(names) + "\n")
    return made
