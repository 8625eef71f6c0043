"""Small datasets of boxes, and trackers that lose their object when they are told to."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

SIZE = (64, 48)

TRACKER = '''
import numpy as np
from vostool import Box, Region, Tracker


class Scripted(Tracker):
    """The box moves two pixels a frame, as the object does; on some frames it is elsewhere."""

    lost = {lost}
    random = {random}

    def reset(self):
        self.rng = np.random.default_rng(self.runtime.seed)

    def step(self, frame, prompts=()):
        labels = np.zeros(frame.shape[:2], np.uint8)
        for prompt in prompts:
            self.id, self.box, self.last = prompt.object_id, prompt.box, prompt.polygon
            assert prompt.mask is not None and prompt.mask.any()
        if not prompts:
            x, y, w, h = self.box
            self.box = Box(x + 2, y, w, h)
        x, y, w, h = self.box
        if int(frame[0, 0, 0]) // 4 in self.lost:
            x, y = 0, 40
        if self.random:
            x += self.rng.uniform(-1, 1)
        x, y, w, h = (round(side) for side in (x, y, w, h))
        labels[max(y, 0) : y + h, max(x, 0) : x + w] = self.id
        self.seen = Box(x, y, w, h)
        return labels
{regions}
'''


@pytest.fixture
def scripted(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a tracker into the workspace and returns its name.

    It is lost on the frames named; `regions` is the code of further methods.
    """

    def make(
        name: str = "scripted",
        *,
        lost: tuple[int, ...] = (),
        random: bool = False,
        regions: str = "",
    ) -> str:
        path = tmp_path / "trackers" / name / "tracker.py"
        path.parent.mkdir(parents=True)
        path.write_text(TRACKER.format(lost=set(lost) or "()", random=random, regions=regions))
        return name

    return make


@pytest.fixture
def vot_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a dataset of VOT's layout; a box moves two pixels a frame.

    Frames tell their number by their color, for trackers that follow a script.
    """

    def make(
        lengths: dict[str, int] | None = None,
        folder: str = "datasets/VOT2018",
        frames: str = "color",
    ) -> Path:
        root = tmp_path / folder
        lengths = lengths or {"bag": 20, "cat": 14}
        for name, length in lengths.items():
            (root / name / frames).mkdir(parents=True)
            lines = []
            for index in range(length):
                image = np.full((SIZE[1], SIZE[0], 3), 4 * index, np.uint8)
                path = root / name / frames / f"{index + 1:08d}.png"
                cv2.imwrite(str(path), image)
                x = 2 + 2 * index
                corners = (x, 10, x + 12, 10, x + 12, 18, x, 18)
                lines.append(",".join(f"{value:.2f}" for value in corners))
            (root / name / "groundtruth.txt").write_text("\n".join(lines) + "\n")
            tag = "".join(f"{int(index > 5)}\n" for index in range(length))
            (root / name / "occlusion.tag").write_text(tag)
        (root / "list.txt").write_text("".join(f"{name}\n" for name in lengths))
        return root

    return make


@pytest.fixture
def otb_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a dataset of OTB's layout; a box moves two pixels a frame."""

    def make(
        names: tuple[str, ...] = ("Bag", "Cat"), length: int = 12, folder: str = "otb"
    ) -> Path:
        root = tmp_path / folder
        for name in names:
            (root / name / "img").mkdir(parents=True)
            for index in range(length):
                image = np.full((SIZE[1], SIZE[0], 3), 4 * index, np.uint8)
                cv2.imwrite(str(root / name / "img" / f"{index + 1:04d}.png"), image)
            boxes = "".join(f"{2 + 2 * index}\t10\t12\t8\n" for index in range(length))
            (root / name / "groundtruth_rect.txt").write_text(boxes)
        return root

    return make
