"""The synthetic dataset is reproducible, its masks are exact, and what it promises happens."""

import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from vostool.datasets import synthetic
from vostool.errors import DatasetError, UnknownNameError, UsageError
from vostool.io.label_maps import read_labels
from vostool.types import Frame, Labels

SIZE = (90, 160)
FRAMES = 24

DIGEST = """
import hashlib, sys
import cv2
from vostool.datasets import synthetic
cv2.setNumThreads(int(sys.argv[1]))
digest = hashlib.sha256()
for name in synthetic.SEQUENCES:
    for frame, labels in synthetic.clip(name, 3, size=(72, 100), frames=3):
        digest.update(frame.tobytes() + labels.tobytes())
print(digest.hexdigest())
"""


@cache
def film(name: str, seed: int = 0) -> tuple[list[Frame], list[Labels]]:
    pairs = list(synthetic.clip(name, seed, size=SIZE, frames=FRAMES))
    return [frame for frame, _ in pairs], [labels for _, labels in pairs]


def areas(name: str, seed: int = 0) -> np.ndarray:
    """Return pixels per frame and object, (frames, objects)."""
    _, labels = film(name, seed)
    count = max(int(one.max()) for one in labels)
    return np.array([np.bincount(one.ravel(), minlength=count + 1)[1:] for one in labels])


def mean_iou_of_first_mask(name: str) -> float:
    """Return J of a tracker that repeats each object's first mask, as a mean over objects."""
    _, labels = film(name)
    scores = []
    for object_id in range(1, areas(name).shape[1] + 1):
        masks = [one == object_id for one in labels]
        start = next(i for i, mask in enumerate(masks) if mask.any())
        unions = [max(1, int((masks[start] | mask).sum())) for mask in masks[start + 1 :]]
        overlaps = [int((masks[start] & mask).sum()) for mask in masks[start + 1 :]]
        scores.append(np.mean(np.divide(overlaps, unions)))
    return float(np.mean(scores))


@pytest.mark.parametrize("name", synthetic.SEQUENCES)
def test_frames_and_labels_have_the_promised_types(name: str) -> None:
    frames, labels = film(name)
    assert len(frames) == len(labels) == FRAMES
    for frame, one in zip(frames, labels, strict=True):
        assert frame.shape == (*SIZE, 3)
        assert one.shape == SIZE
        assert frame.dtype == one.dtype == np.uint8
        assert frame.flags.c_contiguous
        assert one.flags.c_contiguous


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", synthetic.SEQUENCES)
def test_first_frame_shows_every_object_whole_and_apart(name: str, seed: int) -> None:
    _, labels = film(name, seed)
    first = labels[0].copy()
    expected = 1 if name == "late-objects" else areas(name, seed).shape[1]
    assert sorted(np.unique(first)) == list(range(expected + 1))
    for object_id in range(1, expected + 1):
        mask = (first == object_id).astype(np.uint8)
        around = cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0
        assert set(np.unique(first[around])) == {0, object_id}, "touches another object"
    first[1:-1, 1:-1] = 0
    assert not first.any(), "reaches the edge of the frame"


def test_ids_are_the_promised_ones() -> None:
    counts = {name: areas(name).shape[1] for name in synthetic.SEQUENCES}
    assert counts["crowd"] == 5
    assert counts["late-objects"] == 3
    assert sum(count > 1 for count in counts.values()) >= 5
    assert set(synthetic.ATTRIBUTES) == set(synthetic.SEQUENCES)


@pytest.mark.parametrize("name", synthetic.SEQUENCES)
def test_a_mask_that_stands_still_fails(name: str) -> None:
    assert mean_iou_of_first_mask(name) < 0.3


@pytest.mark.parametrize("name", synthetic.SEQUENCES)
def test_the_image_changes_where_the_mask_says_an_object_is(name: str) -> None:
    """The edges of the picture must lie where those of the mask do, not a pixel aside."""
    frames, labels = film(name)
    grey = cv2.GaussianBlur(cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY), (0, 0), 0.7)
    slope = np.hypot(*np.gradient(grey.astype(np.float32)))
    mask = (labels[0] > 0).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    rim = (cv2.dilate(mask, kernel) - cv2.erode(mask, kernel)) > 0
    assert slope[rim].mean() > 1.1 * slope[mask == 0].mean()


def test_translation_keeps_the_shape() -> None:
    area = areas("translation")[:, 0]
    assert area.std() < 0.02 * area.mean()
    _, labels = film("translation")
    centre = np.array([np.argwhere(one).mean(axis=0) for one in labels])
    assert np.hypot(*(centre[-1] - centre[0])) > 0.4 * SIZE[0]


def test_scale_changes_in_both_directions() -> None:
    grown = areas("scale-rotation")[-1] / areas("scale-rotation")[0]
    assert grown[0] > 4
    assert grown[1] < 0.3


def test_ring_has_a_hole() -> None:
    _, labels = film("scale-rotation")
    contours, nesting = cv2.findContours(
        (labels[0] == 2).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    assert len(contours) == 2
    assert (nesting[0, :, 3] >= 0).sum() == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_occlusion_hides_in_part_and_then_wholly(seed: int) -> None:
    area = areas("occlusion", seed)[:, 0]
    assert area[: FRAMES // 3].min() < 0.5 * area[0], "the other animal covers it"
    hidden = np.flatnonzero(area == 0)
    assert hidden.size, "the tree hides it"
    assert area[hidden[-1] + 1 :].max() > 0.8 * area[0], "it comes out again"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_out_of_view_leaves_and_comes_back(seed: int) -> None:
    area = areas("out-of-view", seed)[:, 0]
    gone = np.flatnonzero(area == 0)
    assert 3 <= gone.size < FRAMES / 2 + 1
    assert (np.diff(gone) == 1).all()
    assert area[-1] > 0.9 * area[0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_late_objects_come_late_and_large_enough_to_prompt(seed: int) -> None:
    area = areas("late-objects", seed)
    first = (area > 0).argmax(axis=0)
    assert first[0] == 0
    assert 0 < first[1] < first[2]
    for object_id in range(3):
        assert area[first[object_id], object_id] > 0.6 * area[:, object_id].max()


@pytest.mark.parametrize("seed", [0, 1])
def test_crowd_covers_itself(seed: int) -> None:
    area = areas("crowd", seed)
    assert (area.min(axis=0) < 0.5 * area[0]).sum() >= 2


def test_distractors_look_the_same_but_are_not_labelled() -> None:
    frames, labels = film("distractors")
    assert set(np.unique(labels)) == {0, 1}
    assert areas("distractors").min() < 0.7 * areas("distractors")[0, 0], "one crosses over"
    color = frames[0][labels[0] == 1].mean(axis=0)
    like = np.abs(frames[0].astype(float) - color).max(axis=2) < 30
    assert like[labels[0] == 0].sum() > 0.5 * like[labels[0] == 1].sum()


def test_fast_motion_is_fast_and_smeared(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, labels = film("fast-motion")
    centre = np.array([np.argwhere(one).mean(axis=0) for one in labels])
    speed = np.hypot(*np.diff(centre, axis=0).T)
    assert np.median(speed) > 0.05 * SIZE[0]
    monkeypatch.setattr(synthetic.film, "_SHUTTER", 0.0)
    sharp = list(synthetic.clip("fast-motion", size=SIZE, frames=FRAMES))
    np.testing.assert_array_equal([one for _, one in sharp], labels, "the smear is not labelled")

    def detail(picture: Frame, mask: np.ndarray) -> float:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return float(np.hypot(*np.gradient(grey))[mask].mean())

    masks = [one > 0 for one in labels]
    smeared = np.mean([detail(f, m) for f, m in zip(frames, masks, strict=True)])
    still = np.mean([detail(f, m) for (f, _), m in zip(sharp, masks, strict=True)])
    assert smeared < 0.75 * still


def test_light_goes_down() -> None:
    frames, _ = film("lighting")
    assert frames[-1].mean() < 0.7 * frames[0].mean()


def test_deformation_changes_the_shape_at_constant_size() -> None:
    _, labels = film("deformation")
    shapes = [
        np.sort(cv2.HuMoments(cv2.moments((one == 1).astype(np.uint8)))[:2, 0]) for one in labels
    ]
    spread = np.ptp(shapes, axis=0) / np.mean(shapes, axis=0)
    assert spread.max() > 0.1
    area = areas("deformation")[:, 0]
    assert area.std() < 0.1 * area.mean()


def test_same_seed_gives_the_same_bytes_in_another_process() -> None:
    seen = {
        subprocess.run(
            [sys.executable, "-c", DIGEST, threads], check=True, capture_output=True, text=True
        ).stdout
        for threads in ("1", "4")
    }
    digest = hashlib.sha256()
    for name in synthetic.SEQUENCES:
        for frame, labels in synthetic.clip(name, 3, size=(72, 100), frames=3):
            digest.update(frame.tobytes() + labels.tobytes())
    assert seen == {digest.hexdigest() + "\n"}


def test_another_seed_gives_another_film() -> None:
    for name in ("translation", "occlusion", "crowd"):
        here, there = film(name, 0)[1], film(name, 1)[1]
        assert any((a != b).any() for a, b in zip(here, there, strict=True))


@pytest.mark.parametrize("size", [(64, 64), (200, 96)])
@pytest.mark.parametrize("name", synthetic.SEQUENCES)
def test_smallest_clips_work(name: str, size: tuple[int, int]) -> None:
    pairs = list(synthetic.clip(name, 5, size=size, frames=3))
    assert [labels.shape for _, labels in pairs] == [size] * 3
    assert pairs[0][1].any()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'occlusion'"):
        synthetic.clip("oclusion")
    with pytest.raises(UsageError, match="at least 3 frames of 64 x 64"):
        synthetic.clip("crowd", size=(40, 64))
    with pytest.raises(UsageError, match="at least 3 frames of 64 x 64"):
        synthetic.clip("crowd", frames=2)


def test_make_writes_what_clip_draws(tmp_path: Path) -> None:
    names = ["late-objects", "translation"]
    root = synthetic.make(tmp_path / "data", 7, sequences=names, size=(64, 96), frames=5)
    manifest = json.loads((root / "dataset.json").read_text())
    assert manifest["version"] == synthetic.VERSION
    assert manifest["seed"] == 7
    assert manifest["size"] == [64, 96]
    assert {name: entry["objects"] for name, entry in manifest["sequences"].items()} == {
        "late-objects": 3,
        "translation": 1,
    }
    assert "LATE" in manifest["sequences"]["late-objects"]["attributes"]
    for name in names:
        for index, (frame, labels) in enumerate(synthetic.clip(name, 7, size=(64, 96), frames=5)):
            stored = read_labels(root / "Annotations" / name / f"{index:05d}.png")
            np.testing.assert_array_equal(stored, labels)
            image = cv2.imread(str(root / "JPEGImages" / name / f"{index:05d}.jpg"))
            assert np.abs(image[..., ::-1].astype(int) - frame).mean() < 8
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_make_fills_an_empty_folder_and_refuses_a_full_one(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.mkdir()
    kwargs = {"sequences": ["crowd"], "size": (64, 64), "frames": 3}
    synthetic.make(target, **kwargs)
    before = sorted(target.rglob("*"))
    with pytest.raises(DatasetError, match=r"not an empty folder.*Name another"):
        synthetic.make(target, **kwargs)
    assert sorted(target.rglob("*")) == before
    with pytest.raises(DatasetError, match="not an empty folder"):
        synthetic.make(target / "dataset.json", **kwargs)


def test_interrupted_make_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []

    def interrupt(path: Path, labels: Labels) -> None:
        written.append(path)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("vostool.io.label_maps.write_labels", interrupt)
    with pytest.raises(KeyboardInterrupt):
        synthetic.make(tmp_path / "data", sequences=["crowd"], size=(64, 64), frames=3)
    assert len(written) == 2
    assert list(tmp_path.iterdir()) == []


def test_import_stays_light() -> None:
    code = (
        "import sys, vostool.datasets.synthetic\n"
        "print(*({'torch', 'pandas', 'skimage', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
