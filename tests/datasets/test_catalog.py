"""Opening datasets by name: where they are looked for, their keys, prompts and fingerprints."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vostool.datasets.catalog import CATALOG, find_root, open_dataset
from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError, UnknownNameError, UsageError
from vostool.workspace import Workspace


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Dataset]:
    """Return `open_dataset` with the workspace in `tmp_path`."""
    return lambda name, **options: open_dataset(name, workspace=Workspace(tmp_path), **options)


# --- where ---


@pytest.mark.parametrize(
    ("name", "year", "folder"),
    [
        ("DAVIS2016", 2016, "DAVIS2016"),
        ("DAVIS2016", 2016, "DAVIS"),
        ("DAVIS2017", 2017, "DAVIS2017"),
        ("DAVIS2017", 2017, "DAVIS"),
    ],
)
def test_found_in_the_workspace(davis_folder, opened, name: str, year: int, folder: str) -> None:
    root = davis_folder(year, folder=f"datasets/{folder}")
    dataset = opened(name)
    assert dataset.root == root
    assert dataset.key == dataset.name == name
    assert (dataset.split, dataset.protocol.name) == ("val", "davis")
    assert dataset.merged == (year == 2016)
    assert not dataset.late_objects


def test_root_goes_before_the_workspace(davis_folder, opened) -> None:
    davis_folder(folder="datasets/DAVIS")
    elsewhere = davis_folder(folder="elsewhere", names=("cows",))
    dataset = opened("DAVIS2017", root=elsewhere)
    assert [sequence.name for sequence in dataset.sequences] == ["cows"]


def test_not_there_says_how_to_get_it(opened) -> None:
    with pytest.raises(DatasetError, match=r"DAVIS2016 not found.*davischallenge.org.*--root"):
        opened("DAVIS2016")


def test_a_root_that_is_no_folder(opened, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"--root .*nowhere is not a folder"):
        opened("DAVIS2016", root=tmp_path / "nowhere")


def test_an_empty_folder_is_not_the_dataset(tmp_path: Path) -> None:
    (tmp_path / "datasets/DAVIS").mkdir(parents=True)
    assert find_root(CATALOG["DAVIS2017"], Workspace(tmp_path)) is None


def test_a_plain_folder(plain_folder, opened) -> None:
    root = plain_folder()
    dataset = opened(f"folder:{root}")
    assert dataset.key == "folder-clips"
    assert (dataset.split, dataset.protocol.name) == ("all", "davis")
    assert dataset.late_objects
    assert not dataset.official


def test_a_folder_below_the_current_one(plain_folder, opened, monkeypatch) -> None:
    root = plain_folder()
    monkeypatch.chdir(root)
    assert opened("folder:.").key == "folder-clips"


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("DAVIS", {}, UnknownNameError, "no dataset 'DAVIS'. Did you mean 'DAVIS201"),
        ("davis2016", {}, UnknownNameError, "Known: .*folder:PATH"),
        ("DAVIS2016", {"split": "test-dev"}, UnknownNameError, "split 'test-dev' of DAVIS2016"),
        ("folder:absent", {}, DatasetError, "absent is not a folder"),
        ("folder:.", {"root": Path()}, UsageError, "drop --root"),
        ("folder:.", {"resolution": "480p"}, UsageError, "drop --resolution"),
        ("folder:.", {"split": "val"}, UnknownNameError, "split 'val' of folder"),
    ],
)
def test_what_cannot_be_meant(
    davis_folder, opened, name: str, options: dict, error: type[Exception], message: str
) -> None:
    davis_folder(2016, folder="datasets/DAVIS")
    with pytest.raises(error, match=message):
        opened(name, **options)


# --- keys under results/ ---


@pytest.mark.parametrize(
    ("split", "resolution", "key"),
    [
        (None, None, "DAVIS2017"),
        ("val", "480p", "DAVIS2017"),
        ("train", None, "DAVIS2017-train"),
        (None, "240p", "DAVIS2017-240p"),
        ("train", "240p", "DAVIS2017-train-240p"),
    ],
)
def test_other_splits_and_sizes_have_other_keys(
    davis_folder, opened, split: str | None, resolution: str | None, key: str
) -> None:
    for name in ("val", "train"):
        for folder in ("480p", "240p"):
            davis_folder(split=name, resolution=folder, folder="datasets/DAVIS")
    assert opened("DAVIS2017", split=split, resolution=resolution).key == key


# --- choosing sequences ---


def test_sequences_keep_the_order_of_the_split(davis_folder, opened) -> None:
    davis_folder(names=("goat", "bear", "cows"), folder="datasets/DAVIS")
    dataset = opened("DAVIS2017", sequences=["cows", "goat"])
    assert [sequence.name for sequence in dataset.sequences] == ["goat", "cows"]


def test_an_unknown_sequence(davis_folder, opened) -> None:
    davis_folder(folder="datasets/DAVIS")
    with pytest.raises(UnknownNameError, match=r"sequence 'gaot' in DAVIS2017 \(val\).*'goat'"):
        opened("DAVIS2017", sequences=["gaot"])


def test_a_part_of_the_official_split_is_known_as_one(davis_folder, opened) -> None:
    davis_folder(2016, folder="datasets/DAVIS")
    dataset = opened("DAVIS2016")
    assert len(dataset.official) == 20
    assert not dataset.covers_official(sequence.name for sequence in dataset.sequences)
    assert dataset.covers_official(dataset.official)


@pytest.mark.parametrize(
    ("name", "split", "count"),
    [
        ("DAVIS2016", "train", 30),
        ("DAVIS2016", "val", 20),
        ("DAVIS2016", "trainval", 50),
        ("DAVIS2017", "train", 60),
        ("DAVIS2017", "val", 30),
        ("DAVIS2017", "trainval", 90),
        ("DAVIS2017", "test-dev", 30),
    ],
)
def test_sizes_of_the_official_splits(name: str, split: str, count: int) -> None:
    official = CATALOG[name].official[split]
    assert len(set(official)) == len(official) == count


def test_2017_holds_all_of_2016() -> None:
    for split in ("train", "val"):
        old, new = (CATALOG[f"DAVIS{year}"].official[split] for year in (2016, 2017))
        assert set(old) <= set(new)


# --- label maps and prompts ---


def test_2016_is_merged(davis_folder, opened) -> None:
    root = davis_folder(2016, folder="datasets/DAVIS")
    labels = opened("DAVIS2016").labels(root / "Annotations/480p/bear/00000.png")
    assert np.unique(labels).tolist() == [0, 1]


def test_2016_is_merged_from_the_ids_of_2017(davis_folder, opened) -> None:
    root = davis_folder(2017, folder="datasets/DAVIS", names=("goat",))
    path = root / "Annotations/480p/goat/00000.png"
    ids, merged = opened("DAVIS2017").labels(path), opened("DAVIS2016").labels(path)
    assert np.unique(ids).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(merged, ids > 0)


def test_prompts_of_the_first_frame(davis_folder, opened) -> None:
    davis_folder(folder="datasets/DAVIS")
    dataset = opened("DAVIS2017")
    bear = dataset.sequences[0]
    prompts = list(dataset.prompts(bear))
    labels = dataset.labels(bear.annotations[0])
    assert [len(each) for each in prompts] == [2, 0, 0, 0, 0, 0]
    for prompt, object_id in zip(prompts[0], (1, 2), strict=True):
        assert (prompt.object_id, prompt.frame_index) == (object_id, 0)
        np.testing.assert_array_equal(prompt.mask, labels == object_id)
        x, y, w, h = map(int, prompt.box)
        assert (labels[y : y + h, x : x + w] == object_id).sum() == prompt.mask.sum()


def blank(value: int = 0) -> np.ndarray:
    labels = np.zeros((48, 64), np.uint8)
    labels[:4, :4] = value
    return labels


@pytest.fixture
def late(plain_folder, save_mask) -> Path:
    """Draw a folder where object 9 appears on frame 2 and again, after a pause, on frame 5."""
    root = plain_folder(("one",), objects=1)
    for index in range(6):
        labels = np.zeros((48, 64), np.uint8)
        labels[20:30, 30:40] = 4
        if index in (2, 5):
            labels[:5, :5] = 9
        save_mask(root / f"Annotations/one/{index:05d}.png", labels)
    return root


def test_late_objects_are_prompted_where_they_first_appear(late: Path, opened) -> None:
    dataset = opened(f"folder:{late}")
    prompts = list(dataset.prompts(dataset.sequences[0]))
    starts = [(p.object_id, p.frame_index) for each in prompts for p in each]
    assert starts == [(4, 0), (9, 2)]


def test_late_objects_of_davis_are_not_prompted(davis_folder, opened, save_mask) -> None:
    root = davis_folder(folder="datasets/DAVIS")
    save_mask(root / "Annotations/480p/bear/00002.png", blank(9))
    dataset = opened("DAVIS2017")
    prompts = list(dataset.prompts(dataset.sequences[0]))
    assert [p.object_id for each in prompts for p in each] == [1, 2]


def test_sparse_masks_prompt_where_they_are(late: Path, opened) -> None:
    (late / "Annotations/one/00002.png").unlink()
    dataset = opened(f"folder:{late}")
    prompts = list(dataset.prompts(dataset.sequences[0]))
    assert [(p.object_id, p.frame_index) for each in prompts for p in each] == [(4, 0), (9, 5)]


def test_an_empty_first_mask(davis_folder, opened, save_mask) -> None:
    root = davis_folder(folder="datasets/DAVIS")
    save_mask(root / "Annotations/480p/bear/00000.png", blank())
    dataset = opened("DAVIS2017")
    with pytest.raises(DatasetError, match=r"00000\.png has no object, so sequence 'bear' cannot"):
        next(dataset.prompts(dataset.sequences[0]))


def test_an_empty_first_mask_of_a_folder_says_what_to_do(late: Path, opened, save_mask) -> None:
    save_mask(late / "Annotations/one/00000.png", blank())
    dataset = opened(f"folder:{late}")
    with pytest.raises(DatasetError, match="drop the frames before it"):
        next(dataset.prompts(dataset.sequences[0]))


def test_binary_masks_opened_as_2017(davis_folder, opened) -> None:
    davis_folder(2016, folder="datasets/DAVIS")
    root = davis_folder(2017, folder="datasets/2017") / "ImageSets/2017"
    root.rename(root.parents[3] / "datasets/DAVIS/ImageSets/2017")
    dataset = opened("DAVIS2017")
    with pytest.raises(DatasetError, match=r"only 255 \(void\).*--dataset DAVIS2016"):
        next(dataset.prompts(dataset.sequences[0]))


# --- fingerprints ---


def test_fingerprints_are_those_of_the_files_wherever_they_lie(davis_folder, opened) -> None:
    roots = [davis_folder(folder=folder) for folder in ("a", "b")]
    first, second = (opened("DAVIS2017", root=root) for root in roots)
    prints = [first.fingerprint(sequence) for sequence in first.sequences]
    assert prints == [second.fingerprint(sequence) for sequence in second.sequences]
    assert len(set(prints)) == 2


@pytest.mark.parametrize("change", ["frame", "mask", "name", "fewer", "first mask"])
def test_fingerprints_notice_changes(davis_folder, opened, save_mask, change: str) -> None:
    root = davis_folder()
    frames, masks = root / "JPEGImages/480p/bear", root / "Annotations/480p/bear"

    def fingerprint() -> str:
        dataset = opened("DAVIS2017", root=root)
        return dataset.fingerprint(dataset.sequences[0])

    before = fingerprint()
    if change == "frame":
        (frames / "00003.jpg").write_bytes((frames / "00003.jpg").read_bytes() + b"\0")
    elif change == "mask":
        save_mask(masks / "00003.png", blank(1))
    elif change == "name":
        (frames / "00005.jpg").rename(frames / "00006.jpg")
        (masks / "00005.png").rename(masks / "00006.png")
    elif change == "fewer":
        (frames / "00005.jpg").unlink()
        (masks / "00005.png").unlink()
    else:
        swap_two_bytes(masks / "00000.png")
    assert fingerprint() != before


def swap_two_bytes(path: Path) -> None:
    """Change the contents of a file but not its size or time."""
    times = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


# --- without frames ---


def test_scoring_needs_no_frames(davis_folder, opened) -> None:
    root = davis_folder(folder="datasets/DAVIS")
    (root / "JPEGImages").rename(root / "elsewhere")
    with pytest.raises(DatasetError, match="has no frames"):
        opened("DAVIS2017")
    dataset = opened("DAVIS2017", need_frames=False)
    assert [len(sequence) for sequence in dataset.sequences] == [6, 6]
