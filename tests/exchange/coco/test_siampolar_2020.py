"""The schema of SiamPolar's converter, by hand.

On the 36 real sequences of DAVIS 2016, and on 2017 with its listings sorted, images, annotations
and categories were found equal to those that the original wrote (commit 6721a80).
"""

import json
from pathlib import Path

import numpy as np
import pytest

from vostool.datasets.catalog import open_dataset
from vostool.errors import DatasetError
from vostool.exchange.coco.siampolar_2020 import (
    legacy_name,
    sequence_names,
    to_legacy,
    to_legacy_json,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")
INFO = """attributes: [A, B]
sets: [training, test]
sequences:
- attributes: [A]
  name: camel
  set: training
- attributes: []   # none
  name: "goat"
- name: bear
  attributes: []
versions:
- name: not-a-sequence
"""


def disc(x: int = 20) -> np.ndarray:
    labels = np.zeros((48, 64), np.uint8)
    labels[10:30, x : x + 20] = 1
    return labels


EMPTY = np.zeros((48, 64), np.uint8)


def specks() -> np.ndarray:
    """Draw nothing but components of one and two pixels."""
    labels = EMPTY.copy()
    labels[3, 3] = labels[40, 50:52] = 1
    return labels


def converted(root: Path, year: int = 2017, split: str = "train", **options) -> dict:
    dataset = open_dataset(f"DAVIS{year}", root=root, split=split, **options)
    return to_legacy(dataset, year, lambda done, name: None)


@pytest.fixture
def with_info(drawn):
    """Return `drawn` with a db_info.yml."""

    def make(*arguments, **options) -> Path:
        root = drawn(*arguments, **options)
        (root / "Annotations" / "db_info.yml").write_text(INFO)
        return root

    return make


def test_ids_are_rows_and_leave_gaps(with_info):
    maps = {"goat": [EMPTY, disc(), disc()], "bear": [disc(), specks(), disc()]}
    document = converted(with_info(maps))
    images, annotations = document["images"], document["annotations"]
    # Row 1 is empty, row 5 has no contour of three points.
    assert [image["id"] for image in images] == [2, 3, 4, 6]
    assert [image["first_frame"] for image in images] == [1, 1, 4, 4]
    assert images[0] == {
        "id": 2,
        "file_name": "JPEGImages/480p/goat/00001.jpg",
        "width": 64,
        "height": 48,
        "first_frame": 1,
        "license": 1,
        "url": "",
        "date_captured": "2016",
    }
    assert [a["id"] for a in annotations] == [a["image_id"] for a in annotations] == [2, 3, 4, 6]
    assert [a["category_id"] for a in annotations] == [2, 2, 3, 3]  # in the order of db_info
    assert document["categories"] == [
        {"id": 1, "name": "camel", "supercategory": "camel"},
        {"id": 2, "name": "goat", "supercategory": "goat"},
        {"id": 3, "name": "bear", "supercategory": "bear"},
    ]
    assert (document["type"], document["info"]["year"]) == ("instances", "2017")


def test_a_square_by_hand(with_info):
    document = converted(with_info({"bear": [disc()]}))
    assert document["annotations"][0] == {
        "id": 1,
        "image_id": 1,
        "category_id": 3,
        "segmentation": [[20, 10, 20, 29, 39, 29, 39, 10]],
        "bbox": [20, 10, 20, 20],
        "area": 19.0 * 19,  # COCO's polygons end at the last row and column
        "iscrowd": 0,
    }


def test_holes_are_filled_and_objects_merged(with_info, tmp_path, official):
    labels = EMPTY.copy()
    labels[4:34, 4:34] = 1
    labels[14:25, 14:25] = 0  # a hole of 11x11
    labels[17:21, 17:21] = 2  # an object of 4x4 in it
    labels[10:20, 50:60] = 255  # void, which is not 0
    path = tmp_path / "legacy.json"
    path.write_text(to_legacy_json(converted(with_info({"bear": [labels]}))))
    coco = official(path)
    (annotation,) = coco.dataset["annotations"]
    mask = coco.annToMask(annotation) == 1
    assert annotation["bbox"] == [4, 4, 56, 30]
    assert len(annotation["segmentation"]) == 4  # outside, hole, object, void
    assert annotation["area"] == mask.sum() == 29 * 29 + 9 * 9
    assert mask[23, 23]
    ring = labels == 1
    square = mask & (np.arange(64) < 50)
    iou = (ring & square).sum() / (ring | square).sum()
    assert iou == pytest.approx(0.8)  # (29 * 29 - 11 * 11) / (30 * 30)


def test_specks_extend_the_box_only(with_info):
    labels = np.maximum(disc(), specks())
    (annotation,) = converted(with_info({"bear": [labels]}))["annotations"]
    assert len(annotation["segmentation"]) == 1
    assert annotation["area"] == 19 * 19
    assert annotation["bbox"] == [3, 3, 49, 38]


def test_rows_come_from_the_list_of_pairs(with_info):
    root = with_info({"goat": [disc()] * 3, "bear": [disc()] * 3}, 2016)
    rows = [("bear", 2), ("bear", 0), ("goat", 1)]
    folder = root / "ImageSets" / "480p"
    folder.mkdir()
    (folder / "train.txt").write_text(
        "".join(
            f"/JPEGImages/480p/{n}/{i:05d}.jpg /Annotations/480p/{n}/{i:05d}.png\n" for n, i in rows
        )
    )
    images = converted(root, 2016)["images"]
    assert [image["file_name"] for image in images] == [
        f"JPEGImages/480p/{name}/{index:05d}.jpg" for name, index in rows
    ]
    assert [image["first_frame"] for image in images] == [1, 1, 3]
    (folder / "train.txt").write_text("/JPEGImages/480p/bear/00000.jpg\n")
    with pytest.raises(DatasetError, match=r"train\.txt has the row .* an image and a mask"):
        converted(root, 2016)


def test_names_and_text(with_info):
    root = with_info({"bear": [disc()]}, 2016, folder="a")
    dataset = open_dataset("DAVIS2016", root=root, split="train")
    assert legacy_name(dataset, 2016) == "480p_train.json"
    text = to_legacy_json(converted(root, 2016))
    assert text.startswith('{\n    "annotations": [\n        {\n            "area": 361.0,\n')
    assert list(json.loads(text)) == sorted(json.loads(text))
    dataset = open_dataset(
        "DAVIS2017", root=with_info({"bear": [disc()]}, split="val", folder="b"), split="val"
    )
    assert legacy_name(dataset, 2017) == "2017_val.json"


def test_the_list_of_sequences_is_needed(drawn):
    root = drawn({"bear": [disc()]})
    with pytest.raises(DatasetError, match=r"Annotations/db_info\.yml .*--legacy"):
        converted(root)
    (root / "db_info.yaml").write_text("sequences:\n- name: goat\n")
    with pytest.raises(DatasetError, match="does not list sequence 'bear'"):
        converted(root)
    (root / "db_info.yaml").write_text("name: bear\n")
    with pytest.raises(DatasetError, match="lists no sequences"):
        converted(root)


def test_the_real_list_of_sequences(shared):
    names = sequence_names(shared / "data" / "DAVIS")
    assert len(names) == 50
    assert names[:4] == ["bear", "blackswan", "bmx-bumps", "bmx-trees"]


def test_real_davis(shared):
    document = converted(shared / "data/DAVIS", 2016, "val")
    assert len(document["images"]) == len(document["annotations"]) == 282
    # From the file that the original converter wrote on the same masks.
    first, last = document["annotations"][0], document["annotations"][-1]
    assert (first["bbox"], first["area"]) == ([127, 73, 383, 312], 40647.0)
    assert (last["bbox"], last["area"]) == ([140, 119, 345, 294], 53568.0)
    assert sum(a["area"] for a in document["annotations"]) == 6398907.0
    assert {i["first_frame"] for i in document["images"]} == {1, 141, 240, 51, 91, 191}
