"""Drawn DAVIS folders, and COCO's own tools to read what is written."""

import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

SIZE = (48, 64)


@pytest.fixture
def official() -> Callable[[Path], COCO]:
    """Return a function that loads a file with pycocotools, which prints as it does."""

    def load(path: Path) -> COCO:
        with contextlib.redirect_stdout(io.StringIO()):
            return COCO(str(path))

    return load


@pytest.fixture
def drawn(davis_folder, save_mask) -> Callable[..., Path]:
    """Return a function that writes label maps as the sequences of a DAVIS; returns its root."""

    def make(
        maps: dict[str, Sequence[np.ndarray]], year: int = 2017, split: str = "train", **options
    ) -> Path:
        frames = {len(labels) for labels in maps.values()}
        root = davis_folder(year, tuple(maps), max(frames), split=split, **options)
        for name, labels in maps.items():
            for index, each in enumerate(labels):
                save_mask(root / f"Annotations/480p/{name}/{index:05d}.png", each)
        return root

    return make


@pytest.fixture
def film() -> list[np.ndarray]:
    """Draw a hole, objects that touch, a single pixel, void, a late object and an empty frame."""
    maps = [np.zeros(SIZE, np.uint8) for _ in range(4)]
    maps[0][5:25, 4:24] = 1
    maps[0][10:18, 9:18] = 0  # hole
    maps[0][12, 12] = 2  # in the hole
    maps[0][5:25, 24:30] = 2  # touches
    maps[0][40:48, 60:64] = 255  # void
    maps[0][0, 63] = 1
    maps[2][:, 0] = 7  # late, and along a border
    maps[2][47, :] = 7
    maps[3][:] = 2  # everywhere
    return maps
