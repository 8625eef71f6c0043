"""YouTube-VOS: its layout, meta.json, and the categories that training has seen."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vostool import evaluate
from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.datasets.youtube_vos import read_categories, read_youtube_vos
from vostool.errors import DatasetError, UsageError
from vostool.workspace import Workspace

NAMES = ["00000", "00005", "00010", "00015"]
CATEGORIES = {1: "ape", 2: "yak"}
FIRST = {1: 0, 2: 2}  # object -> index in NAMES


def label_map(index: int) -> np.ndarray:
    labels = np.zeros((24, 32), np.uint8)
    labels[4:12, 2 + index : 10 + index] = 1
    if index >= FIRST[2]:
        labels[12:20, 16:28] = 2
    return labels


def meta(videos: tuple[str, ...], ids: tuple[int, ...] = (1, 2)) -> dict:
    objects = {
        str(i): {"category": CATEGORIES[i], "frames": NAMES[FIRST[i] :]} for i in sorted(ids)
    }
    return {"videos": {name: {"objects": objects} for name in videos}}


@pytest.fixture
def youtube(tmp_path: Path, save_mask: Callable[..., Path]) -> Callable[..., Path]:
    """Return a function that draws one split; returns the folder of the splits."""

    def make(split: str = "valid", *, kept_back: bool = False, folder: str = "Y") -> Path:
        root = tmp_path / folder / split
        for name in ("b2", "a1"):
            for index, stem in enumerate(NAMES):
                frame = root / "JPEGImages" / name / f"{stem}.jpg"
                frame.parent.mkdir(parents=True, exist_ok=True)
                frame.write_bytes(b"")
                if not kept_back or index in FIRST.values():
                    save_mask(root / "Annotations" / name / f"{stem}.png", label_map(index))
        (root / "meta.json").write_text(json.dumps(meta(("b2", "a1"))))
        return tmp_path / folder

    return make


def opened(tmp_path: Path, **options: object) -> Dataset:
    return open_dataset("YouTubeVOS2018", workspace=Workspace(tmp_path), **options)


# --- layout ---


@pytest.mark.parametrize("below", ["", "valid"])
def test_the_root_is_that_of_the_splits_or_of_one(youtube, below: str) -> None:
    root = youtube()
    contents = read_youtube_vos(root / below, "valid", need_frames=True)
    assert contents.root == root / "valid"
    assert [sequence.name for sequence in contents.sequences] == ["a1", "b2"]
    assert contents.objects["a1"][2].category == "yak"
    assert contents.objects["a1"][2].frames == {"00010", "00015"}


def test_found_in_the_workspace(youtube, tmp_path: Path) -> None:
    youtube(folder="datasets/YouTubeVOS2018")
    youtube("train", folder="datasets/YouTubeVOS2018")
    dataset = opened(tmp_path)
    assert (dataset.key, dataset.split) == ("YouTubeVOS2018", "valid")
    assert dataset.protocol.name == "after_first"
    assert opened(tmp_path, split="train").key == "YouTubeVOS2018-train"


def test_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no valid/meta.json in .*youtube-vos.org"):
        opened(tmp_path)


def test_another_split_is_there(youtube) -> None:
    root = youtube("train")
    with pytest.raises(DatasetError, match=r"neither meta.json nor valid/.* There is train"):
        read_youtube_vos(root, "valid", need_frames=False)
    with pytest.raises(UsageError, match="is the split 'train': use --split train"):
        read_youtube_vos(root / "train", "valid", need_frames=False)


@pytest.mark.parametrize("text", ["{", "[]", '{"videos": {"a": {}}}', '{"videos": [1]}', "{}"])
def test_a_damaged_meta(youtube, text: str) -> None:
    root = youtube()
    (root / "valid/meta.json").write_text(text)
    with pytest.raises(DatasetError, match=r"meta\.json is no meta\.json of YouTube-VOS"):
        read_youtube_vos(root, "valid", need_frames=False)


def test_a_meta_of_nothing(youtube) -> None:
    root = youtube()
    (root / "valid/meta.json").write_text('{"videos": {}}')
    with pytest.raises(DatasetError, match="lists no videos"):
        read_youtube_vos(root, "valid", need_frames=False)


@pytest.mark.parametrize(
    "objects", [{}, {"1": {"category": "ape", "frames": []}}], ids=["no object", "no frames"]
)
def test_a_meta_with_a_video_of_nothing(youtube, objects: dict) -> None:
    root = youtube()
    text = json.dumps({"videos": {**meta(("a1",))["videos"], "b2": {"objects": objects}}})
    (root / "valid/meta.json").write_text(text)
    with pytest.raises(DatasetError, match="lists no objects of video 'b2', or one without"):
        read_youtube_vos(root, "valid", need_frames=False)


def test_frames_before_the_first_object_are_left_out(youtube) -> None:
    """Trackers start where there is something to track."""
    root = youtube()
    (root / "valid/Annotations/a1/00000.png").unlink()
    about = json.loads(json.dumps(meta(("a1", "b2"))))
    about["videos"]["a1"]["objects"]["1"]["frames"] = NAMES[1:]
    (root / "valid/meta.json").write_text(json.dumps(about))
    first, second = read_youtube_vos(root, "valid", need_frames=True).sequences
    assert [first.frame_name(i) for i in range(len(first))] == NAMES[1:]
    assert len(second) == len(NAMES)


def test_late_objects_are_prompted_where_they_appear(youtube, tmp_path: Path) -> None:
    dataset = opened(tmp_path, root=youtube(kept_back=True))
    prompts = list(dataset.prompts(dataset.sequences[0]))
    assert [[prompt.object_id for prompt in each] for each in prompts] == [[1], [], [2], []]


# --- seen categories ---


def test_seen_are_the_categories_of_train_beside_it(youtube, tmp_path: Path) -> None:
    root = youtube()
    assert opened(tmp_path, root=root).seen is None
    youtube("train")
    (root / "train/meta.json").write_text(json.dumps(meta(("b2", "a1"), (1,))))
    assert opened(tmp_path, root=root).seen == {"ape"}
    assert opened(tmp_path, root=root, split="train").seen is None


def test_a_list_goes_before_train(youtube, tmp_path: Path) -> None:
    root = youtube()
    youtube("train")
    (tmp_path / "seen.txt").write_text("yak\n\n zebra \n")
    assert opened(tmp_path, root=root, seen=tmp_path / "seen.txt").seen == {"yak", "zebra"}


def test_a_meta_may_be_the_list(youtube) -> None:
    assert read_categories(youtube() / "valid/meta.json") == {"ape", "yak"}


def test_lists_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        read_categories(tmp_path / "seen.txt")
    (tmp_path / "seen.txt").write_text("\n")
    with pytest.raises(DatasetError, match="lists no categories"):
        read_categories(tmp_path / "seen.txt")
    (tmp_path / "seen.txt").write_bytes(b"\xe9\n")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_categories(tmp_path / "seen.txt")


def test_other_datasets_have_no_categories(plain_folder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no categories; drop --seen"):
        open_dataset(f"folder:{plain_folder()}", seen=tmp_path / "seen.txt")


# --- scoring ---


def test_scores_by_category(youtube, tmp_path: Path) -> None:
    root = youtube()
    (tmp_path / "seen.txt").write_text("ape\n")
    masks = root / "valid/Annotations"
    seen = tmp_path / "seen.txt"
    scores = evaluate("YouTubeVOS2018", masks, root=root, seen=seen, workers=2, allow_trivial=True)
    assert scores.objects["category"].tolist() == ["ape", "yak"] * 2
    assert scores.objects["frames"].tolist() == [3, 1] * 2
    assert scores.summary.loc[0, "G"] == 1.0


@pytest.mark.parametrize("protocol", ["davis", "pooled"])
def test_merged_or_ghostly_objects_have_no_category(youtube, protocol: str) -> None:
    root = youtube()
    masks = root / "valid/Annotations"
    scores = evaluate("YouTubeVOS2018", masks, root=root, protocol=protocol, allow_trivial=True)
    assert "category" not in scores.objects
    assert "G" not in scores.summary


def test_ground_truth_that_the_server_keeps_is_not_scored(youtube) -> None:
    root, masks = youtube(kept_back=True), youtube(folder="masks") / "valid/Annotations"
    with pytest.raises(DatasetError, match=r"'a1' has masks for 2 of the 4 frames.*vostool pack"):
        evaluate("YouTubeVOS2018", masks, root=root)


def test_predictions_on_frames_between_are_ignored(youtube, save_mask) -> None:
    root, masks = youtube(), youtube(folder="masks") / "valid/Annotations"
    save_mask(masks / "a1/00007.png", np.full((3, 3), 9, np.uint8))
    scores = evaluate("YouTubeVOS2018", masks, root=root, allow_trivial=True)
    assert scores.summary.loc[0, "J_mean"] == 1.0
