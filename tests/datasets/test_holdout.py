"""A hold-out of YouTube-VOS train: which videos, seen and unseen, links, whole or not at all."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vostool.datasets import holdout
from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import ObjectInfo
from vostool.datasets.holdout import choose, write_hold_out
from vostool.errors import DatasetError
from vostool.workspace import Workspace

FRAMES = ["00000", "00005", "00010"]


def objects(categories: dict[str, str]) -> dict[str, dict[int, ObjectInfo]]:
    """Return what `meta.json` says; `"ape yak"` is a video of an ape and a yak."""
    return {
        name: {
            i: ObjectInfo(category, frozenset(FRAMES))
            for i, category in enumerate(text.split(), start=1)
        }
        for name, text in categories.items()
    }


# 20 videos: 10 of an ape, 6 of a yak, two each of a fox and an owl
MANY = {
    f"v{i:02d}": "ape" if i < 10 else "yak" if i < 16 else "fox" if i < 18 else "owl"
    for i in range(20)
}


@pytest.mark.parametrize("seed", range(5))
def test_all_videos_of_unseen_categories_are_set_aside(seed: int) -> None:
    chosen = choose(objects(MANY), 0.3, seed)
    assert len(chosen.valid) == 6
    assert sorted(chosen.train + chosen.valid) == sorted(MANY)
    in_train = {MANY[name] for name in chosen.train}
    in_valid = {MANY[name] for name in chosen.valid}
    assert set(chosen.unseen) == in_valid - in_train
    assert set(chosen.seen) == in_valid & in_train
    assert chosen.unseen
    assert chosen.seen


def test_the_seed_decides() -> None:
    first = choose(objects(MANY), 0.3, 1)
    assert choose(objects(dict(reversed(MANY.items()))), 0.3, 1) == first
    assert any(choose(objects(MANY), 0.3, seed) != first for seed in range(2, 6))


def test_a_rare_category_may_take_more_than_half() -> None:
    """No category fits into half of the hold-out, so the rarest is taken whole."""
    videos = {f"v{i}": "ape" if i < 7 else "ape fox" for i in range(10)}
    chosen = choose(objects(videos), 0.4, 0)
    assert {"v7", "v8", "v9"} < set(chosen.valid)
    assert (chosen.seen, chosen.unseen) == (("ape",), ("fox",))


@pytest.mark.parametrize(
    ("videos", "part"),
    [(MANY, 0.05), ({"a": "ape", "b": "ape"}, 0.5), (MANY, 0.99), ({"a": "ape"}, 0.5)],
)
def test_too_few_videos(videos: dict[str, str], part: float) -> None:
    with pytest.raises(DatasetError, match=r"cannot hold seen and unseen .* Change --part"):
        choose(objects(videos), part, 0)


# --- on disk ---


@pytest.fixture
def source(tmp_path: Path, save_mask: Callable[..., Path]) -> Path:
    """Draw the split train of MANY."""
    root = tmp_path / "Y/train"
    videos = {}
    for name, category in MANY.items():
        videos[name] = {"objects": {"1": {"category": category, "frames": FRAMES}}}
        for index, frame in enumerate(FRAMES):
            labels = np.zeros((12, 16), np.uint8)
            labels[2:9, 2 + index : 9 + index] = 1
            save_mask(root / "Annotations" / name / f"{frame}.png", labels)
            image = root / "JPEGImages" / name / f"{frame}.jpg"
            image.parent.mkdir(parents=True, exist_ok=True)
            image.write_bytes(b"")
    (root / "meta.json").write_text(json.dumps({"videos": videos}))
    return tmp_path / "Y"


def test_it_opens_as_youtube_vos(source: Path, tmp_path: Path) -> None:
    chosen = write_hold_out(source, tmp_path / "out", part=0.3, seed=3)
    dataset = open_dataset("YouTubeVOS2019", root=tmp_path / "out", workspace=Workspace(tmp_path))
    assert tuple(sequence.name for sequence in dataset.sequences) == chosen.valid
    assert dataset.key == "YouTubeVOS2019-holdout-0.3-3"
    assert dataset.server is None
    assert dataset.seen == {MANY[name] for name in chosen.train}
    for sequence in dataset.sequences:
        assert len(sequence.annotations) == len(FRAMES)
        dataset.check_truth(sequence)
    assert (tmp_path / "out/valid/Annotations" / chosen.valid[0]).is_symlink()
    train = open_dataset("YouTubeVOS2019", root=tmp_path / "out/train", split="train")
    assert tuple(sequence.name for sequence in train.sequences) == chosen.train


def test_the_split_itself_may_be_named(source: Path, tmp_path: Path) -> None:
    whole = write_hold_out(source, tmp_path / "a", part=0.3)
    assert write_hold_out(source / "train", tmp_path / "b", part=0.3) == whole


def no_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "no links here")


@pytest.mark.parametrize("hard", [True, False])
def test_where_links_cannot_be_made(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hard: bool
) -> None:
    monkeypatch.setattr(Path, "symlink_to", no_links)
    if not hard:
        monkeypatch.setattr(os, "link", no_links)
    chosen = write_hold_out(source, tmp_path / "out", part=0.3)
    there = tmp_path / "out/valid/Annotations" / chosen.valid[0] / "00000.png"
    here = source / "train/Annotations" / chosen.valid[0] / "00000.png"
    assert not there.parent.is_symlink()
    assert there.read_bytes() == here.read_bytes()
    assert there.samefile(here) == hard


def test_copies_outlive_the_source(source: Path, tmp_path: Path) -> None:
    write_hold_out(source, tmp_path / "out", part=0.3, copy=True)
    source.rename(tmp_path / "gone")
    dataset = open_dataset("YouTubeVOS2018", root=tmp_path / "out", workspace=Workspace(tmp_path))
    dataset.labels(dataset.sequences[0].annotations[0])


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_there_is_kept(source: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    kept = out / "mine" if kind == "folder" else out
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("mine")
    with pytest.raises(DatasetError, match="out exists and is not an empty folder"):
        write_hold_out(source, out, part=0.3)
    assert kept.read_text() == "mine"


def test_an_interrupted_one_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def place(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(holdout, "_place", place)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        write_hold_out(source, tmp_path / "out", part=0.3)
    assert sorted(tmp_path.iterdir()) == before


def test_a_video_that_is_missing(source: Path, tmp_path: Path) -> None:
    (source / "train/JPEGImages/v04").rename(tmp_path / "v04")
    with pytest.raises(DatasetError, match="'v04' has no frames"):
        write_hold_out(source, tmp_path / "out", part=0.3)
    assert not (tmp_path / "out").exists()


def test_a_damaged_record(source: Path, tmp_path: Path) -> None:
    write_hold_out(source, tmp_path / "out", part=0.3)
    (tmp_path / "out/split.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"split\.json is damaged.*vostool split"):
        open_dataset("YouTubeVOS2019", root=tmp_path / "out")
