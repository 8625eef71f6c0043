"""MOSE: splits as folders, ground truth of valid on its server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vostool import evaluate
from vostool.datasets.catalog import open_dataset
from vostool.datasets.mose import read_mose
from vostool.errors import DatasetError, UsageError
from vostool.workspace import Workspace


@pytest.fixture
def mose(plain_folder: Callable[..., Path]) -> Callable[..., Path]:
    """Return a function that draws one split; returns the folder of the splits."""

    def make(split: str = "valid", root: str = "MOSE") -> Path:
        path = plain_folder(folder=f"{root}/{split}")
        if split == "valid":
            for mask in path.glob("Annotations/*/*.png"):
                if mask.name != "00000.png":
                    mask.unlink()
        return path.parent

    return make


@pytest.mark.parametrize("below", ["", "valid"])
def test_the_root_is_that_of_the_splits_or_of_one(mose, below: str) -> None:
    root = mose()
    contents = read_mose(root / below, "valid", need_frames=True)
    assert contents.root == root / "valid"
    assert [(s.name, len(s), len(s.annotations)) for s in contents.sequences] == [
        ("one", 6, 1),
        ("two", 6, 1),
    ]


def test_another_split(mose) -> None:
    root = mose("train")
    with pytest.raises(DatasetError, match=r"nor valid/Annotations\. There is train"):
        read_mose(root, "valid", need_frames=False)
    with pytest.raises(UsageError, match="is the split 'train': use --split train"):
        read_mose(root / "train", "valid", need_frames=False)


@pytest.mark.parametrize("name", ["MOSE", "MOSEv2"])
def test_valid_goes_to_the_server(mose, tmp_path: Path, name: str) -> None:
    masks = mose("train", root="masks") / "train/Annotations"
    mose(root=f"datasets/{name}")
    dataset = open_dataset(name, workspace=Workspace(tmp_path))
    with pytest.raises(DatasetError, match=r"first frame only.*`vostool pack`"):
        dataset.check_truth(dataset.sequences[0])
    with pytest.raises(DatasetError, match=r"first frame only.*`vostool pack`"):
        evaluate(name, masks, root=dataset.root)


def test_train_is_scored(mose, tmp_path: Path, save_mask) -> None:
    root, masks = mose("train"), mose("train", root="masks") / "train/Annotations"
    (masks / "one/00003.png").write_bytes((masks / "one/00002.png").read_bytes())
    scores = evaluate("MOSE", masks, root=root, split="train")
    assert scores.summary.loc[0, "protocol"] == "davis"
    assert scores.summary.loc[0, "objects"] == 4
