"""Anybody's own data: frames, masks, nothing else."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool import evaluate
from vostool.datasets import synthetic
from vostool.datasets.catalog import open_dataset
from vostool.datasets.folder import read_folder
from vostool.errors import DatasetError, MaskError


def test_sequences_by_name(plain_folder) -> None:
    sequences = read_folder(plain_folder(("two", "one")), need_frames=True)
    assert [sequence.name for sequence in sequences] == ["one", "two"]
    assert [len(sequence) for sequence in sequences] == [6, 6]
    assert list(sequences[0].annotations) == list(range(6))


def test_masks_may_be_sparse(plain_folder) -> None:
    root = plain_folder()
    for index in (1, 2, 4, 5):
        (root / f"Annotations/one/{index:05d}.png").unlink()
    one = read_folder(root, need_frames=True)[0]
    assert len(one) == 6
    assert list(one.annotations) == [0, 3]
    assert one.annotations[3].name == "00003.png"


def test_without_frames_the_masks_stand_for_them(plain_folder) -> None:
    root = plain_folder()
    (root / "JPEGImages").rename(root / "elsewhere")
    one = read_folder(root, need_frames=False)[0]
    assert [one.frame_name(i) for i in range(len(one))] == [f"{i:05d}" for i in range(6)]
    with pytest.raises(DatasetError, match="'one' has no frames"):
        read_folder(root, need_frames=True)


def test_sequences_without_masks_do_not_exist(plain_folder) -> None:
    root = plain_folder()
    (root / "JPEGImages/three").mkdir()
    assert len(read_folder(root, need_frames=True)) == 2


def test_hidden_folders_are_left_alone(plain_folder) -> None:
    root = plain_folder()
    (root / "Annotations/.cache").mkdir()
    assert len(read_folder(root, need_frames=True)) == 2


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".jpeg", ".bmp"])
def test_frames_of_other_formats(plain_folder, suffix: str) -> None:
    root = plain_folder()
    for path in (root / "JPEGImages/one").iterdir():
        path.rename(path.with_suffix(suffix))
    assert len(read_folder(root, need_frames=True)[0]) == 6


def test_the_first_mask_is_needed(plain_folder) -> None:
    root = plain_folder()
    (root / "Annotations/two/00000.png").unlink()
    with pytest.raises(DatasetError, match=r"'two' has no mask for its first frame"):
        read_folder(root, need_frames=True)


def test_a_mask_without_a_frame(plain_folder) -> None:
    root = plain_folder()
    (root / "JPEGImages/two/00004.jpg").unlink()
    (root / "JPEGImages/two/00005.jpg").unlink()
    with pytest.raises(DatasetError, match=r"00004\.png, 00005\.png .* have no frame"):
        read_folder(root, need_frames=True)


def test_an_empty_sequence(plain_folder) -> None:
    root = plain_folder()
    (root / "Annotations/three").mkdir()
    with pytest.raises(DatasetError, match="'three' has no masks"):
        read_folder(root, need_frames=True)


def test_no_annotations(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no folder Annotations/\. Put masks into"):
        read_folder(tmp_path, need_frames=True)


def test_no_sequences(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(DatasetError, match="has no sequence folders"):
        read_folder(tmp_path, need_frames=True)


@pytest.mark.parametrize("resolution", ["480p", "Full-Resolution"])
def test_a_davis_folder_is_recognised(davis_folder, resolution: str) -> None:
    root = davis_folder(resolution=resolution)
    with pytest.raises(DatasetError, match=r"layout of DAVIS.*DAVIS2017 with --root"):
        read_folder(root, need_frames=True)


# --- binary masks ---


def binary(root: Path, names: tuple[str, ...] = ("one", "two")) -> None:
    """Make masks of ids into masks of 0 and 255, as those of DAVIS 2016."""
    for name in names:
        for path in (root / "Annotations" / name).iterdir():
            with Image.open(path) as image:
                labels = np.asarray(image)
            Image.fromarray(np.where(labels > 0, 255, 0).astype(np.uint8)).save(path)


def test_binary_masks_are_one_object(plain_folder) -> None:
    root = plain_folder()
    binary(root)
    dataset = open_dataset(f"folder:{root}")
    assert dataset.merged
    prompts = list(dataset.prompts(dataset.sequences[0]))
    assert [[p.object_id for p in each] for each in prompts] == [[1], [], [], [], [], []]
    predictions = plain_folder(folder="masks", seed=5) / "Annotations"
    scores = evaluate(f"folder:{root}", predictions)
    assert scores.objects["object"].tolist() == [1, 1]


def test_ids_are_not_merged(plain_folder, save_mask) -> None:
    root = plain_folder()
    labels = np.full((48, 64), 255, np.uint8)  # void beside an object
    labels[4:9, 4:9] = 1
    save_mask(root / "Annotations/one/00000.png", labels)
    assert not open_dataset(f"folder:{root}").merged


def test_binary_masks_among_ids(plain_folder) -> None:
    root = plain_folder()
    binary(root, ("two",))
    with pytest.raises(
        DatasetError, match=r"two/00000\.png is a binary .*one/00000\.png holds object ids"
    ):
        open_dataset(f"folder:{root}")
    assert open_dataset(f"folder:{root}", sequences=["two"]).merged
    assert not open_dataset(f"folder:{root}", sequences=["one"]).merged


def test_a_smoothed_first_mask_is_not_tracked(plain_folder, save_mask) -> None:
    root = plain_folder()
    ramp = np.linspace(0, 255, 48 * 64).reshape(48, 64).astype(np.uint8)
    save_mask(root / "Annotations/one/00000.png", ramp, "L")
    dataset = open_dataset(f"folder:{root}", sequences=["one"])
    with pytest.raises(MaskError, match=r"one/00000\.png has 256 different values.*anti-aliased"):
        next(dataset.prompts(dataset.sequences[0]))


# --- names and attributes ---


@pytest.mark.parametrize("where", ["Annotations/%s/0.png", "JPEGImages/one/%s.jpg"])
def test_names_that_are_not_utf8(plain_folder, where: str) -> None:
    root = plain_folder()
    path = os.fsencode(root / where).replace(b"%s", b"caf\xe9")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    except OSError:
        pytest.skip("this file system takes no such names")
    with pytest.raises(DatasetError, match=r"caf\\xe9.* is not valid UTF-8\. Rename it"):
        read_folder(root, need_frames=True)


def test_attributes_of_the_synthetic_dataset(tmp_path: Path) -> None:
    names = synthetic.SEQUENCES[1:3]
    root = synthetic.make(tmp_path / "s", 0, sequences=names, size=(64, 80), frames=3)
    drawn = json.loads((root / "dataset.json").read_text())["sequences"]
    found = {s.name: s.attributes for s in read_folder(root, need_frames=True)}
    assert found == {name: tuple(drawn[name]["attributes"]) for name in names}
    assert all(found.values())


@pytest.mark.parametrize("text", ["{", "[]", '{"sequences": {"one": []}}', '{"sequences": 3}'])
def test_another_dataset_json_says_nothing(plain_folder, text: str) -> None:
    root = plain_folder()
    (root / "dataset.json").write_text(text)
    assert [s.attributes for s in read_folder(root, need_frames=True)] == [None, None]
