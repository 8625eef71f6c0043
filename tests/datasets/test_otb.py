"""Datasets of OTB's layout: separators, objects that are gone, several objects, other lengths."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from vostool.datasets.catalog import open_dataset
from vostool.errors import DatasetError


def draw(
    folder: Path, truth: str, images: int, first: int = 1, name: str = "groundtruth_rect"
) -> None:
    (folder / "img").mkdir(parents=True, exist_ok=True)
    for index in range(images):
        path = folder / "img" / f"{first + index:04d}.jpg"
        cv2.imwrite(str(path), np.full((48, 64, 3), 90, np.uint8))
    (folder / f"{name}.txt").write_text(truth)


def test_separators_and_objects(tmp_path: Path) -> None:
    draw(tmp_path / "Bag", "1,2,9,8\n2,2,9,8\n", 2)
    draw(tmp_path / "Cat", "1\t2\t9\t8\n2\t2\t9\t8\n", 2)
    draw(tmp_path / "Dog", "1 2 9 8\n0 0 0 0\n", 2)
    draw(tmp_path / "Jog", "1,2,9,8\nNaN,NaN,NaN,NaN\n", 2, name="groundtruth_rect.1")
    draw(tmp_path / "Jog", "5,2,9,8\n6,2,9,8\n", 2, name="groundtruth_rect.2")
    dataset = open_dataset(f"otb:{tmp_path}")
    counts = {sequence.name: sequence.truth.counts.tolist() for sequence in dataset.sequences}
    assert counts == {"Bag": [4, 4], "Cat": [4, 4], "Dog": [4, 0], "Jog-1": [4, 0], "Jog-2": [4, 4]}
    assert dataset.kind == "one-pass"
    assert dataset.prompt(dataset.sequences[1], 1).box == (2, 2, 9, 8)


def test_images_without_boxes_are_left_out(tmp_path: Path) -> None:
    draw(tmp_path / "Bag", "1,2,9,8\n" * 3, 5)
    draw(tmp_path / "David", "1,2,9,8\n" * 3, 6, first=298)
    bag, david = open_dataset(f"otb:{tmp_path}").sequences
    assert [path.stem for path in bag.frames] == ["0001", "0002", "0003"]
    assert [path.stem for path in david.frames] == ["0300", "0301", "0302"]


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ("1,2,9,8\n1,2,9,8,7,7,7,7\n", "line 2 has 8 numbers; a box is x,y,w,h"),
        ("1,2,9,8\n1,2,9\n", "line 2 has 3 numbers"),
        ("0,0,0,0\n1,2,9,8\n", "the first box has no size"),
        ("NaN,2,9,8\n1,2,9,8\n", "the first box has no size"),
        ("1,2,9,8\n" * 3, "has 2 frames"),
        ("", "is empty"),
    ],
)
def test_damaged(tmp_path: Path, truth: str, message: str) -> None:
    draw(tmp_path / "Bag", truth, 2)
    with pytest.raises(DatasetError, match="Bag") as error:
        open_dataset(f"otb:{tmp_path}")
    assert message in str(error.value)


def test_no_sequence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no folder with a groundtruth_rect\.txt"):
        open_dataset(f"otb:{tmp_path}")
