"""Reading COCO files as videos: own, legacy and plain ones, and what is none."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vostool.datasets.catalog import open_dataset
from vostool.errors import DatasetError
from vostool.exchange.coco.reader import CocoVideo, read_coco
from vostool.exchange.coco.rle import encode_objects
from vostool.exchange.coco.siampolar_2020 import to_legacy
from vostool.exchange.coco.writer import to_coco


@pytest.fixture
def root(drawn, film) -> Path:
    """Draw two sequences, and the list that legacy files need."""
    root = drawn({"goat": film, "bear": film[::-1]})
    (root / "db_info.yml").write_text("sequences:\n- name: bear\n- name: goat\n")
    return root


@pytest.fixture
def read(tmp_path) -> Callable[[Any], tuple[CocoVideo, ...]]:
    """Return a function that writes a document and reads it as videos."""

    def write_and_read(document: Any, **options: Any) -> tuple[CocoVideo, ...]:
        path = tmp_path / "given.json"
        path.write_text(json.dumps(document))
        return read_coco(path, tmp_path / "DAVIS", **options)

    return write_and_read


def own(root: Path) -> dict:
    dataset = open_dataset("DAVIS2017", root=root, split="train")
    return to_coco(dataset, "davis2coco", 2017, lambda done, name: None)


def plain() -> dict:
    """Write two images by hand, as `instances_val2017.json` has them."""
    square = {"image_id": 7, "category_id": 18, "bbox": [3, 2, 5, 4], "area": 20, "iscrowd": 0}
    runs = {"size": [10, 12], "counts": [32, 4, 84]}
    return {
        "images": [
            {"id": 7, "file_name": "000000000007.jpg", "width": 12, "height": 10},
            {"id": 9, "file_name": "000000000009.jpg", "width": 12, "height": 10},
        ],
        "annotations": [
            {**square, "id": 501, "segmentation": [[3, 2, 8, 2, 8, 6, 3, 6]]},
            {**square, "id": 502, "segmentation": runs},
            {**square, "id": 503, "segmentation": runs, "iscrowd": 1},
        ],
        "categories": [{"id": 18, "name": "dog", "supercategory": "animal"}],
    }


# --- what is read ---


def test_own_files(root, read, film):
    goat, bear = read(own(root))
    assert (goat.name, bear.name) == ("goat", "bear")
    assert [frame.index for frame in goat.frames] == [0, 1, 2, 3]
    assert goat.frames[0].path == root / "JPEGImages/480p/goat/00000.jpg"
    assert goat.frames[0].image().shape == (48, 64, 3)
    assert not goat.frames[1].objects  # an empty frame is kept
    tracks = goat.tracks()
    assert {i: [frame.index for frame in tracks[i]] for i in tracks} == {1: [0], 2: [0, 3], 7: [2]}
    late = goat.frames[2].objects[7]
    assert (late.category, late.box) == ("object", (0.0, 0.0, 64.0, 48.0))
    np.testing.assert_array_equal(late.mask(), film[2] == 7)


def test_frames_are_put_in_order(root, read):
    document = own(root)
    document["images"].reverse()
    assert [frame.index for frame in read(document)[1].frames] == [0, 1, 2, 3]


def test_legacy_files_keep_their_gaps(root, read, film):
    dataset = open_dataset("DAVIS2017", root=root, split="train")
    goat, bear = read(to_legacy(dataset, 2017, lambda done, name: None))
    assert (goat.name, bear.name) == ("goat", "bear")
    assert [frame.index for frame in goat.frames] == [0, 2, 3]
    assert [frame.index for frame in bear.frames] == [0, 1, 3]
    assert list(goat.tracks()) == list(bear.tracks()) == [1]
    assert goat.frames[2].objects[1].category == "goat"
    whole = np.zeros((48, 64), bool)
    whole[:47, :63] = True  # a polygon ends at the last row and column
    np.testing.assert_array_equal(goat.frames[2].objects[1].mask(), whole)


def test_plain_files_are_videos_of_one_frame(read):
    first, second = read(plain())
    assert (first.name, second.name) == ("000000000007", "000000000009")
    assert len(first.frames) == 1
    assert not second.frames[0].objects
    objects = first.frames[0].objects
    assert list(objects) == [501, 502]  # no crowd
    square, line = np.zeros((2, 10, 12), bool)
    square[2:6, 3:8] = True
    line[2:6, 3] = True  # column 3 starts at pixel 30
    np.testing.assert_array_equal(objects[501].mask(), square)
    np.testing.assert_array_equal(objects[502].mask(), line)
    (packed,) = encode_objects(line.astype(np.uint8), np.array([1]))
    assert objects[502].rle() == packed
    assert objects[501].category == "dog"


def test_crowds_if_asked_for(read):
    assert list(read(plain(), crowds=True)[0].frames[0].objects) == [501, 502, 503]


# --- what is not ---


def test_files_that_are_none(tmp_path):
    path = tmp_path / "absent.json"
    with pytest.raises(DatasetError, match=r"absent\.json does not exist\. Make it with"):
        read_coco(path, tmp_path)
    with pytest.raises(DatasetError, match="cannot be read: it is no file"):
        read_coco(tmp_path, tmp_path)
    for data in (b"", b"{", b"\xff\xd8\xff\xe0", b"[" * 100_000):
        path.write_bytes(data)
        with pytest.raises(DatasetError, match=r"is no JSON|is not UTF-8"):
            read_coco(path, tmp_path)


@pytest.mark.parametrize("document", [[], 3, None, {"images": []}])
def test_json_of_other_things(read, document):
    with pytest.raises(DatasetError, match=r"no COCO file of masks: it lacks .*annotations"):
        read(document)


def test_lists_of_other_things(read):
    for value in ({}, 3, None, [3], [[]]):
        document = {"images": value or [], "annotations": value, "categories": []}
        if value == {}:
            document["images"] = {"a": 1}
        with pytest.raises(DatasetError, match=r"given\.json"):
            read(document)


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        ("own", "videos", "name"),
        ("own", "images", "frame_index"),
        ("own", "annotations", "track_id"),
        ("plain", "images", "file_name"),
        ("plain", "annotations", "segmentation"),
        ("plain", "annotations", "bbox"),
        ("plain", "categories", "name"),
    ],
)
def test_a_key_that_is_missing(root, read, kind, name, key):
    document = own(root) if kind == "own" else plain()
    del document[name][0][key]
    with pytest.raises(DatasetError, match=rf"record 1 of '{name}' lacks {key}\."):
        read(document)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("images", {"height": 11}, r"annotation 502: its mask is \[10, 12\]"),
        ("images", {"id": 9}, "two records of 'images' have the same id"),
        ("annotations", {"id": 502}, "two records of 'annotations' have the same id"),
        ("annotations", {"image_id": 8}, "annotation 501 names an image or a category"),
        ("annotations", {"category_id": 1}, "annotation 501 names an image or a category"),
        ("annotations", {"segmentation": [[1, 2, 3, 4]]}, "annotation 501: its segmentation is no"),
        ("annotations", {"bbox": "wide"}, "no COCO file that can be read"),
    ],
)
def test_what_does_not_fit(read, name, change, message):
    document = plain()
    document[name][0].update(change)
    with pytest.raises(DatasetError, match=message):
        read(document)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("images", {"video_id": 5}, "image 1 is of no video"),
        ("images", {"frame_index": 1}, "the frames of 'goat' have no clear order"),
        ("annotations", {"track_id": 2}, "annotation 2 repeats track 2 of image 1"),
    ],
)
def test_videos_that_contradict_themselves(root, read, name, change, message):
    document = own(root)
    document[name][0].update(change)
    with pytest.raises(DatasetError, match=message):
        read(document)


def test_a_mask_that_is_cut_short(root, read):
    document = copy.deepcopy(own(root))
    rle = document["annotations"][0]["segmentation"]
    rle["counts"] = rle["counts"][:4]
    found = read(document)[0].frames[0].objects[1]
    for ask in (found.mask, found.rle):
        with pytest.raises(DatasetError, match=r"given\.json: annotation 1: its runs cover \d+ of"):
            ask()


def test_an_image_of_another_size(root, read):
    document = plain()
    document["images"][0]["file_name"] = "JPEGImages/480p/goat/00000.jpg"
    with pytest.raises(DatasetError, match="is 64x48, and its masks are 12x10"):
        read(document)[0].frames[0].image()
