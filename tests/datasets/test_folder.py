"""Anybody's own data: frames, masks, nothing else."""

from pathlib import Path

import pytest

from vostool.datasets.folder import read_folder
from vostool.errors import DatasetError


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
