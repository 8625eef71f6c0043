"""`videos:PATH` and prompts in place of masks: run, show and campaign work on own material."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.helpers.containers import write
from vostool.datasets.catalog import open_dataset
from vostool.types import Box
from vostool.video.reader import VideoFile

pytest.importorskip("av")
BOX = [8, 48, 24, 24]
PROMPTS = {
    "a.mp4": [{"frame": 0, "id": 1, "box": BOX}, {"time": 0.2, "id": 2, "box": [96, 4, 20, 20]}],
    "b": [{"frame": 2, "box": ["10%", "50%", "20%", "25%"]}],
}


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    root = tmp_path / "mine"
    root.mkdir()
    write(root / "a.mp4", 12)
    write(root / "b.webm", 10, codec="libvpx-vp9")
    write(root / "unused.mp4", 4)
    (root / "prompts.json").write_text(json.dumps(PROMPTS))
    return root


@pytest.fixture
def frames(videos: Path, tmp_path: Path) -> Path:
    """Return the same as `folder:PATH`."""
    root = tmp_path / "frames"
    for name in ("a.mp4", "b.webm"):
        for frame in VideoFile(videos / name).frames():
            path = root / "JPEGImages" / name.partition(".")[0] / f"{frame.index:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), frame.image[..., ::-1])
    text = (videos / "prompts.json").read_text()
    (root / "prompts.json").write_text(text.replace("a.mp4", "a"))
    return root


def test_frames_and_prompts(videos: Path) -> None:
    dataset = open_dataset(f"videos:{videos}")
    assert (dataset.key, [s.name for s in dataset.sequences]) == ("videos-mine", ["a", "b"])
    first, second = dataset.sequences
    assert len(first) == 12
    prompts = list(dataset.prompts(first))
    assert [[p.object_id for p in each] for each in prompts] == [[1], *[[]] * 4, [2], *[[]] * 6]
    assert prompts[0][0].box == Box(*BOX)
    mask = prompts[0][0].mask
    assert mask is not None
    truth = np.zeros((96, 128), bool)
    truth[48:72, 8:32] = True
    assert (mask & truth).sum() > 0.9 * (mask | truth).sum()
    assert [len(each) for each in dataset.prompts(second)][:4] == [0, 0, 1, 0]


def test_frames_are_extracted_once(videos: Path) -> None:
    path = open_dataset(f"videos:{videos}").sequences[0].frames[3]
    before = path.stat().st_mtime_ns
    assert open_dataset(f"videos:{videos}").sequences[0].frames[3].stat().st_mtime_ns == before
    write(videos / "a.mp4", 7)
    assert len(open_dataset(f"videos:{videos}").sequences[0]) == 7
    assert not list(videos.glob(".vostool-frames/.*"))


@pytest.mark.parametrize("tracker", ["optical_flow", "box_fill"])
def test_a_run_gives_the_masks_of_track(cli, videos: Path, tmp_path: Path, tracker: str) -> None:
    done = cli("run", tracker, "--dataset", f"videos:{videos}")
    assert done.exit_code == 0, done.output
    masks = tmp_path / "results/videos-mine" / tracker / "masks"
    for name, count in (("a.mp4", 12), ("b.webm", 10)):
        stem = name.partition(".")[0]
        options = ("--prompts", videos / "prompts.json", "--tracker", tracker)
        done = cli("track", videos / name, *options, "--out", tmp_path / "out" / stem)
        assert done.exit_code == 0, done.output
        for index in range(count):
            path = f"{index:05d}.png"
            expected = (tmp_path / "out" / stem / path).read_bytes()
            assert (masks / stem / path).read_bytes() == expected, (name, index)
    assert "all tracked before" in cli("run", tracker, "--dataset", f"videos:{videos}").output


def test_workers_show_and_results(cli, videos: Path, tmp_path: Path) -> None:
    given = ("--dataset", f"videos:{videos}")
    assert cli("run", "copy_first", *given, "--workers", 2).exit_code == 0
    done = cli("show", "copy_first", "--out", tmp_path / "o.mp4")
    assert done.exit_code == 0, done.output
    assert len(list(VideoFile(tmp_path / "o.mp4").frames())) == 22
    done = cli("results", "check")
    assert done.exit_code == 0, done.output


def test_there_is_nothing_to_score(cli, videos: Path) -> None:
    given = ("--dataset", f"videos:{videos}")
    assert cli("run", "copy_first", *given).exit_code == 0
    done = cli("eval", *given)
    assert done.exit_code == 2
    assert "no ground truth" in done.output
    assert "vostool show" in done.output


def test_a_campaign(cli, videos: Path, tmp_path: Path) -> None:
    text = f'[[trackers]]\ntracker = "copy_first"\n\n[[datasets]]\ndataset = "videos:{videos}"\n'
    (tmp_path / "c.toml").write_text(text)
    done = cli("campaign", tmp_path / "c.toml")
    assert len(list((tmp_path / "results/videos-mine/copy_first/masks/a").glob("*.png"))) == 12
    assert "no ground truth" in done.output


def test_prompts_in_a_folder_of_frames(cli, frames: Path, videos: Path, tmp_path: Path) -> None:
    assert cli("run", "optical_flow", "--dataset", f"folder:{frames}").exit_code == 0
    assert cli("run", "optical_flow", "--dataset", f"videos:{videos}").exit_code == 0
    for path in (tmp_path / "results/folder-frames/optical_flow/masks/b").glob("*.png"):
        other = tmp_path / "results/videos-mine/optical_flow/masks/b" / path.name
        assert path.read_bytes() == other.read_bytes()
    assert cli("show", "folder-frames/optical_flow").exit_code == 0


def test_masks_come_first(plain_folder) -> None:
    root = plain_folder()
    (root / "prompts.json").write_text("nothing that is read")
    dataset = open_dataset(f"folder:{root}")
    assert all(sequence.annotations for sequence in dataset.sequences)


def test_other_prompts_are_another_dataset(videos: Path) -> None:
    before = open_dataset(f"videos:{videos}")
    changed = {**PROMPTS, "b": [{"frame": 2, "box": ["11%", "50%", "20%", "25%"]}]}
    (videos / "prompts.json").write_text(json.dumps(changed))
    after = open_dataset(f"videos:{videos}")
    same = [
        before.fingerprint(a) == after.fingerprint(b)
        for a, b in zip(before.sequences, after.sequences, strict=True)
    ]
    assert same == [True, False]


@pytest.mark.parametrize(
    ("prompts", "fact"),
    [
        (None, r"has no prompts\.json"),
        ({"c.mp4": PROMPTS["b"]}, r"no such video"),
        (PROMPTS["b"], "must name the sequences"),
        ({"a.mp4": [{"frame": 99, "box": BOX}]}, "it has 12 frames"),
        ({"a.mp4": [{"time": 99, "box": BOX}]}, "ends before"),
        ({"a.mp4": [{"box": [500, 500, 9, 9]}]}, "outside"),
    ],
)
def test_what_is_wrong_is_said(cli, videos: Path, prompts: object, fact: str) -> None:
    (videos / "prompts.json").unlink()
    if prompts is not None:
        (videos / "prompts.json").write_text(json.dumps(prompts))
    done = cli("run", "copy_first", "--dataset", f"videos:{videos}")
    assert done.exit_code == 2
    assert re.search(fact, done.output), done.output
