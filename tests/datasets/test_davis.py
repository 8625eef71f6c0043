"""DAVIS 2016 and 2017 in every layout they are handed around in."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool.datasets.attributes import read_attributes
from vostool.datasets.catalog import open_dataset
from vostool.datasets.davis import davis_contents, read_davis
from vostool.errors import DatasetError, UnknownNameError
from vostool.types import Sequence


def read(root: Path, year: int = 2017, split: str = "val", **options) -> tuple[Sequence, ...]:
    options = {"resolution": "480p", "need_frames": True, **options}
    return read_davis(root, year, split, **options)


def names(sequences: tuple[Sequence, ...]) -> list[str]:
    return [sequence.name for sequence in sequences]


# --- split files ---


@pytest.mark.parametrize("year", [2016, 2017])
def test_sequences_are_those_of_the_list_in_its_order(davis_folder, year: int) -> None:
    root = davis_folder(year, names=("goat", "bear", "cows"))
    (root / f"ImageSets/{year}/val.txt").write_text("goat\nbear\n\n")
    sequences = read(root, year)
    assert names(sequences) == ["goat", "bear"]
    goat = sequences[0]
    assert [path.name for path in goat.frames] == [f"{i:05d}.jpg" for i in range(6)]
    assert list(goat.annotations) == list(range(6))
    assert goat.annotations[3] == root / "Annotations/480p/goat/00003.png"
    assert goat.frame_name(3) == "00003"
    assert len(goat) == 6


def test_the_path_pairs_of_2016(davis_folder) -> None:
    root = davis_folder(2016)
    (root / "ImageSets/2016").rename(root / "ImageSets/480p")
    pairs = [
        f"/JPEGImages/480p/{name}/{i:05d}.jpg /Annotations/480p/{name}/{i:05d}.png"
        for name in ("goat", "bear")
        for i in range(6)
    ]
    (root / "ImageSets/480p/val.txt").write_text("\n".join(pairs) + " \n")
    assert names(read(root, 2016)) == ["goat", "bear"]


def test_2016_from_a_2017_folder(davis_folder) -> None:
    """Its sequences are the ones of 2016 by name; `gold-fish` came with 2017."""
    root = davis_folder(2017, names=("gold-fish", "goat", "blackswan"))
    assert names(read(root, 2016)) == ["blackswan", "goat"]


def test_2016_from_a_2017_folder_without_any_of_it(davis_folder) -> None:
    root = davis_folder(2017, names=("gold-fish",))
    with pytest.raises(DatasetError, match=r"no sequence of DAVIS 2016 'val'.*DAVIS2017"):
        read(root, 2016)


def test_trainval_is_both_lists(davis_folder) -> None:
    davis_folder(2017, names=("bear",), split="train")
    root = davis_folder(2017, names=("goat",), split="val")
    assert names(read(root, split="trainval")) == ["bear", "goat"]


def test_a_list_of_trainval_goes_first(davis_folder) -> None:
    davis_folder(2017, names=("bear",), split="train")
    root = davis_folder(2017, names=("goat",), split="trainval")
    assert names(read(root, split="trainval")) == ["goat"]


def test_a_missing_list_names_the_file(davis_folder) -> None:
    root = davis_folder(2017)
    with pytest.raises(DatasetError, match=r"2017/train\.txt is missing.*--split"):
        read(root, split="train")


def test_2017_asked_of_a_2016_folder(davis_folder) -> None:
    root = davis_folder(2016)
    with pytest.raises(DatasetError, match="looks like DAVIS 2016: use --dataset DAVIS2016"):
        read(root, 2017)


def test_an_empty_list(davis_folder) -> None:
    root = davis_folder()
    (root / "ImageSets/2017/val.txt").write_text("\n \n")
    with pytest.raises(DatasetError, match=r"val\.txt is empty"):
        read(root)


def test_a_sequence_of_the_list_that_is_not_there(davis_folder) -> None:
    root = davis_folder()
    (root / "ImageSets/2017/val.txt").write_text("bear\nkoala\n")
    with pytest.raises(DatasetError, match=r"'koala' has no masks.*koala has no PNG files"):
        read(root)


def test_windows_line_ends(davis_folder) -> None:
    root = davis_folder()
    (root / "ImageSets/2017/val.txt").write_bytes(b"bear\r\ngoat\r\n")
    assert names(read(root)) == ["bear", "goat"]


# --- resolutions ---


@pytest.mark.parametrize("folder", ["Full-Resolution", "1080p"])
def test_full_resolution(davis_folder, folder: str) -> None:
    root = davis_folder(resolution=folder)
    sequences = read(root, resolution="full")
    assert sequences[0].frames[0].parent == root / "JPEGImages" / folder / "bear"


def test_any_resolution_folder(davis_folder) -> None:
    assert len(read(davis_folder(resolution="240p"), resolution="240p")) == 2


def test_another_resolution_is_pointed_out(davis_folder) -> None:
    root = davis_folder(resolution="240p")
    with pytest.raises(DatasetError, match=r"no folder 480p. There is 240p.*--resolution"):
        read(root)


def test_full_resolution_that_is_not_there(davis_folder) -> None:
    root = davis_folder()
    with pytest.raises(DatasetError, match=r"no folder Full-Resolution or 1080p. There is 480p"):
        read(root, resolution="full")


def test_masks_that_are_not_under_a_resolution(plain_folder) -> None:
    root = plain_folder()
    with pytest.raises(DatasetError, match="not under a resolution: use --dataset folder:"):
        read(root)


def test_no_davis_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a DAVIS folder: it has no Annotations/"):
        read(tmp_path)


# --- frames and masks must be pairs ---


def test_a_missing_mask(davis_folder) -> None:
    root = davis_folder()
    (root / "Annotations/480p/bear/00002.png").unlink()
    with pytest.raises(DatasetError, match=r"'bear': 1 of 6 masks missing.*00002\.png"):
        read(root)


def test_a_missing_frame(davis_folder) -> None:
    root = davis_folder()
    (root / "JPEGImages/480p/bear/00002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"'bear': 00002\.png .* has no frame"):
        read(root)


def test_missing_frames_of_a_whole_sequence(davis_folder) -> None:
    root = davis_folder()
    for path in (root / "JPEGImages/480p/bear").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="'bear' has no frames"):
        read(root)
    without = read(root, need_frames=False)
    assert [without[0].frame_name(i) for i in range(6)] == [f"{i:05d}" for i in range(6)]


def test_two_images_of_one_name(davis_folder) -> None:
    root = davis_folder()
    frame = root / "JPEGImages/480p/bear/00002.jpg"
    frame.with_suffix(".png").write_bytes(frame.read_bytes())
    with pytest.raises(DatasetError, match="two images named '00002'"):
        read(root)


def test_hidden_and_other_files_are_left_alone(davis_folder) -> None:
    root = davis_folder()
    for name in (".00009.jpg", "._00001.jpg", "notes.txt", "Thumbs.db"):
        (root / "JPEGImages/480p/bear" / name).write_bytes(b"")
    (root / "Annotations/480p/bear/.00009.png").write_bytes(b"")
    assert len(read(root)[0]) == 6


def test_test_splits_have_only_first_masks(davis_folder) -> None:
    root = davis_folder(split="test-dev")
    for index in range(1, 6):
        (root / f"Annotations/480p/bear/{index:05d}.png").unlink()
    bear = read(root, split="test-dev")[0]
    assert len(bear) == 6
    assert list(bear.annotations) == [0]


def test_the_first_mask_of_a_test_split_is_needed(davis_folder) -> None:
    root = davis_folder(split="test-dev")
    (root / "Annotations/480p/bear/00000.png").unlink()
    with pytest.raises(DatasetError, match=r"no mask for its first frame.*00000\.png"):
        read(root, split="test-dev")


# --- attributes ---

DB_INFO = """
attributes: [AC, BC]
sequences:
- attributes: [LR, SV, IO]
  eval_t: true
  name: bear
  num_frames: 82
  set: train
  video_id: 1
- attributes: []
  name: goat
"""


@pytest.mark.parametrize("file", ["db_info.yml", "db_info.yaml"])
def test_attributes(davis_folder, file: str) -> None:
    root = davis_folder()
    (root / file).write_text(DB_INFO)
    assert {s.name: s.attributes for s in read(root)} == {"bear": ("LR", "SV", "IO"), "goat": ()}


def test_no_attributes(davis_folder) -> None:
    assert [s.attributes for s in read(davis_folder())] == [None, None]


# --- the real ones ---


def test_the_real_davis_2016(shared: Path) -> None:
    root = shared / "data/DAVIS"
    train, val = (read(root, 2016, split) for split in ("train", "val"))
    assert (len(train), len(val)) == (30, 6)
    assert sum(map(len, train)) == 2079
    assert names(train)[0] == "bear"
    attributes = {s.name: s.attributes for s in (*train, *val)}
    assert [name for name, codes in attributes.items() if not codes] == ["blackswan"]
    assert attributes["bear"] == ("DEF",)
    assert attributes["train"] == ("SC", "HO", "EA")


@pytest.mark.parametrize(("year", "folder"), [(2016, "DAVIS2016"), (2017, "DAVIS")])
def test_the_layouts_of_the_fixtures(shared: Path, year: int, folder: str) -> None:
    root = shared / "fixtures/davis_real" / folder
    sequences = read(root, year)
    assert len(sequences) == 6
    assert all(len(sequence) == 12 for sequence in sequences)
    assert sequences[0].frame_name(1) == "00003"


def test_both_lists_of_2016_say_the_same(shared: Path, tmp_path: Path) -> None:
    """The list of names and the list of path pairs, each alone."""
    root = shared / "data/DAVIS"
    found = []
    for kind in ("2016", "480p"):
        copy = tmp_path / kind
        (copy / "ImageSets").mkdir(parents=True)
        for folder in ("Annotations", "JPEGImages", f"ImageSets/{kind}"):
            (copy / folder).symlink_to(root / folder)
        found.append(names(read(copy, 2016)))
    assert found[0] == found[1]
    assert len(found[0]) == 6


def test_drawn_masks_are_what_they_say(davis_folder: Callable[..., Path]) -> None:
    """Guard the fixture: grey 0 and 255 for 2016, a palette of ids for 2017."""
    from PIL import Image

    for year, mode, values in ((2016, "L", [0, 255]), (2017, "P", [0, 1, 2])):
        root = davis_folder(year, folder=str(year))
        with Image.open(root / "Annotations/480p/bear/00000.png") as image:
            assert image.mode == mode
            assert np.unique(np.asarray(image)).tolist() == values


def test_split_file_of_another_encoding(davis_folder) -> None:
    root = davis_folder()
    path = root / "ImageSets" / "2017" / "val.txt"
    path.write_bytes(b"\xef\xbb\xbfbear\r\n")
    (sequence,) = read_davis(root, 2017, "val", "480p", need_frames=True)
    assert sequence.name == "bear"
    path.write_bytes(b"c\xe9\n")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_davis(root, 2017, "val", "480p", need_frames=True)


# --- archives as they are handed around ---


def test_a_copy_without_lists(davis_folder) -> None:
    """The official names are known; what is no sequence of the split stays out."""
    root = davis_folder(2017, names=("gold-fish", "goat", "bear"))
    shutil.rmtree(root / "ImageSets")
    contents = davis_contents(root, 2017, "val", "480p", need_frames=True)
    assert names(contents.sequences) == ["goat", "gold-fish"]
    assert any("ImageSets" in note and "2 of the 30" in note for note in contents.notes)
    assert names(read(root, 2016, "trainval")) == ["bear", "goat"]
    shutil.rmtree(root / "Annotations/480p/bear")
    with pytest.raises(DatasetError, match=r"no sequence of DAVIS 2017 'train'.*folder:PATH"):
        read(root, 2017, "train")


def test_masks_of_the_unsupervised_task_alone(davis_folder) -> None:
    root = davis_folder(2017, names=("goat",))
    (root / "Annotations").rename(root / "Annotations_unsupervised")
    contents = davis_contents(root, 2017, "val", "480p", need_frames=True)
    assert contents.sequences[0].annotations[0].is_relative_to(root / "Annotations_unsupervised")
    assert any("davis-unsupervised" in note for note in contents.notes)


def test_a_test_set_without_masks(davis_folder, cli, tmp_path: Path) -> None:
    root = davis_folder(2017, names=("goat",))
    masks = root / "Annotations/480p"
    masks.rename(tmp_path / "masks")
    shutil.rmtree(root / "Annotations")
    (root / "ImageSets/2017").rename(root / "ImageSets/2019")
    (root / "ImageSets/2019/val.txt").rename(root / "ImageSets/2019/test-dev.txt")
    data = ["--dataset", "DAVIS2017", "--split", "test-dev", "--root", root]
    done = cli("pack", tmp_path / "masks", *data, "--out", tmp_path / "z.zip")
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "z.zip") as archive:
        assert archive.namelist() == [f"goat/{i:05d}.png" for i in range(6)]
    for command in (["eval", *data, "--masks", tmp_path / "masks"], ["run", "copy_first", *data]):
        done = cli(*command)
        assert done.exit_code == 2
        assert "unsupervised" in done.output
    Image.fromarray(np.full((3, 4), 1, np.uint8)).save(tmp_path / "masks/goat/00003.png")
    done = cli("pack", tmp_path / "masks", *data, "--out", tmp_path / "z.zip")
    assert "4x3" in done.output
    labels = np.array(Image.open(tmp_path / "masks/goat/00002.png"))
    Image.fromarray(labels * 0 + 21).save(tmp_path / "masks/goat/00003.png")
    done = cli("pack", tmp_path / "masks", *data, "--out", tmp_path / "z.zip")
    assert "holds the id 21" in " ".join(done.output.split())


def test_half_a_download(davis_folder) -> None:
    """What is asked for is there; the list names another, and so does the whole."""
    root = davis_folder(2017, names=("goat", "cows"))
    (root / "ImageSets/2017/val.txt").write_text("goat\ncows\ncamel\n")
    next((root / "JPEGImages/480p/cows").iterdir()).unlink()
    dataset = open_dataset("DAVIS2017", root=root, sequences=["goat"])
    assert names(dataset.sequences) == ["goat"]
    assert dataset.whole_names == ("goat", "cows", "camel")
    for wanted in (None, ["camel"], ["goat", "cows"]):
        with pytest.raises(DatasetError, match=r"cows|camel"):
            open_dataset("DAVIS2017", root=root, sequences=wanted)
    with pytest.raises(UnknownNameError, match="cows"):
        open_dataset("DAVIS2017", root=root, sequences=["goats"])


def test_names_with_blanks_and_litter(davis_folder) -> None:
    root = davis_folder(2016, names=("my dog", "cat"))
    pairs = [
        f"/JPEGImages/480p/my dog/{i:05d}.jpg /Annotations/480p/my dog/{i:05d}.png"
        for i in range(6)
    ]
    (root / "ImageSets/2016/val.txt").write_text("\r\n".join(pairs))
    for name in ("__MACOSX", "@eaDir"):
        (root / "Annotations/480p" / name).mkdir()
    for name in (".DS_Store", "Thumbs.db", "._00000.png", "desktop.ini"):
        (root / "Annotations/480p/my dog" / name).write_bytes(b"x")
    assert names(read(root, 2016)) == ["my dog"]


# --- attributes ---


@pytest.mark.parametrize(
    "text",
    [
        "sequences:\n  - attributes: [AC, BC]\n    name: bear\n  - attributes: []\n    name: cow\n",
        "sequences:\n- name: bear\n  attributes: [AC,\n     BC]\n- name: cow\n  attributes: []\n",
        "sequences:\n  - name: 'bear'\n    attributes:\n      - AC\n      - BC\n    set: val\n"
        "  - name: cow\n    attributes: []\n",
        "\ufeffattributes: [AC, BC, CS]\r\nsequences:\r\n  - attributes: [AC, BC]\r\n"
        "    name: bear\r\n  - attributes: []\r\n    name: cow\r\n",
    ],
)
def test_attributes_however_the_list_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "db_info.yml").write_bytes(text.encode())
    assert read_attributes(tmp_path) == ({"bear": ("AC", "BC"), "cow": ()}, ())


@pytest.mark.parametrize(
    "text", ["", "bear: AC BC\n", "sequences:\n - attributes: {AC: 1}\n   name: bear\n"]
)
def test_attributes_in_another_form_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "db_info.yml").write_text(text)
    found, notes = read_attributes(tmp_path)
    assert not found
    assert "db_info.yml" in notes[0]
