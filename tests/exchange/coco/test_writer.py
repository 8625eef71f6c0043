"""The default schema: fields by hand, and masks -> JSON -> masks without loss."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError, MaskError
from vostool.exchange.coco.reader import read_coco
from vostool.exchange.coco.writer import to_coco, to_json

# Of pycocotools' own, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


def opened(root: Path, year: int = 2017, **options) -> Dataset:
    return open_dataset(f"DAVIS{year}", root=root, **{"split": "train", **options})


def converted(dataset: Dataset) -> dict:
    return to_coco(dataset, "davis2coco", 2017, lambda done, name: None)


@pytest.fixture
def written(tmp_path):
    """Return a function that converts a dataset and returns the file."""

    def write(dataset: Dataset) -> Path:
        path = tmp_path / "out.json"
        path.write_text(to_json(converted(dataset)))
        return path

    return write


def with_pillow(dataset: Dataset) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield sequence, file name and what a plain PNG reader sees, void taken away."""
    for sequence in dataset.sequences:
        for index, path in sequence.annotations.items():
            image = Image.open(path)
            labels = np.asarray(image.convert("L") if image.mode == "LA" else image)
            labels = (labels > 0) * 1 if dataset.merged else np.where(labels == 255, 0, labels)
            file = sequence.frames[index].relative_to(dataset.root).as_posix()
            yield sequence.name, file, labels


def check_round_trip(dataset: Dataset, path: Path, official) -> int:
    """Compare every frame, read by pycocotools and by our reader, with the PNGs."""
    coco = official(path)
    image_ids = {image["file_name"]: image["id"] for image in coco.dataset["images"]}
    ours = {
        (video.name, frame.path): frame
        for video in read_coco(path, dataset.root)
        for frame in video.frames
    }
    frames = list(with_pillow(dataset))
    assert len(image_ids) == len(ours) == len(frames)
    for name, file, labels in frames:
        theirs, mine = np.zeros_like(labels), np.zeros_like(labels)
        for annotation in coco.imgToAnns[image_ids[file]]:
            mask = coco.annToMask(annotation) == 1
            y, x = np.nonzero(mask)
            box = [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
            assert (annotation["bbox"], annotation["area"]) == (box, mask.sum())
            theirs[mask] += annotation["track_id"]
        for track_id, found in ours[name, dataset.root / file].objects.items():
            mine[found.mask()] += track_id
        np.testing.assert_array_equal(theirs, labels)
        np.testing.assert_array_equal(mine, labels)
    return len(frames)


# --- fields ---


def test_fields_by_hand(drawn, film):
    root = drawn({"goat": film, "bear": film[:1] * 4})
    document = converted(opened(root))
    assert document["videos"] == [
        {"id": 1, "name": "goat", "width": 64, "height": 48, "length": 4},
        {"id": 2, "name": "bear", "width": 64, "height": 48, "length": 4},
    ]
    assert [image["id"] for image in document["images"]] == list(range(1, 9))
    assert document["images"][5] == {
        "id": 6,
        "video_id": 2,
        "frame_index": 1,
        "file_name": "JPEGImages/480p/bear/00001.jpg",
        "width": 64,
        "height": 48,
    }
    assert document["categories"] == [{"id": 1, "name": "object", "supercategory": "object"}]
    annotations = document["annotations"]
    seen = [(a["id"], a["image_id"], a["video_id"], a["track_id"]) for a in annotations[:5]]
    # Frame 1 is empty: image 2 has no annotation.
    assert seen == [(1, 1, 1, 1), (2, 1, 1, 2), (3, 3, 1, 7), (4, 4, 1, 2), (5, 5, 2, 1)]
    first, second, third, fourth, _ = annotations[:5]
    assert first["bbox"] == [4, 0, 60, 25]  # with the pixel at (63, 0)
    assert first["area"] == 20 * 20 - 8 * 9 + 1
    assert (second["bbox"], second["area"]) == ([12, 5, 18, 20], 20 * 6 + 1)
    assert (third["bbox"], third["area"]) == ([0, 0, 64, 48], 48 + 64 - 1)
    assert (fourth["bbox"], fourth["area"]) == ([0, 0, 64, 48], 48 * 64)
    assert {a["iscrowd"] for a in annotations} == {0}
    assert document["info"]["converter"] == "vostool convert davis2coco"


def test_the_same_bytes_wherever_it_lies(drawn, film):
    one, two = (
        to_json(converted(opened(drawn({"goat": film, "bear": film}, folder=folder))))
        for folder in ("one", "elsewhere")
    )
    assert one == two
    assert json.loads(one)["images"][0]["file_name"] == "JPEGImages/480p/goat/00000.jpg"


# --- round trip ---


def test_round_trip_of_drawn_masks(drawn, film, written, official):
    dataset = opened(drawn({"goat": film, "bear": film[::-1]}))
    assert check_round_trip(dataset, written(dataset), official) == 8


def test_round_trip_of_a_merged_2017(drawn, film, written, official):
    without_void = [np.where(labels == 255, 0, labels) for labels in film]
    dataset = opened(drawn({"bear": without_void}), 2016)
    assert check_round_trip(dataset, written(dataset), official) == 4


def test_round_trip_of_real_davis_2016(shared, written, official):
    names = ["bear", "bmx-bumps", "surf"]  # an LA mask; 14 empty masks; one empty mask
    dataset = opened(shared / "data/DAVIS", 2016, sequences=names)
    path = written(dataset)
    document = json.loads(path.read_text())
    assert (len(document["images"]), len(document["annotations"])) == (227, 212)
    assert check_round_trip(dataset, path, official) == 227


def test_round_trip_of_real_davis_2017(shared, written, official):
    dataset = opened(shared / "data/DAVIS2017-240p", resolution="240p")
    path = written(dataset)
    assert check_round_trip(dataset, path, official) == 80
    (video,) = read_coco(path, dataset.root)
    assert sorted(video.tracks()) == [1, 2, 3, 4, 5, 6, 7]


# --- what is refused ---


def test_masks_of_another_size_than_the_image(drawn, film):
    root = drawn({"bear": [*film, np.ones((24, 32), np.uint8)]})
    with pytest.raises(DatasetError, match=r"00004\.png is 32x24, and its image .* is 64x48"):
        converted(opened(root))


def test_a_sequence_that_changes_its_size(drawn, film, tmp_path):
    root = drawn({"bear": [*film, np.ones((24, 32), np.uint8)]})
    Image.new("RGB", (32, 24)).save(root / "JPEGImages/480p/bear/00004.jpg")
    with pytest.raises(DatasetError, match=r"is 32x24, and the first of them is 64x48"):
        converted(opened(root))


def test_an_image_that_is_none(drawn, film):
    root = drawn({"bear": film})
    (root / "JPEGImages/480p/bear/00002.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"00002\.jpg is not an image"):
        converted(opened(root))


def test_binary_masks_as_2017(drawn, film):
    root = drawn({"bear": [np.where(labels > 0, 255, 0) for labels in film]})
    with pytest.raises(DatasetError, match="for binary masks use --year 2016"):
        converted(opened(root))


def test_masks_without_any_object(drawn):
    root = drawn({"bear": [np.zeros((48, 64))] * 3})
    with pytest.raises(DatasetError, match=r"No mask of sequence 'bear' .* shows an object"):
        converted(opened(root))


def test_smoothed_masks(drawn):
    ramp = np.broadcast_to(np.arange(0, 256, 2, np.uint8), (48, 128))
    with pytest.raises(MaskError, match="smoothed"):
        converted(opened(drawn({"bear": [ramp] * 2}, size=(48, 128))))
