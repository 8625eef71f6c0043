"""`vostool split`, `vostool pack`, `--seen` and `vostool datasets`, as they are typed."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

FRAMES = ["00000", "00005", "00010"]


@pytest.fixture
def train(tmp_path: Path, save_mask: Callable[..., Path]) -> Path:
    """Draw YouTube-VOS 2019 train into the workspace: ten videos of an ape, two also of a yak."""
    root, videos = tmp_path / "datasets/YouTubeVOS2019/train", {}
    for number in range(10):
        name = f"v{number}"
        objects = {"1": {"category": "ape", "frames": FRAMES}}
        if number > 7:
            objects["2"] = {"category": "yak", "frames": FRAMES[1:]}
        videos[name] = {"objects": objects}
        (root / "JPEGImages" / name).mkdir(parents=True)
        for index, frame in enumerate(FRAMES):
            labels = np.zeros((24, 32), np.uint8)
            labels[2:9, 2 + index : 9 + index] = 1
            if index and number > 7:
                labels[12:22, 10 + 2 * index : 20 + 2 * index] = 2
            save_mask(root / "Annotations" / name / f"{frame}.png", labels)
            image = np.full((24, 32, 3), 10 * index, np.uint8)
            cv2.imwrite(str(root / "JPEGImages" / name / f"{frame}.jpg"), image)
    (root / "meta.json").write_text(json.dumps({"videos": videos}))
    return root.parent


def row(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.DictReader(file))


def test_split_run_and_score(cli, train: Path, tmp_path: Path) -> None:
    made = cli("split", tmp_path / "held", "--part", "0.4", "--seed", "1")
    assert made.exit_code == 0, made.output
    assert "6 videos in train, 4 in valid, with 1 seen and 1 unseen categories (yak)" in made.output
    where = ("--dataset", "YouTubeVOS2019", "--root", tmp_path / "held")
    scored = cli("eval", *where, "--tracker", "copy_first")
    assert scored.exit_code == 0, scored.output
    for heading in ("G", "Js", "Ju", "Fs", "Fu", "valid holdout-0.4-1"):
        assert heading in scored.output
    folder = tmp_path / "results/YouTubeVOS2019-holdout-0.4-1/copy_first"
    summary = row(folder / "scores/after_first/summary.csv")
    # The yak appears on frame 5 and moves by 2 of its 10 columns to frame 10: J = 8 / 12.
    assert float(summary["J_unseen"]) == pytest.approx(8 / 12)
    # The ape moves by 1 and 2 of its 7 columns: J = 6 / 8 and 5 / 9.
    assert float(summary["J_seen"]) == pytest.approx((6 / 8 + 5 / 9) / 2)
    parts = [float(summary[f"{m}_{s}"]) for m in "JF" for s in ("seen", "unseen")]
    assert float(summary["G"]) == pytest.approx(sum(parts) / 4)
    packed = cli("pack", "copy_first", *where)
    assert packed.exit_code == 2
    assert "score it with `vostool eval`" in packed.output


def test_seen_from_a_file(cli, train: Path, tmp_path: Path) -> None:
    (tmp_path / "seen.txt").write_text("yak\n")
    where = ("--dataset", "YouTubeVOS2019", "--split", "train")
    assert cli("run", "copy_first", *where).exit_code == 0
    plain = cli("eval", *where, "--out", tmp_path / "plain")
    assert plain.exit_code == 0, plain.output
    assert "G" not in row(tmp_path / "plain/summary.csv")
    done = cli("eval", *where, "--seen", tmp_path / "seen.txt", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert float(row(tmp_path / "out/summary.csv")["J_seen"]) == pytest.approx(8 / 12)


@pytest.mark.parametrize(
    ("dataset", "name", "message"),
    [
        ("YouTubeVOS2019", "absent.txt", "absent.txt does not exist"),
        ("synthetic", "seen.txt", "synthetic has no categories; drop --seen"),
    ],
)
def test_seen_that_cannot_be(
    cli, train: Path, tmp_path: Path, plain_folder, dataset: str, name: str, message: str
) -> None:
    plain_folder(folder="datasets/synthetic")
    (tmp_path / "seen.txt").write_text("yak\n")
    split = ("--split", "train") if dataset != "synthetic" else ()
    done = cli("eval", "--dataset", dataset, *split, "--seen", tmp_path / name)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_split_without_the_dataset(cli, tmp_path: Path) -> None:
    done = cli("split", tmp_path / "held")
    assert done.exit_code == 2
    assert "YouTubeVOS2019 not found. Download YouTube-VOS 2019" in done.output


@pytest.mark.parametrize("part", ["0", "1", "1.5"])
def test_no_such_part(cli, train: Path, tmp_path: Path, part: str) -> None:
    assert cli("split", tmp_path / "held", "--part", part).exit_code == 2
    assert not (tmp_path / "held").exists()


def test_datasets_says_what_a_folder_lacks(cli, davis_folder) -> None:
    davis_folder(2016, folder="datasets/DAVIS")
    shown = " ".join(cli("datasets").output.split())
    assert "DAVIS2016 │ here │ val 2 of 20" in shown
    assert "DAVIS2017 │ not in it" in shown
    unwrapped = " ".join(shown.replace("│", " ").split())
    assert "ImageSets/2017/val.txt is missing. This looks like DAVIS 2016" in unwrapped
    for name in ("YouTubeVOS2018", "MOSE", "MOSEv2", "LVOSv1", "LVOSv2", "SA-V"):
        assert f"{name} │ missing" in shown


def test_a_part_of_an_official_split_is_labelled(cli, train: Path, tmp_path: Path) -> None:
    data = ("--dataset", "YouTubeVOS2019", "--root", train, "--split", "train")
    done = cli("eval", *data, "--tracker", "copy_first")
    assert done.exit_code == 0, done.output
    assert "10 of 3471" in done.output
    assert "not comparable with published numbers" in done.output
    (summary,) = tmp_path.glob("results/YouTubeVOS2019-train/copy_first/scores/*/summary.csv")
    assert row(summary)["complete"] == "False"


def test_seen_categories_that_are_none_of_the_dataset(cli, train: Path, tmp_path: Path) -> None:
    (tmp_path / "seen.txt").write_text("Giraffe\n")
    data = ("--dataset", "YouTubeVOS2019", "--root", train, "--split", "train")
    done = cli("eval", *data, "--tracker", "copy_first", "--seen", tmp_path / "seen.txt")
    assert done.exit_code == 2
    assert "spelt as in meta.json" in done.output


def test_a_zip_of_a_part_is_said_to_be_one(cli, plain_folder) -> None:
    plain_folder(folder="datasets/MOSE/valid")
    assert cli("run", "copy_first", "--dataset", "MOSE").exit_code == 0
    packed = cli("pack", "copy_first", "--dataset", "MOSE")
    assert packed.exit_code == 0, packed.output
    assert "2 sequences, 12 masks" in packed.output
    assert "The split has 311 sequences" in packed.output
