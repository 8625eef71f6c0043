"""Masks of other programs become a run, or nothing at all does."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool.datasets.catalog import open_dataset
from vostool.datasets.dataset import Dataset
from vostool.errors import ResultError
from vostool.exchange.imports import Imported, import_run
from vostool.exchange.packing import pack
from vostool.io.label_maps import read_labels, write_labels
from vostool.runs.folder import RunFolder


@pytest.fixture
def dataset(davis_folder: Callable[..., Path]) -> Dataset:
    return open_dataset("DAVIS2017", root=davis_folder())


@pytest.fixture
def masks(dataset: Dataset, tmp_path: Path) -> Path:
    """Return predictions that are the ground truth, moved by some pixels."""
    folder = tmp_path / "theirs"
    for sequence in dataset.sequences:
        (folder / sequence.name).mkdir(parents=True)
        for path in sequence.annotations.values():
            write_labels(folder / sequence.name / path.name, np.roll(read_labels(path), 2, axis=1))
    return folder


def zipped(folder: Path, prefix: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


@pytest.fixture
def target(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "results/DAVIS2017/theirs")


@pytest.fixture
def brought(dataset: Dataset, target: RunFolder) -> Callable[..., Imported]:
    def bring(source: Path, init: str = "mask", data: Dataset = dataset) -> Imported:
        return import_run(source, data, target, tracker="theirs", init=init)

    return bring


def refused(brought: Callable[..., Imported], target: RunFolder, source: Path, words: str) -> None:
    with pytest.raises(ResultError, match=words):
        brought(source)
    assert list(target.path.parent.iterdir()) == []


# --- what is brought in ---


@pytest.mark.parametrize("prefix", ["", "Annotations/", "my run/masks/"])
def test_a_zip(masks: Path, dataset: Dataset, brought, prefix: str) -> None:
    done = brought(zipped(masks, prefix))
    assert (done.sequences, done.frames, done.notes) == (2, 12, ())
    for path in masks.rglob("*.png"):
        written = done.run.masks / path.relative_to(masks)
        np.testing.assert_array_equal(read_labels(written), read_labels(path))


def test_a_folder_above_the_sequences(masks: Path, tmp_path: Path, brought) -> None:
    above = tmp_path / "above"
    shutil.copytree(masks, above / "Annotations")
    assert brought(above).frames == 12


def test_the_manifest_says_that_and_whence(masks: Path, brought) -> None:
    source = zipped(masks)
    run = brought(source, "box").run
    manifest = run.manifest()
    assert manifest.imported is not None
    assert manifest.imported["from"] == str(source.resolve())
    assert len(manifest.imported["sha256"]) == 64
    assert (manifest.init, manifest.tracker, manifest.run) == ("box", "theirs", "theirs")
    assert (manifest.fps_protocol, manifest.device, manifest.precision) == ("", "", "")
    assert run.complete(manifest) == {"bear", "goat"}
    assert run.times() == []


def test_other_runs_say_nothing_of_imports(tmp_path: Path, masks: Path, brought) -> None:
    run = brought(masks).run
    manifest = run.manifest()
    manifest.imported = None
    run.write_manifest(manifest)
    assert "imported" not in json.loads(run.manifest_path.read_text())
    assert run.manifest() == manifest


def test_frames_that_do_not_count_may_be_missing(masks: Path, brought) -> None:
    for name in ("bear", "goat"):
        (masks / name / "00000.png").unlink()
        (masks / name / "00005.png").unlink()
    assert brought(masks).frames == 8


def test_frames_that_the_dataset_lacks_are_left_out(masks: Path, brought) -> None:
    shutil.copy(masks / "bear/00000.png", masks / "bear/00099.png")
    done = brought(masks)
    assert done.frames == 12
    assert "1 mask is of no frame of the dataset (00099.png)" in done.notes[0]


def test_grey_masks_get_the_palette(masks: Path, brought) -> None:
    path = masks / "bear/00001.png"
    labels = np.array(read_labels(path))
    Image.fromarray(labels).save(path)
    with Image.open(brought(masks).run.masks / "bear/00001.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), labels)


def test_binary_masks_of_2016(davis_folder, tmp_path: Path, brought) -> None:
    root = davis_folder(year=2016, folder="2016")
    data = open_dataset("DAVIS2016", root=root)
    assert brought(root / "Annotations/480p", data=data).frames == 12


def test_ids_of_their_own(masks: Path, brought) -> None:
    for path in masks.rglob("*.png"):
        labels = read_labels(path)
        write_labels(path, np.where(labels > 0, labels + 7, 0).astype(np.uint8))
    assert brought(masks, "none").frames == 12


# --- what is refused: then nothing is left behind ---


def test_missing_masks(masks: Path, brought, target) -> None:
    (masks / "bear/00002.png").unlink()
    refused(brought, target, masks, r"bear lacks 1 of 4 masks \(00002\.png\)")


def test_masks_named_otherwise(masks: Path, brought, target) -> None:
    for path in (masks / "bear").iterdir():
        path.rename(path.with_name(f"frame{path.name}"))
    refused(brought, target, masks, r"lacks 4 of 4 .*It has frame00000\.png; masks are named like")


def test_a_missing_sequence(masks: Path, brought, target) -> None:
    shutil.rmtree(masks / "goat")
    refused(brought, target, masks, "lacks 1 of 2 sequences: goat.*--sequences")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.ones((48, 60), np.uint8), r"00001\.png is 60x48, and the first mask is 64x48"),
        (np.full((48, 64), 3, np.uint8), r"00001\.png holds the ids \[3\], .* give \[1, 2\]"),
        (np.full((48, 64), 255, np.uint8), r"ids \[255\].*binary: give objects their ids"),
    ],
)
def test_wrong_masks(masks: Path, brought, target, labels: np.ndarray, words: str) -> None:
    write_labels(masks / "bear/00001.png", labels)
    refused(brought, target, masks, words)


def test_every_problem_is_said_once(masks: Path, brought, target) -> None:
    for frame in (1, 2, 3):
        write_labels(masks / f"bear/{frame:05d}.png", np.full((48, 64), 9, np.uint8))
    (masks / "goat/00003.png").write_bytes((masks / "goat/00003.png").read_bytes()[:80])
    words = r"(?s)nothing was imported:\n.*ids \[9\].*with 2 more masks.*\n.*goat/00003\.png cannot"
    refused(brought, target, masks, words)


def test_colours(masks: Path, brought, target) -> None:
    Image.new("RGB", (64, 48), (3, 4, 5)).save(masks / "bear/00001.png")
    refused(brought, target, masks, r"holds colors \(mode RGB\).*\(3, 4, 5\)")


def test_a_small_file_that_claims_to_be_huge(masks: Path, brought, target) -> None:
    data = bytearray((masks / "bear/00001.png").read_bytes())
    data[16:24] = (60000).to_bytes(4, "big") * 2
    (masks / "bear/00001.png").write_bytes(data)
    refused(brought, target, masks, r"is 60000x60000, and the first mask is 64x48")


def test_a_run_that_is_there(masks: Path, brought) -> None:
    brought(masks)
    with pytest.raises(ResultError, match=r"exists.*vostool results rm DAVIS2017/theirs"):
        brought(masks)


def test_a_full_disk(masks: Path, brought, target, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vostool.exchange.imports.write_labels", full)
    with pytest.raises(OSError, match="No space"):
        brought(masks)
    assert list(target.path.parent.iterdir()) == []


# --- what is packed for a server comes back ---


def test_a_submission_to_youtube_vos(tmp_path: Path, save_mask: Callable[..., Path]) -> None:
    """Only the listed frames are in it, and there are no images to tell of others."""
    listed = ["00000", "00005", "00010"]
    videos, root = {}, tmp_path / "Y/valid"
    for name in ("a1", "b2"):
        labels = np.zeros((24, 32), np.uint8)
        labels[2:10, 2:12] = 1
        videos[name] = {"objects": {"1": {"category": "ape", "frames": listed}}}
        save_mask(root / "Annotations" / name / "00000.png", labels)
        for frame in listed:
            save_mask(tmp_path / "masks" / name / f"{frame}.png", labels)
    (root / "meta.json").write_text(json.dumps({"videos": videos}))
    data = open_dataset("YouTubeVOS2019", root=tmp_path / "Y", need_frames=False)
    packed = pack(data, tmp_path / "masks", tmp_path / "submission.zip")
    run = RunFolder(tmp_path / "results/YouTubeVOS2019/theirs")
    done = import_run(packed.path, data, run, tracker="theirs", init="mask")
    assert (done.sequences, done.frames) == (2, 6)
    again = pack(data, run.masks, tmp_path / "again.zip")
    with zipfile.ZipFile(packed.path) as first, zipfile.ZipFile(again.path) as second:
        assert first.namelist() == second.namelist()
    (tmp_path / "masks/a1/00005.png").unlink()
    other = RunFolder(run.path.with_name("other"))
    with pytest.raises(ResultError, match=r"a1 lacks 1 of 3 masks \(00005\.png\)"):
        import_run(tmp_path / "masks", data, other, tracker="theirs")
    assert not other.path.exists()
