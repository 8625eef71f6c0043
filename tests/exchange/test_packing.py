"""The zip for a server: its layout and bytes, and every mistake it is refused for."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool.datasets.catalog import CATALOG, open_dataset
from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError, ResultError, UnknownNameError, UsageError
from vostool.exchange.packing import find_masks, pack
from vostool.io.label_maps import read_labels
from vostool.workspace import Workspace

NAMES = CATALOG["DAVIS2017"].official["test-dev"]
LISTED = ["00000", "00005", "00010", "00015"]


def two_objects() -> np.ndarray:
    labels = np.zeros((24, 32), np.uint8)
    labels[2:10, 2:12], labels[12:20, 14:28] = 1, 2
    return labels


def only(labels: np.ndarray, *ids: int) -> np.ndarray:
    return np.where(np.isin(labels, ids), labels, 0).astype(np.uint8)


@pytest.fixture
def davis(davis_folder: Callable[..., Path], tmp_path: Path) -> Dataset:
    """Draw DAVIS 2017 test-dev as it is distributed, with predictions in `masks`."""
    root = davis_folder(names=NAMES, frames=3, size=(24, 32), split="test-dev")
    for name in NAMES:
        truth = root / "Annotations/480p" / name
        (tmp_path / "masks" / name).mkdir(parents=True)
        for path in sorted(truth.iterdir()):
            (tmp_path / "masks" / name / path.name).write_bytes(path.read_bytes())
            if path.name != "00000.png":
                path.unlink()
    return open_dataset("DAVIS2017", root=root, split="test-dev", workspace=Workspace(tmp_path))


@pytest.fixture
def youtube(tmp_path: Path, save_mask: Callable[..., Path]) -> Dataset:
    """Draw a split where object 2 appears late, without images, predictions in `masks`."""
    root, videos = tmp_path / "Y/valid", {}
    for name in ("a1", "b2"):
        videos[name] = {
            "objects": {
                "1": {"category": "ape", "frames": LISTED},
                "2": {"category": "yak", "frames": LISTED[2:]},
            }
        }
        for frame in ("00000", "00003", "00005", "00010", "00015"):
            labels = two_objects() if frame >= "00010" else only(two_objects(), 1)
            save_mask(tmp_path / "masks" / name / f"{frame}.png", labels)
        save_mask(root / "Annotations" / name / "00000.png", only(two_objects(), 1))
        save_mask(root / "Annotations" / name / "00010.png", only(two_objects(), 2))
    (root / "meta.json").write_text(json.dumps({"videos": videos}))
    return open_dataset("YouTubeVOS2019", root=tmp_path / "Y", need_frames=False)


def names_in(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


# --- layouts ---


def test_davis_has_its_sequences_at_the_top(davis: Dataset, tmp_path: Path) -> None:
    packed = pack(davis, tmp_path / "masks", tmp_path / "out/davis.zip")
    assert (packed.sequences, packed.frames) == (30, 90)
    expected = [f"{name}/{index:05d}.png" for name in NAMES for index in range(3)]
    assert names_in(packed.path) == expected


def test_youtube_vos_has_the_listed_frames(youtube: Dataset, tmp_path: Path) -> None:
    packed = pack(youtube, tmp_path / "masks", tmp_path / "y.zip")
    expected = [f"Annotations/{name}/{frame}.png" for name in ("a1", "b2") for frame in LISTED]
    assert names_in(packed.path) == expected
    with zipfile.ZipFile(packed.path) as archive:
        for name in expected:
            path = tmp_path / "masks" / name.removeprefix("Annotations/")
            assert archive.read(name) == path.read_bytes()


def test_the_same_masks_give_the_same_bytes(youtube: Dataset, tmp_path: Path) -> None:
    first = pack(youtube, tmp_path / "masks", tmp_path / "1.zip").path.read_bytes()
    (tmp_path / "masks/a1/00000.png").touch()
    assert pack(youtube, tmp_path / "masks", tmp_path / "2.zip").path.read_bytes() == first


def test_other_pngs_get_the_palette(youtube: Dataset, tmp_path: Path, save_mask) -> None:
    grey = save_mask(tmp_path / "masks/a1/00000.png", only(two_objects(), 1), "L")
    packed = pack(youtube, tmp_path / "masks", tmp_path / "y.zip")
    with zipfile.ZipFile(packed.path) as archive, archive.open("Annotations/a1/00000.png") as file:
        image = Image.open(file)
        assert image.mode == "P"
        assert image.getpalette()[:6] == [0, 0, 0, 128, 0, 0]
        np.testing.assert_array_equal(np.asarray(image), read_labels(grey))


def test_progress_counts_every_mask_twice(youtube: Dataset, tmp_path: Path) -> None:
    done: list[int] = []
    pack(youtube, tmp_path / "masks", tmp_path / "y.zip", lambda count, name: done.append(count))
    assert sum(done) == 2 * 8


# --- what is refused ---


def refused(dataset: Dataset, tmp_path: Path, message: str) -> None:
    out = tmp_path / "out.zip"
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ResultError, match=message):
        pack(dataset, tmp_path / "masks", out)
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_sequence(davis: Dataset, tmp_path: Path) -> None:
    (tmp_path / "masks" / NAMES[3]).rename(tmp_path / "elsewhere")
    refused(davis, tmp_path, f"{NAMES[3]} has no masks of sequence '{NAMES[3]}'")


def test_missing_masks(davis: Dataset, tmp_path: Path) -> None:
    (tmp_path / "masks" / NAMES[3] / "00001.png").unlink()
    refused(davis, tmp_path, r"lacks 1 of 3 masks \(00001\.png\)")


def test_a_listed_frame_is_missing(youtube: Dataset, tmp_path: Path) -> None:
    (tmp_path / "masks/a1/00005.png").unlink()
    refused(youtube, tmp_path, r"a1 lacks 1 of 4 masks \(00005\.png\)")


def test_another_folder(youtube: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"masks has: name that folder"):
        pack(youtube, tmp_path, tmp_path / "y.zip")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ones((24, 30), np.uint8), r"00005\.png is 30x24, and the first mask is 32x24"),
        (np.full((24, 32), 3, np.uint8), r"00005\.png holds the ids \[3\], .* give \[1, 2\]"),
        (np.full((24, 32), 255, np.uint8), r"holds the ids \[255\].*binary: give objects their"),
        (two_objects(), r"00005\.png has object 2, which is first given on frame 00010"),
    ],
)
def test_wrong_masks(
    youtube: Dataset, tmp_path: Path, save_mask, labels: np.ndarray, message: str
) -> None:
    save_mask(tmp_path / "masks/b2/00005.png", labels)
    refused(youtube, tmp_path, message)


@pytest.mark.parametrize(("frame", "object_id"), [("00000", 1), ("00010", 2)])
def test_objects_are_there_where_they_are_given(
    youtube: Dataset, tmp_path: Path, save_mask, frame: str, object_id: int
) -> None:
    path = tmp_path / f"masks/a1/{frame}.png"
    save_mask(path, only(read_labels(path), 3 - object_id))
    refused(youtube, tmp_path, rf"{frame}\.png lacks object {object_id}, which is given on this")


def test_lost_objects_are_fine(youtube: Dataset, tmp_path: Path, save_mask) -> None:
    save_mask(tmp_path / "masks/a1/00015.png", np.zeros((24, 32), np.uint8))
    assert pack(youtube, tmp_path / "masks", tmp_path / "y.zip").frames == 8


def test_a_damaged_mask(youtube: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "masks/a1/00005.png"
    path.write_bytes(path.read_bytes()[:60])
    refused(youtube, tmp_path, r"a1/00005\.png cannot be read as an image")


def test_many_problems_are_shown_in_part(davis: Dataset, tmp_path: Path) -> None:
    for name in NAMES[:8]:
        (tmp_path / "masks" / name / "00002.png").unlink()
    refused(davis, tmp_path, r"(?s)takes:\n(.*lacks.*\n){5}And 3 more\.")


def test_part_of_an_official_split(davis: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds 29 of the 30 sequences .*aerobatics"):
        pack(davis.select(NAMES[1:]), tmp_path / "masks", tmp_path / "out.zip")


def test_public_ground_truth_needs_no_server(plain_folder, tmp_path: Path) -> None:
    dataset = open_dataset(f"folder:{plain_folder()}")
    with pytest.raises(UsageError, match="score it with `vostool eval`"):
        pack(dataset, tmp_path, tmp_path / "out.zip")


def test_a_full_disk_leaves_the_old_zip(
    youtube: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "y.zip"
    out.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match="No space"):
        pack(youtube, tmp_path / "masks", out)
    assert sorted(tmp_path.iterdir()) == before
    assert out.read_bytes() == b"old"


# --- what to pack, by name ---


def test_names_and_folders(youtube: Dataset, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    assert find_masks(str(masks), tmp_path / "results", youtube) == ("masks", masks)
    with pytest.raises(UnknownNameError, match=r"no run 'nobody' in "):
        find_masks("nobody", tmp_path / "results", youtube)


def test_a_run_by_name(cli, davis: Dataset, tmp_path: Path) -> None:
    where = ("--dataset", "DAVIS2017", "--root", davis.root, "--split", "test-dev")
    some = ("--sequences", ",".join(NAMES[:2]))
    assert cli("run", "copy_first", *where, *some).exit_code == 0
    early = cli("pack", "copy_first", *where)
    assert early.exit_code == 2
    assert "Run 'copy_first' lacks 28 of 30 sequences" in early.output
    assert cli("run", "copy_first", *where).exit_code == 0
    done = cli("pack", "copy_first", *where)
    assert done.exit_code == 0, done.output
    out = tmp_path / "results/DAVIS2017-test-dev/copy_first.zip"
    assert len(names_in(out)) == 90
    assert "30 sequences, 90 masks" in done.output
    assert "davischallenge.org" in done.output
    scored = cli("eval", *where)
    assert scored.exit_code == 2
    assert "has a mask for its first frame only" in scored.output
    assert "vostool pack" in scored.output
