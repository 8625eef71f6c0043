"""`vostool show` as a user types it."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vostool.io.label_maps import write_labels
from vostool.report.pictures.show import Scene, evenly, every, worst
from vostool.types import Sequence


@pytest.fixture
def root(davis_folder) -> Path:
    return davis_folder(year=2016, names=("bear", "goat"), frames=8)


@pytest.fixture
def data(root) -> tuple[object, ...]:
    return ("--dataset", "DAVIS2016", "--root", root)


@pytest.fixture
def run(cli, data, tmp_path) -> Path:
    assert cli("run", "copy_first", *data).exit_code == 0
    return tmp_path / "results/DAVIS2016/copy_first"


@pytest.fixture
def scored(cli, data, run) -> Path:
    done = cli("eval", *data)
    assert done.exit_code == 0, done.output
    return run


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_sheet_beside_the_run(cli, run):
    done = cli("show", "copy_first")
    assert done.exit_code == 0, done.output
    sheet = run / "show/copy_first.png"
    assert f"{sheet}: 8 frames" in done.output  # a row of 4 for each sequence
    assert cli("results", "check").exit_code == 0


def test_frames_are_seen_with_their_objects(cli, run, tmp_path):
    """On the first frame a copy of the first mask is the object, drawn in the first colour."""
    options = ("--sequence", "bear", "--frames", 1, "--out", tmp_path / "a.png")
    assert cli("show", "copy_first", *options).exit_code == 0
    with Image.open(tmp_path / "a.png") as image:
        picture = np.asarray(image)[-56:-8, 8:72].astype(int)
    with Image.open(run / "masks/bear/00000.png") as image:
        mask = np.asarray(image) > 0
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    outer = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    (path,) = tmp_path.rglob("JPEGImages/480p/bear/00000.jpg")
    frame = cv2.imread(str(path))[..., ::-1].astype(int)
    tinted = 0.55 * frame + 0.45 * np.array([128, 0, 0])
    assert inner.sum() > 100
    assert np.abs(picture - tinted)[inner].max() <= 0.5
    assert np.abs(picture - frame)[~outer].max() == 0


@pytest.mark.parametrize("against", ["gt", "other"])
def test_side_by_side(cli, data, run, tmp_path, against):
    assert cli("run", "copy_first", *data, "--name", "other").exit_code == 0
    one, three = tmp_path / "one.png", tmp_path / "three.png"
    options = ("--sequence", "goat", "--frames", 1)
    assert cli("show", "copy_first", *options, "--out", one).exit_code == 0
    done = cli("show", "copy_first", *options, "--against", against, "--out", three)
    assert done.exit_code == 0, done.output
    assert size(one)[0] == 64 + 16
    assert size(three)[0] == 3 * 64 + 2 * 4 + 16


@pytest.mark.parametrize(("suffix", "frames"), [("gif", 8), ("mp4", 16)])
def test_films(cli, run, tmp_path, suffix, frames):
    out = tmp_path / f"film.{suffix}"
    done = cli("show", "copy_first", "--against", "gt", "--out", out)
    assert done.exit_code == 0, done.output
    assert f"{frames} frames" in done.output
    if suffix == "gif":
        with Image.open(out) as image:
            assert image.n_frames == frames
        return
    video, count = cv2.VideoCapture(str(out)), 0
    while video.read()[0]:
        count += 1
    assert count == frames


def test_every_third_frame(cli, run, tmp_path):
    done = cli("show", "copy_first", "--every", 3, "--out", tmp_path / "a.mp4")
    assert "6 frames" in done.output


def test_the_worst_come_first(scored, root):
    table = pd.read_csv(scored / "scores/davis/frames.csv", dtype={"frame": str})
    lowest = table.sort_values("J").iloc[0]
    names = [f"{i:05d}" for i in range(8)]
    sequences = [
        Sequence(name, tuple(Path(f"{f}.jpg") for f in names), {}) for name in ("bear", "goat")
    ]
    scores = {(row["sequence"], row["frame"]): row["J"] for row in table.to_dict("records")}
    scenes = worst(sequences, scores, 5)
    assert (scenes[0].sequence.name, scenes[0].frame) == (lowest["sequence"], lowest["frame"])
    found = [scores[scene.sequence.name, scene.frame] for scene in scenes]
    assert found == sorted(table["J"])[:5]


def test_worst_frames_as_files(cli, scored, tmp_path):
    done = cli("show", "copy_first", "--worst", "--frames", 5)
    assert done.exit_code == 0, done.output
    assert (scored / "show/copy_first-worst.png").is_file()
    slides = cli("show", "copy_first", "--worst", "--frames", 3, "--out", tmp_path / "a.gif")
    assert "3 frames" in slides.output


def test_choices_of_frames():
    sequences = [
        Sequence(name, tuple(Path(f"{i:05d}.jpg") for i in range(count)), {})
        for name, count in (("long", 10), ("short", 2))
    ]
    assert [s.index for s in evenly(sequences[:1], 4)] == [0, 3, 6, 9]
    assert [s.index for s in evenly(sequences[1:], 4)] == [0, 1]
    assert [s.index for s in evenly(sequences[:1], 1)] == [0]
    assert [s.index for s in every(sequences, 4)] == [0, 4, 8, 0]
    assert Scene(sequences[0], 3).frame == "00003"


def test_any_folder_and_the_ground_truth(cli, data, root, tmp_path):
    masks = tmp_path / "theirs"
    shutil.copytree(root / "Annotations/480p", masks)
    (masks / "bear/00003.png").unlink()  # said on the picture
    options = ("--out", tmp_path / "a.png")
    assert cli("show", masks, *data, "--against", "gt", *options).exit_code == 0
    assert cli("show", "gt", *data, *options).exit_code == 0


def test_a_run_by_its_path_and_full_name(cli, run, tmp_path):
    for name in (run, "DAVIS2016/copy_first"):
        done = cli("show", name, "--out", tmp_path / "a.png")
        assert done.exit_code == 0, done.output


def test_several_objects_on_the_synthetic_dataset(cli, tmp_path):
    clips = tmp_path / "clips"
    made = ("datasets", "make", "synthetic", clips, "--frames", 4, "--size", "96x64")
    assert cli(*made).exit_code == 0
    assert cli("run", "copy_first", "--dataset", f"folder:{clips}").exit_code == 0
    done = cli("show", "copy_first", "--against", "gt", "--out", tmp_path / "a.png")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("copy_frist",), "Did you mean 'copy_first'?"),
        (("copy_first", "--worst"), "has no scores by protocol 'davis', which would tell its"),
        (("copy_first", "--sequence", "bera"), "Did you mean 'bear'?"),
        (("copy_first", "--against", "optical"), "There is no run"),
        (("copy_first", "--out", "a.avi"), "--out ends with .png, .gif, .mp4; not with '.avi'."),
        (("gt",), "'gt' is of any dataset: name it with --dataset."),
        (("copy_first", "--protocol", "davids"), "Did you mean 'davis'?"),
        (("copy_first", "--root", "."), "Name the --dataset"),
        (("copy_first", "--frames", "4", "--out", "a.mp4"), "thinned with --every"),
    ],
)
def test_mistakes(cli, run, arguments, message):
    done = cli("show", *arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_masks_of_another_size(cli, run):
    write_labels(run / "masks/bear/00000.png", np.ones((20, 30), np.uint8))
    done = cli("show", "copy_first")
    assert done.exit_code == 2
    assert "for frame 00000 of sequence 'bear' is 30x20, the frame is 64x48." in done.output
    assert not (run / "show/copy_first.png").exists()


def test_a_damaged_frame(cli, run, root):
    path = root / "JPEGImages/480p/bear/00000.jpg"
    path.write_bytes(path.read_bytes()[:-30])
    done = cli("show", "copy_first")
    assert done.exit_code == 2
    assert "00000.jpg is cut short" in done.output


def test_frames_that_are_gone(cli, run, root):
    shutil.rmtree(root / "JPEGImages")
    done = cli("show", "copy_first")
    assert done.exit_code == 2
    assert "has no frames" in done.output


def test_a_sequence_that_the_run_lacks(cli, run):
    shutil.rmtree(run / "masks/goat")
    done = cli("show", "copy_first", "--sequence", "goat")
    assert done.exit_code == 2
    assert "has no masks of goat" in done.output
    assert "8 frames" in cli("show", "copy_first").output
