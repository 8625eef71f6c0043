"""Fixtures for all tests: tiny datasets drawn on the spot, real data if it is there, the CLI."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from vostool.io.label_maps import davis_palette

pytest_plugins = ["tests.helpers.box_datasets", "tests.helpers.extras"]
SIZE = (48, 64)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data and official results that VOSTOOL_TEST_DATA names."""
    given = os.environ.get("VOSTOOL_TEST_DATA")
    if not given:
        pytest.skip("VOSTOOL_TEST_DATA is not set: no real data to compare with")
    if not Path(given).is_dir():
        pytest.skip(f"VOSTOOL_TEST_DATA={given} is not a folder")
    return Path(given).resolve()


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Result]:
    """Return a function that runs `vostool ARGS` with the workspace in `tmp_path`.

    Only errors with a sentence become exit codes; any other exception fails the test.
    """
    from vostool.cli import cli as command

    def invoke(*arguments: object) -> Result:
        texts = ["--home", str(tmp_path), *map(str, arguments)]
        return CliRunner().invoke(command, texts, prog_name="vostool", catch_exceptions=False)

    return invoke


@pytest.fixture
def save_mask() -> Callable[..., Path]:
    """Return a function that writes a label map with Pillow: palette PNG, or mode L."""
    return _save_mask


@pytest.fixture
def davis_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that draws a DAVIS folder into `tmp_path` and returns its root.

    2017 masks are palette PNGs of ids, 2016 masks are grey with 0 and 255.
    """

    def make(
        year: int = 2017,
        names: Sequence[str] = ("bear", "goat"),
        frames: int = 6,
        *,
        size: tuple[int, int] = SIZE,
        objects: int = 2,
        split: str = "val",
        resolution: str = "480p",
        folder: str = "DAVIS",
        seed: int = 0,
    ) -> Path:
        root = tmp_path / folder
        for number, name in enumerate(names):
            maps = _label_maps(frames, size, objects, seed + number)
            if year == 2016:
                maps = [np.where(labels > 0, 255, 0).astype(np.uint8) for labels in maps]
            _save_sequence(
                root / "JPEGImages" / resolution / name,
                root / "Annotations" / resolution / name,
                maps,
                mode="L" if year == 2016 else "P",
            )
        lists = root / "ImageSets" / str(year)
        lists.mkdir(parents=True, exist_ok=True)
        (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        return root

    return make


@pytest.fixture
def plain_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that draws a folder for `folder:PATH` into `tmp_path`; returns its root."""

    def make(
        names: Sequence[str] = ("one", "two"),
        frames: int = 6,
        *,
        size: tuple[int, int] = SIZE,
        objects: int = 2,
        folder: str = "clips",
        seed: int = 0,
    ) -> Path:
        root = tmp_path / folder
        for number, name in enumerate(names):
            maps = _label_maps(frames, size, objects, seed + number)
            _save_sequence(root / "JPEGImages" / name, root / "Annotations" / name, maps)
        return root

    return make


def _label_maps(
    frames: int, size: tuple[int, int], objects: int, seed: int
) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    """Draw discs that drift, each in its own strip of the image, so that all stay visible."""
    rng = np.random.default_rng(seed)
    height, width = size
    strip = width / objects
    y, x = np.mgrid[:height, :width]
    radius = rng.uniform(0.25, 0.4, objects) * min(strip, height)
    start = rng.uniform(0.4, 0.6, (objects, 2))
    drift = rng.uniform(-0.2, 0.2, (objects, 2))
    maps = []
    for frame in range(frames):
        labels = np.zeros(size, np.uint8)
        for k in range(objects):
            along, down = start[k] + drift[k] * frame / max(frames - 1, 1)
            distance = np.hypot(x - (k + along) * strip, y - down * height)
            labels[distance <= radius[k]] = k + 1
        maps.append(labels)
    return maps


def _save_sequence(frames: Path, masks: Path, maps: list[np.ndarray], mode: str = "P") -> None:
    frames.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(maps))
    colors = rng.integers(60, 256, (256, 3), np.uint8)
    colors[0] = 30
    for index, labels in enumerate(maps):
        image = colors[labels] + rng.integers(0, 20, (*labels.shape, 3)) // 2
        cv2.imwrite(str(frames / f"{index:05d}.jpg"), np.clip(image, 0, 255).astype(np.uint8))
        _save_mask(masks / f"{index:05d}.png", labels, mode)


def _save_mask(path: Path, labels: np.ndarray, mode: str = "P") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(labels, np.uint8))
    if mode == "P":
        image.putpalette(davis_palette())
    image.save(path)
    return path
