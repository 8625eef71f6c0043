"""`vostool convert` as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool.exchange.coco.reader import read_coco

INFO = "sequences:\n- name: bear\n- name: goat\n"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- davis2coco ---


def test_every_split_that_is_there(cli, davis_folder, tmp_path):
    root = davis_folder(2017, ("goat",), split="train")
    davis_folder(2017, ("bear", "cows"), split="val")
    done = cli("convert", "davis2coco", "--year", 2017, "--root", root)
    assert done.exit_code == 0, done.output
    out = tmp_path / "datasets" / "coco"
    assert files(out) == ["davis2017_train.json", "davis2017_val.json"]
    assert f"{out}/davis2017_train.json: 1 videos, 6 images, 12 annotations, 0.0 MB" in done.output
    assert f"{out}/davis2017_val.json: 2 videos, 12 images, 24 annotations, " in done.output
    assert f"File names in it start at {root}." in done.output
    videos = read_coco(out / "davis2017_val.json", root)
    assert [video.name for video in videos] == ["bear", "cows"]
    assert videos[0].frames[5].image().shape == (48, 64, 3)


def test_splits_by_name_and_a_root_of_the_workspace(cli, davis_folder, tmp_path):
    davis_folder(2016, ("goat",), split="train", folder="datasets/DAVIS")
    davis_folder(2016, ("bear",), split="val", folder="datasets/DAVIS")
    out = tmp_path / "out"
    done = cli("convert", "davis2coco", "--split", "trainval", "--split", "val", "--out", out)
    assert done.exit_code == 0, done.output
    assert files(out) == ["davis2016_trainval.json", "davis2016_val.json"]
    assert [v.name for v in read_coco(out / "davis2016_trainval.json", tmp_path)] == [
        "goat",
        "bear",
    ]


def test_2016_of_a_2017_folder(cli, davis_folder, tmp_path):
    root = davis_folder(2017, ("bear", "dancing"), split="train")  # dancing is of 2017 only
    done = cli("convert", "davis2coco", "--root", root, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert files(tmp_path / "out") == ["davis2016_train.json"]
    assert "1 videos, 6 images, 6 annotations" in done.output  # merged


def test_another_resolution(cli, davis_folder, tmp_path):
    root = davis_folder(2017, ("bear",), split="train", resolution="240p")
    done = cli("convert", "davis2coco", "--year", 2017, "--root", root, "--resolution", "240p")
    assert done.exit_code == 0, done.output
    assert files(tmp_path / "datasets" / "coco") == ["davis2017_train_240p.json"]
    assert cli("convert", "davis2coco", "--year", 2017, "--root", root).exit_code == 2


def test_legacy(cli, davis_folder, tmp_path):
    root = davis_folder(2016, ("goat", "bear"), split="train")
    (root / "db_info.yml").write_text(INFO)
    done = cli("convert", "davis2coco", "--legacy", "--root", root)
    assert done.exit_code == 0, done.output
    out = tmp_path / "datasets" / "coco"
    assert files(out) == ["480p_train.json"]
    assert "2 videos, 12 images, 12 annotations" in done.output
    assert f"looks for it in {root / 'Annotations'}" in done.output
    document = json.loads((out / "480p_train.json").read_text())
    assert document["annotations"][0]["category_id"] == 2
    there = root / "Annotations"
    done = cli("convert", "davis2coco", "--legacy", "--root", root, "--out", there)
    assert "looks for it" not in done.output
    assert (there / "480p_train.json").read_bytes() == (out / "480p_train.json").read_bytes()


def test_nothing_is_written_where_anything_is_wrong(cli, davis_folder, tmp_path):
    root = davis_folder(2017, ("bear",), split="train")
    (root / "Annotations/480p/bear/00003.png").write_bytes(b"")
    done = cli("convert", "davis2coco", "--year", 2017, "--root", root)
    assert done.exit_code == 2
    assert "00003.png cannot be read as an image" in done.output
    assert not (tmp_path / "datasets").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--legacy",), "Annotations/db_info.yml is missing"),
        (("--split", "val"), "val.txt is missing"),
        (("--year", "2017"), "This looks like DAVIS 2016"),
        (("--resolution", "full"), "There is 480p: give one with --resolution."),
    ],
)
def test_mistakes(cli, davis_folder, arguments, message):
    root = davis_folder(2016, ("bear",), split="train")
    done = cli("convert", "davis2coco", "--root", root, *arguments)
    assert done.exit_code == 2, done.output
    assert message in done.output


def test_a_folder_that_cannot_be(cli, davis_folder, tmp_path):
    root = davis_folder(2016, ("bear",), split="train")
    (tmp_path / "file").touch()
    done = cli("convert", "davis2coco", "--root", root, "--out", tmp_path / "file" / "below")
    assert done.exit_code == 2
    assert "Not a directory" in done.output


def test_no_davis(cli, tmp_path):
    done = cli("convert", "davis2coco")
    assert done.exit_code == 2
    assert "DAVIS2016 not found" in done.output
    done = cli("convert", "davis2coco", "--root", tmp_path)
    assert "is not a DAVIS folder" in done.output


# --- ytvos2coco ---

STEMS = ["00000", "00005", "00010", "00015"]


@pytest.fixture
def youtube(tmp_path, save_mask) -> Path:
    """Draw a train split: every frame an image, every second one annotated, one object late."""
    folder = tmp_path / "Y" / "train"
    videos = {}
    for name, categories in (("b2", ("yak", "ape")), ("a1", ("ape", "ape"))):
        for index, stem in enumerate(STEMS):
            frame = folder / "JPEGImages" / name / f"{stem}.jpg"
            frame.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 24)).save(frame)
            if index % 2 == 0:
                labels = np.zeros((24, 32), np.uint8)
                labels[4:12, 2 + index : 10 + index] = 1
                if index:
                    labels[12:20, 16:28] = 2
                save_mask(folder / "Annotations" / name / f"{stem}.png", labels)
        seen = {1: STEMS[::2], 2: STEMS[2:3]}
        infos = {str(i): {"category": categories[i - 1], "frames": seen[i]} for i in seen}
        videos[name] = {"objects": infos}
    (folder / "meta.json").write_text(json.dumps({"videos": videos}))
    return folder.parent


def test_youtube_vos(cli, youtube, tmp_path):
    done = cli("convert", "ytvos2coco", "--root", youtube)
    assert done.exit_code == 0, done.output
    path = tmp_path / "datasets" / "coco" / "youtubevos2019_train.json"
    assert f"{path}: 2 videos, 4 images, 6 annotations" in done.output
    document = json.loads(path.read_text())
    assert [(c["id"], c["name"]) for c in document["categories"]] == [(1, "ape"), (2, "yak")]
    assert document["videos"][0] == {
        "id": 1,
        "name": "a1",
        "width": 32,
        "height": 24,
        "length": 4,
    }
    first, second = read_coco(path, youtube / "train")
    assert (first.name, second.name) == ("a1", "b2")
    assert [frame.index for frame in first.frames] == [0, 2]
    assert {i: [f.index for f in frames] for i, frames in second.tracks().items()} == {
        1: [0, 2],
        2: [2],
    }
    assert second.frames[0].objects[1].category == "yak"
    assert second.frames[1].objects[2].category == "ape"
    assert second.frames[1].objects[2].mask().sum() == 8 * 12
    assert second.frames[1].image().shape == (24, 32, 3)


def test_youtube_vos_that_is_not_whole(cli, youtube):
    other = cli("convert", "ytvos2coco", "--root", youtube, "--split", "valid")
    assert other.exit_code == 2
    (youtube / "train" / "Annotations" / "a1" / "00010.png").unlink()
    done = cli("convert", "ytvos2coco", "--root", youtube)
    assert done.exit_code == 2
    assert "00010.png is missing" in done.output


def test_youtube_vos_of_which_a_server_keeps_masks(cli, youtube):
    (youtube / "train").rename(youtube / "valid")
    done = cli("convert", "ytvos2coco", "--root", youtube, "--split", "valid")
    assert done.exit_code == 2
    assert "only first masks are public" in done.output


def test_an_object_without_a_category(cli, youtube):
    meta = youtube / "train" / "meta.json"
    document = json.loads(meta.read_text())
    del document["videos"]["b2"]["objects"]["2"]
    meta.write_text(json.dumps(document))
    done = cli("convert", "ytvos2coco", "--root", youtube)
    assert done.exit_code == 2
    assert "shows object 2, and meta.json lists only 1 for 'b2'" in done.output
