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


def test_the_empty_list_of_human4(tmp_path: Path) -> None:
    for name in ("groundtruth_rect.1", "groundtruth_rect1"):
        folder = tmp_path / name / "Human4"
        draw(folder, "", 2, name=name)
        draw(folder, "1,2,9,8\n2,2,9,8\n", 2, name="groundtruth_rect.2")
        (only,) = open_dataset(f"otb:{tmp_path / name}").sequences
        assert only.name == "Human4-2"
    draw(tmp_path / "other/Bag", "", 2)
    with pytest.raises(DatasetError, match="is empty"):
        open_dataset(f"otb:{tmp_path / 'other'}")


def test_separators_that_change_within_a_file(tmp_path: Path) -> None:
    """As in line 496 of BlurCar1."""
    draw(tmp_path / "Bag", "1\t2\t9\t8\n2 2 9 8\n3,2,9,8\n4; 2; 9; 8\n", 4)
    (bag,) = open_dataset(f"otb:{tmp_path}").sequences
    assert bag.truth.values[:, 0].tolist() == [1, 2, 3, 4]


def test_half_a_download(tmp_path: Path) -> None:
    draw(tmp_path / "Bag", "1,2,9,8\n2,2,9,8\n", 2)
    draw(tmp_path / "Cat", "1,2,9,8\n2,2,9,8\n", 0)
    dataset = open_dataset(f"otb:{tmp_path}", sequences=["Bag"])
    assert [sequence.name for sequence in dataset.sequences] == ["Bag"]
    with pytest.raises(DatasetError, match="Cat"):
        open_dataset(f"otb:{tmp_path}")


@pytest.mark.parametrize(
    "file",
    ["Jog-2.txt", "Jog_2.txt", "Jog.2.txt", "jog_2.txt", "Jog-2/Jog-2_001.txt", "Jog_2_001.txt"],
)
def test_names_of_results(cli, tmp_path: Path, file: str) -> None:
    lines = "1,2,9,8\n2,2,9,8\n"
    for number in (1, 2):
        draw(tmp_path / "otb/Jog", lines, 2, name=f"groundtruth_rect.{number}")
    path = tmp_path / "res" / file
    path.parent.mkdir(parents=True)
    path.write_text("1,2,9,8\nNaN,NaN,NaN,NaN\n")
    (tmp_path / "res/Jog-1.txt").write_text(lines)
    done = cli("eval", "--dataset", f"otb:{tmp_path / 'otb'}", "--masks", tmp_path / "res")
    assert done.exit_code == 0, done.output
    scores = tmp_path / "results/otb-otb/scores/res/ope/sequences.csv"
    rows = [line.split(",") for line in scores.read_text().split()]
    auc = dict(zip([row[0] for row in rows[1:]], [float(row[2]) for row in rows[1:]], strict=True))
    # An overlap of 1 is above 20 of 21 thresholds; a frame without a box is above none.
    assert auc == pytest.approx({"Jog-1": 20 / 21, "Jog-2": 10 / 21})


def test_names_of_results_that_may_be_either(cli, tmp_path: Path) -> None:
    lines = "1,2,9,8\n2,2,9,8\n"
    draw(tmp_path / "otb/Jog", lines, 2, name="groundtruth_rect.2")
    (tmp_path / "res").mkdir()
    data = ["--dataset", f"otb:{tmp_path / 'otb'}", "--masks", tmp_path / "res"]
    for name in ("jogging.txt", "Jog.2.txt", "Jog_2.txt"):
        (tmp_path / "res" / name).write_text(lines)
    done = cli("eval", *data)
    assert done.exit_code == 2
    assert "Jog.2.txt" in done.output
    assert "Jog_2.txt" in done.output
    (tmp_path / "res/Jog.2.txt").unlink()
    (tmp_path / "res/Jog_2.txt").unlink()
    done = cli("eval", *data)
    assert done.exit_code == 2
    assert "jogging.txt" in done.output
    (tmp_path / "res/Jog.txt").write_text(lines)
    assert cli("eval", *data).exit_code == 0


@pytest.mark.parametrize("omitted", [0, 5])
def test_results_of_tiger1_begin_at_frame_6(cli, tmp_path: Path, omitted: int) -> None:
    truth = [f"{i},2,9,8" for i in range(8)]
    draw(tmp_path / "otb/Tiger1", "\n".join(truth), 8)
    (tmp_path / "res").mkdir()
    found = [line if i >= 5 else "60,40,2,2" for i, line in enumerate(truth)]
    (tmp_path / "res/Tiger1.txt").write_text("\n".join(found[omitted:]))
    data = ["--dataset", f"otb:{tmp_path / 'otb'}", "--masks", tmp_path / "res"]
    done = cli("eval", *data, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    row = (tmp_path / "out/sequences.csv").read_text().split()[1].split(",")
    assert int(row[1]) == 8 - omitted
    assert float(row[2]) == pytest.approx(20 / 21 * (1 if omitted else 3 / 8))
    (tmp_path / "otb/Tiger1").rename(tmp_path / "otb/Tiger2")
    (tmp_path / "res/Tiger1.txt").rename(tmp_path / "res/Tiger2.txt")
    assert cli("eval", *data).exit_code == (2 if omitted else 0)
