"""Datasets of VOT's layout: what is read, and what is said of damaged ones."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from vostool.datasets.catalog import open_dataset, open_masks
from vostool.errors import DatasetError, UnknownNameError, UsageError
from vostool.workspace import Workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write two sequences, one of polygons in color/, one of boxes beside its ground truth."""
    folder = tmp_path / "datasets/VOT2018"
    for name, place, line in (("bag", "color", "1,1,9,1,9,7,1,7"), ("cat", ".", "4,4,20,10")):
        (folder / name / place).mkdir(parents=True)
        for index in range(4):
            path = folder / name / place / f"{index + 1:08d}.jpg"
            cv2.imwrite(str(path), np.full((48, 64, 3), 90, np.uint8))
        (folder / name / "groundtruth.txt").write_text(f"{line}\n" * 4)
    (folder / "bag/occlusion.tag").write_text("0\n1\n")
    (folder / "list.txt").write_text("cat\nbag\n")
    return folder


def test_what_is_there(root: Path, tmp_path: Path) -> None:
    dataset = open_dataset("VOT2018", workspace=Workspace(tmp_path))
    assert [sequence.name for sequence in dataset.sequences] == ["cat", "bag"]
    cat, bag = dataset.sequences
    assert (dataset.key, dataset.kind, dataset.interval) == ("VOT2018", "restarts", (100, 356))
    assert cat.size == bag.size == (64, 48)
    assert len(cat) == len(bag) == 4
    assert bag.tags["occlusion"].tolist() == [False, True, False, False]
    assert not dataset.covers_official(["cat", "bag"])
    prompt = dataset.prompt(cat, 2)
    assert prompt.frame_index == 2
    assert prompt.box == (4, 4, 20, 10)
    assert prompt.mask is not None
    assert prompt.mask.sum() == 200
    assert prompt.polygon is not None
    assert prompt.polygon.shape == (4, 2)


def test_objects_at_the_edge_start_with_what_is_seen(root: Path) -> None:
    for line, area in (("-10,-10,14,14", 16), ("60,40,30,30", 32), ("-9,-9,4,4", 1)):
        (root / "cat/groundtruth.txt").write_text(f"{line}\n" * 4)
        dataset = open_dataset("VOT2018", root=root)
        for init in ("mask", "box"):
            prompt = dataset.prompt(dataset.sequences[0], 0, init)
            assert prompt.mask is not None
            assert prompt.mask.sum() == area
            x, y, w, h = prompt.box
            assert 0 <= x < x + w <= 64
            assert 0 <= y < y + h <= 48


def test_the_box_is_the_masks_or_of_the_polygons_area(root: Path) -> None:
    (root / "cat/groundtruth.txt").write_text("10,20,20,10,30,20,20,30\n" * 4)
    dataset = open_dataset("VOT2018", root=root)
    box = dataset.prompt(dataset.sequences[0], 0, "mask").box
    assert tuple(box) == pytest.approx((10, 10, 20, 20), abs=1)
    x, y, w, h = dataset.prompt(dataset.sequences[0], 0, "box").box
    assert w * h == pytest.approx(200)
    assert (x + w / 2, y + h / 2) == pytest.approx((20, 20))


def test_the_workspace_of_vot_toolkit(root: Path, tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    shutil.move(root, tmp_path / "workspace/sequences")
    dataset = open_dataset(f"vot:{tmp_path / 'workspace'}")
    assert len(dataset.sequences) == 2
    assert dataset.key == "vot-workspace"
    assert dataset.interval is None


def test_without_a_list_by_name(root: Path) -> None:
    (root / "list.txt").unlink()
    names = [sequence.name for sequence in open_dataset(f"vot:{root}").sequences]
    assert names == ["bag", "cat"]


def test_scoring_needs_one_frame(root: Path) -> None:
    for path in sorted((root / "bag/color").iterdir())[1:]:
        path.unlink()
    assert len(open_dataset("VOT2018", root=root, need_frames=False).sequences[1]) == 4
    with pytest.raises(DatasetError, match=r"'bag' has 1 frames in .* and 4 lines"):
        open_dataset("VOT2018", root=root)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("bag/groundtruth.txt", "1,1,9,1,9,7,1\n" * 4, "line 1 has 7 numbers"),
        ("bag/groundtruth.txt", "1,1,9,7\nnan,nan,nan,nan\n", "line 2: the region is NaN"),
        ("bag/groundtruth.txt", "1,1,9,7\n1,1,0,7\n", "line 2: the box is 0 x 7 pixels"),
        ("bag/groundtruth.txt", "1,1,9,7\n1\n", "line 2 is a single number"),
        ("bag/groundtruth.txt", "", "is empty"),
        ("bag/groundtruth.txt", "1,1,9,7\n" * 3, "'bag' has 4 frames"),
        ("bag/occlusion.tag", "0\nyes\n", "has 'yes': a tag is 0 or 1"),
        ("bag/occlusion.tag", "0\n" * 5, "has 5 lines: a tag is 0 or 1 for each of the 4"),
        ("list.txt", "bag\ndog\n", "dog/groundtruth.txt is missing"),
        ("bag/color/00000001.jpg", "no image", "is not an image"),
    ],
)
def test_damaged(root: Path, file: str, text: str, message: str) -> None:
    (root / file).write_text(text)
    with pytest.raises(DatasetError) as error:
        open_dataset("VOT2018", root=root)
    assert message in str(error.value)


def test_neither_list_nor_truth(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"holds list\.txt and a folder"):
        open_dataset(f"vot:{tmp_path / 'empty'}")
    with pytest.raises(DatasetError, match="nowhere is not a folder"):
        open_dataset(f"vot:{tmp_path / 'nowhere'}")


def test_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"VOT2016 not found.*votchallenge\.net"):
        open_dataset("VOT2016", workspace=Workspace(tmp_path))
    with pytest.raises(UnknownNameError, match="VOT2017"):
        open_dataset("VOT2017", workspace=Workspace(tmp_path))
    with pytest.raises(UnknownNameError, match="VOT2018"):
        open_dataset("VOT2O18", workspace=Workspace(tmp_path))
    with pytest.raises(UsageError, match="has boxes and no masks"):
        open_masks("VOT2018", workspace=Workspace(tmp_path))


def test_fingerprints_notice_changes(root: Path) -> None:
    def fingerprints() -> tuple[str, str]:
        dataset = open_dataset("VOT2018", root=root)
        cat = dataset.sequences[0]
        return dataset.fingerprint(cat), dataset.first_mask_hash(cat)

    before = fingerprints()
    assert fingerprints() == before
    os.truncate(root / "cat/00000002.jpg", 300)
    changed = fingerprints()
    assert changed[0] != before[0]
    assert changed[1] == before[1]
    (root / "cat/groundtruth.txt").write_text("4,4,20,10\n4,4,20,11\n" * 2)
    assert fingerprints()[1] != before[1]


def test_labels_are_tags(root: Path, tmp_path: Path) -> None:
    (root / "cat/camera_motion.label").write_bytes(b"0\r\n1\r\n1\r\n")
    (root / "bag/occlusion.label").write_text("0\n1\n0\n0\n")  # as the tag says
    cat, bag = open_dataset("VOT2018", workspace=Workspace(tmp_path)).sequences
    assert cat.tags["camera_motion"].tolist() == [False, True, True, False]
    assert bag.tags["occlusion"].tolist() == [False, True, False, False]
    (root / "bag/occlusion.label").write_text("1\n1\n0\n0\n")
    with pytest.raises(DatasetError, match=r"occlusion\.label and occlusion\.tag, which differ"):
        open_dataset("VOT2018", workspace=Workspace(tmp_path))
    (root / "bag/occlusion.label").write_text("yes\nno\n")
    with pytest.raises(DatasetError, match=r"occlusion\.label has 'yes'"):
        open_dataset("VOT2018", workspace=Workspace(tmp_path))


def test_half_a_download(root: Path, tmp_path: Path) -> None:
    shutil.rmtree(root / "bag")
    dataset = open_dataset("VOT2018", sequences=["cat"], workspace=Workspace(tmp_path))
    assert [sequence.name for sequence in dataset.sequences] == ["cat"]
    assert dataset.whole_names == ("cat", "bag")


def test_results_in_one_folder(cli, root: Path, tmp_path: Path) -> None:
    (tmp_path / "res").mkdir()
    for name, line in (("bag", "1,1,9,1,9,7,1,7"), ("cat", "4,4,20,10")):
        (tmp_path / f"res/{name}_001.txt").write_text("1\n" + f"{line}\n" * 3)
    data = ["--dataset", f"vot:{root}", "--masks", tmp_path / "res", "--interval", "2,4"]
    done = cli("eval", *data)
    assert done.exit_code == 0, done.output
