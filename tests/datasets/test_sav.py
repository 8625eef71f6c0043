"""SA-V: an object is a sequence, with masks of its own that may overlap others."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from vostool.datasets.catalog import open_dataset
from vostool.datasets.sav import read_sav
from vostool.errors import DatasetError
from vostool.workspace import Workspace


@pytest.fixture
def sav(tmp_path: Path, save_mask: Callable[..., Path]) -> Path:
    """Draw one video of nine frames in `datasets/SA-V`, two objects, every fourth annotated."""
    root = tmp_path / "datasets/SA-V/sav_val"
    for index in range(9):
        frame = root / f"JPEGImages_24fps/sav_1/{index:05d}.jpg"
        frame.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(frame), np.full((24, 32, 3), 20 * index, np.uint8))
        for each in range(2) if index % 4 == 0 else ():
            labels = np.zeros((24, 32), np.uint8)
            labels[4 : 12 + 6 * each, 4 + index : 12 + index] = 255
            save_mask(root / f"Annotations_6fps/sav_1/{each:03d}/{index:05d}.png", labels, "L")
    (root / "sav_val.txt").write_text("sav_1\n")
    return root.parent


@pytest.mark.parametrize("below", ["", "sav_val"])
def test_objects_are_sequences(sav: Path, below: str) -> None:
    contents = read_sav(sav / below, "val", need_frames=True)
    assert contents.root == sav / "sav_val"
    assert [s.name for s in contents.sequences] == ["sav_1/000", "sav_1/001"]
    for sequence in contents.sequences:
        assert len(sequence) == 9
        assert list(sequence.annotations) == [0, 4, 8]


def test_masks_are_one_object_each(sav: Path, tmp_path: Path) -> None:
    dataset = open_dataset("SA-V", workspace=Workspace(tmp_path))
    assert dataset.protocol.name == "sav"
    areas = []
    for sequence in dataset.sequences:
        prompts = list(dataset.prompts(sequence))
        assert [len(each) for each in prompts] == [1] + [0] * 8
        areas.append(int(prompts[0][0].mask.sum()))
    assert areas == [64, 112]  # they overlap


def test_a_run_lies_as_the_evaluator_wants_it(sav: Path, cli, tmp_path: Path) -> None:
    done = cli("run", "copy_first", "--dataset", "SA-V")
    assert done.exit_code == 0, done.output
    masks = tmp_path / "results/SA-V/copy_first/masks"
    assert sorted(p.relative_to(masks).as_posix() for p in masks.glob("*/*")) == [
        "sav_1/000",
        "sav_1/001",
    ]
    assert not list(masks.glob(".*"))
    assert len(list(masks.glob("sav_1/001/*.png"))) == 9
    again = cli("run", "copy_first", "--dataset", "SA-V")
    assert "all tracked before" in again.output
    scored = cli("eval", "--dataset", "SA-V")
    assert scored.exit_code == 0, scored.output
    # Only frame 4 counts: the object has moved by 4 of its 8 columns.
    objects = (tmp_path / "results/SA-V/copy_first/scores/sav/objects.csv").read_text()
    assert objects.splitlines()[1].startswith("sav_1/000,1,1,0.3333333333333333,")


def test_what_is_missing(sav: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"neither Annotations_6fps/ nor sav_test/"):
        read_sav(sav, "test", need_frames=False)
    with pytest.raises(DatasetError, match=r"sav_test\.txt is missing. It has sav_val\.txt"):
        read_sav(sav / "sav_val", "test", need_frames=False)
    for path in (sav / "sav_val/Annotations_6fps/sav_1/001").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="'sav_1/001' has no masks"):
        read_sav(sav, "val", need_frames=False)
    (sav / "sav_val/sav_val.txt").write_text("sav_1\nsav_2\n")
    (sav / "sav_val/Annotations_6fps/sav_1/001").rmdir()
    with pytest.raises(DatasetError, match="sav_2 has no folders of objects"):
        read_sav(sav, "val", need_frames=False)
