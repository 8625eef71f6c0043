"""LVOS: its folders, its meta file, seen and unseen videos."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vostool import evaluate
from vostool.datasets.catalog import open_dataset
from vostool.datasets.lvos import read_lvos
from vostool.errors import DatasetError
from vostool.workspace import Workspace

STEMS = [f"{1 + 5 * i:08d}" for i in range(6)]


def label_map(index: int) -> np.ndarray:
    labels = np.zeros((24, 32), np.uint8)
    labels[4:12, 2 + index : 10 + index] = 1
    if index >= 2:
        labels[14:20, 16:28] = 2
    return labels


def meta(end: int = 26, count: int = 6) -> dict:
    ranges = {"1": (1, end, count), "2": (11, 26, 4)}
    keys = ("start", "end", "frame_nums")
    objects = {
        i: {"frame_range": dict(zip(keys, map(str, values), strict=True))}
        for i, values in ranges.items()
    }
    return {"videos": {name: {"objects": objects} for name in ("b", "a")}}


@pytest.fixture
def lvos(tmp_path: Path, save_mask: Callable[..., Path]) -> Callable[..., Path]:
    """Return a function that draws one split; returns the folder of the splits."""

    def make(folder: str = "valid", *, kept_back: bool = False, root: str = "L") -> Path:
        path = tmp_path / root / folder
        for name in ("a", "b"):
            for index, stem in enumerate(STEMS):
                image = path / "JPEGImages" / name / f"{stem}.jpg"
                image.parent.mkdir(parents=True, exist_ok=True)
                image.write_bytes(b"")
                if not kept_back or index == 0:
                    save_mask(path / "Annotations" / name / f"{stem}.png", label_map(index))
        (path / f"{folder}_meta.json").write_text(json.dumps(meta()))
        return tmp_path / root

    return make


@pytest.mark.parametrize(("folder", "below"), [("valid", ""), ("val", ""), ("valid", "valid")])
def test_folders_and_frames(lvos, folder: str, below: str) -> None:
    root = lvos(folder)
    contents = read_lvos(root / below, "valid", need_frames=True)
    assert contents.root == root / folder
    assert [(s.name, len(s)) for s in contents.sequences] == [("a", 6), ("b", 6)]
    assert contents.objects["a"][1].frames == set(STEMS[1:-1])
    assert contents.objects["a"][2].frames == set(STEMS[3:-1])


def test_found_in_the_workspace(lvos, tmp_path: Path) -> None:
    root = lvos(root="datasets/LVOSv2")
    dataset = open_dataset("LVOSv2", workspace=Workspace(tmp_path))
    assert (dataset.root, dataset.protocol.name) == (root / "valid", "lvos")
    prompts = list(dataset.prompts(dataset.sequences[0]))
    assert [[p.object_id for p in each] for each in prompts] == [[1], [], [2], [], [], []]


def test_without_the_meta_file(lvos) -> None:
    root = lvos()
    (root / "valid/valid_meta.json").unlink()
    with pytest.raises(DatasetError, match=r"holds no valid/valid_meta\.json.*of their own"):
        read_lvos(root, "valid", need_frames=False)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"videos": {"a": {}}}',
        '{"videos": {"a": {"objects": {}}}}',
        json.dumps(meta(end=16)),
        json.dumps(meta(count=9)),
    ],
)
def test_a_damaged_meta_file(lvos, text: str) -> None:
    root = lvos()
    (root / "valid/valid_meta.json").write_text(text)
    with pytest.raises(DatasetError, match=r"valid_meta\.json is no meta file of LVOS"):
        read_lvos(root, "valid", need_frames=False)


def test_a_meta_file_of_nothing(lvos) -> None:
    root = lvos()
    (root / "valid/valid_meta.json").write_text('{"videos": {}}')
    with pytest.raises(DatasetError, match="lists no videos"):
        read_lvos(root, "valid", need_frames=False)


def test_seen_and_unseen_need_the_list(lvos, tmp_path: Path) -> None:
    root, masks = lvos(), lvos("masks", root="M") / "masks/Annotations"
    changed = masks / "a" / f"{STEMS[2]}.png"
    changed.write_bytes((masks / "a" / f"{STEMS[1]}.png").read_bytes())
    without = evaluate("LVOSv1", masks, root=root)
    assert "G" not in without.summary
    assert "unseen_videos.txt is not there" in without.notes[0]
    (root / "unseen_videos.txt").write_text("b\nelsewhere\n")
    scores = evaluate("LVOSv1", masks, root=root)
    summary = scores.summary.iloc[0]
    assert scores.objects["seen"].tolist() == [True, True, False, False]
    assert summary["J_unseen"] == summary["F_unseen"] == 1.0
    assert summary["J_seen"] < 1.0
    assert scores.notes == ()


def test_the_test_split_goes_to_the_server(lvos) -> None:
    root, masks = lvos("test", kept_back=True), lvos("masks", root="M") / "masks/Annotations"
    with pytest.raises(DatasetError, match=r"kept by .*8767: send a `vostool pack`"):
        evaluate("LVOSv2", masks, root=root, split="test")
