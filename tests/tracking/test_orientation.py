"""Frames of phones: turned as viewers turn them, and masks that lie otherwise are refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (48, 48)])
def test_masks_as_people_see_the_frames(cli, tmp_path: Path, size: tuple[int, int]) -> None:
    """The tracker sees the frame as it is drawn here, though the file is stored on its side."""
    seen = np.zeros((*size, 3), np.uint8)
    seen[5:15, 10:30] = (200, 30, 20)
    exif = Image.Exif()
    exif[0x0112] = 6
    for index in range(3):
        frame = tmp_path / f"d/JPEGImages/a/{index:05d}.jpg"
        mask = tmp_path / f"d/Annotations/a/{index:05d}.png"
        for path in (frame, mask):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(np.rot90(seen))).save(frame, exif=exif, quality=95)
        Image.fromarray((seen[..., 0] > 100).astype(np.uint8)).save(mask)
    data = ["--dataset", f"folder:{tmp_path / 'd'}"]
    done = cli("run", "color_model", *data)
    assert done.exit_code == 0, done.output
    found = np.array(Image.open(tmp_path / "results/folder-d/color_model/masks/a/00001.png"))
    expected = seen[..., 0] > 100
    assert (expected & (found > 0)).sum() / (expected | (found > 0)).sum() > 0.9


def test_masks_on_the_pixels_as_stored(cli, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    (tmp_path / "d/JPEGImages/a").mkdir(parents=True)
    (tmp_path / "d/Annotations/a").mkdir(parents=True)
    Image.new("RGB", (60, 40)).save(tmp_path / "d/JPEGImages/a/0.jpg", exif=exif)
    Image.fromarray(np.ones((40, 60), np.uint8)).save(tmp_path / "d/Annotations/a/0.png")
    done = cli("run", "copy_first", "--dataset", f"folder:{tmp_path / 'd'}")
    assert done.exit_code == 2
    assert "orientation flag 8" in " ".join(done.output.split())
