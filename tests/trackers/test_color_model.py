"""ColorModel: it follows colours from a mask or a box, through occlusion, and repeats itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vostool.errors import ConfigError
from vostool.tracking.base import Tracker
from vostool.types import Box, Frame, Labels, Mask, Prompt
from vostool_trackers.color_model.box_start import mask_from_box
from vostool_trackers.color_model.box_tracker import ColorModelBox
from vostool_trackers.color_model.geometry import box_of
from vostool_trackers.color_model.motion import camera_shift
from vostool_trackers.color_model.refine import drop_strays, mean_field
from vostool_trackers.color_model.settings import Config
from vostool_trackers.color_model.tracker import ColorModel

DATA = Path(os.environ["VOSTOOL_TEST_DATA"]) / "data" if "VOSTOOL_TEST_DATA" in os.environ else None
SIZE = (120, 160)


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def _clip(count: int = 6, gone: tuple[int, ...] = ()) -> tuple[list[Frame], list[Mask]]:
    """A reddish disc that moves by (6, 3) px a frame over green ground; absent where `gone`."""
    rng = np.random.default_rng(5)
    ground = rng.integers(0, 60, (*SIZE, 3), np.uint8) + np.array([20, 90, 20], np.uint8)
    paint = rng.integers(0, 60, (*SIZE, 3), np.uint8) + np.array([170, 40, 40], np.uint8)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    frames, masks = [], []
    for i in range(count):
        mask = (x - 40 - 6 * i) ** 2 + (y - 50 - 3 * i) ** 2 < 18**2
        if i in gone:
            mask[:] = False
        frame = np.where(mask[..., None], paint, ground)
        frame.flags.writeable = False
        frames.append(frame)
        masks.append(mask)
    return frames, masks


def _prompt(mask: Mask, object_id: int = 1, frame_index: int = 0, box: bool = False) -> Prompt:
    tight = box_of(mask) or Box(0, 0, 0, 0)
    return Prompt(object_id, frame_index, tight, None if box else mask)


def _run(tracker: Tracker, frames: list[Frame], prompts: dict[int, list[Prompt]]) -> list[Labels]:
    tracker.reset()
    return [tracker.step(frame, prompts.get(i, [])) for i, frame in enumerate(frames)]


def _iou(mine: Mask, truth: Mask) -> float:
    return float((mine & truth).sum() / max((mine | truth).sum(), 1))


@pytest.mark.parametrize("box", [False, True])
def test_it_follows_a_moving_disc(box: bool) -> None:
    frames, masks = _clip()
    tracker = ColorModelBox() if box else ColorModel()
    labels = _run(tracker, frames, {0: [_prompt(masks[0], box=box)]})
    assert _iou(labels[-1] == 1, masks[-1]) > 0.9
    assert _iou(masks[0], masks[-1]) < 0.2  # standing still would not do


def test_grabcut_finds_the_disc_in_its_box() -> None:
    frames, masks = _clip(1)
    box = box_of(masks[0])
    assert box is not None
    assert _iou(mask_from_box(frames[0], box, 0), masks[0]) > 0.95


def test_an_ellipse_stands_in_for_a_failed_grabcut() -> None:
    mask = mask_from_box(np.zeros((40, 40, 3), np.uint8), Box(0, 0, 40, 40), 0)
    assert 0.75 < mask.mean() < 0.82  # pi / 4


def test_an_object_that_vanishes_is_found_again() -> None:
    frames, masks = _clip(12, gone=(3, 4, 5, 6))
    labels = _run(ColorModel(), frames, {0: [_prompt(masks[0])]})
    assert not labels[5].any()
    assert _iou(labels[-1] == 1, masks[-1]) > 0.9


def test_a_late_object_joins() -> None:
    frames, masks = _clip(5)
    other = np.zeros(SIZE, bool)
    other[90:110, 10:40] = True
    blue = [np.where(other[..., None], np.uint8([10, 10, 200]), f).astype(np.uint8) for f in frames]
    labels = _run(ColorModel(), blue, {0: [_prompt(masks[0], 4)], 2: [_prompt(other, 9, 2)]})
    assert set(np.unique(labels[1])) == {0, 4}
    assert _iou(labels[-1] == 9, other) > 0.9
    assert _iou(labels[-1] == 4, masks[-1] & ~other) > 0.85


@pytest.mark.parametrize("box", [False, True])
def test_two_runs_in_one_process_agree(threads: None, box: bool) -> None:
    frames, masks = _clip(4)
    tracker = ColorModelBox() if box else ColorModel()
    first = _run(tracker, frames, {0: [_prompt(masks[0], box=box)]})
    cv2.randu(np.zeros(3), 0, 1)  # somebody else draws from the generator in between
    cv2.setNumThreads(1)
    np.testing.assert_array_equal(first, _run(tracker, frames, {0: [_prompt(masks[0], box=box)]}))


def test_another_process_agrees() -> None:
    frames, masks = _clip(3)
    here = _run(ColorModelBox(), frames, {0: [_prompt(masks[0], box=True)]})
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_color_model as t\n"
        "frames, masks = t._clip(3)\n"
        "prompts = {0: [t._prompt(masks[0], box=True)]}\n"
        "labels = t._run(t.ColorModelBox(), frames, prompts)\n"
        "sys.stdout.write(bytes(t.np.stack(labels)).hex())\n"
    )
    folder = __file__.rpartition("test_color_model")[0]
    run = subprocess.run(
        [sys.executable, "-c", program, folder], capture_output=True, text=True, check=True
    )
    assert bytes.fromhex(run.stdout) == np.stack(here).tobytes()


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize(
    "window",
    [np.s_[:, :], np.s_[119:, 159:], np.s_[40:41, 40:41], np.s_[50:51, :], np.s_[0:0, 0:0]],
    ids=["whole frame", "corner pixel", "one pixel", "one row", "nothing"],
)
def test_odd_masks_do_not_hurt(window: tuple[slice, slice], box: bool) -> None:
    frames, _ = _clip(4)
    mask = np.zeros(SIZE, bool)
    mask[window] = True
    tracker = ColorModelBox() if box else ColorModel()
    for labels in _run(tracker, frames, {0: [_prompt(mask, box=box)]}):
        assert labels.shape == SIZE
        assert set(np.unique(labels)) <= {0, 1}


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 5), (17, 17)])
def test_odd_frames_do_not_hurt(size: tuple[int, int], box: bool) -> None:
    frames = [np.full((*size, 3), i, np.uint8) for i in (9, 9, 200)]
    mask = np.zeros(size, bool)
    mask[0, 0] = True
    tracker = ColorModelBox() if box else ColorModel()
    assert _run(tracker, frames, {0: [_prompt(mask, box=box)]})[-1].shape == size


def test_the_camera_shift_has_the_right_sign() -> None:
    rng = np.random.default_rng(0)
    wide = cv2.GaussianBlur(rng.integers(0, 255, (96, 150, 3), np.uint8), (0, 0), 3)
    shift = camera_shift(wide[:, 20:140], wide[:, 12:132])
    assert shift == pytest.approx((8.0, 0.0), abs=1.0)


def test_smoothing_follows_edges_of_colour() -> None:
    lab = np.zeros((20, 20, 3), np.float32)
    lab[:, 10:] = 0.8
    odds = np.where(np.arange(20) < 10, -2.0, 2.0).astype(np.float32) * np.ones((20, 1), np.float32)
    odds[5, 5] = 1.0  # one pixel against all its neighbours
    smooth = mean_field(odds, lab, 1.0, 12)
    np.testing.assert_array_equal(smooth > 0.5, np.ones((20, 1), bool) * (np.arange(20) >= 10))


def test_stray_pieces_are_dropped() -> None:
    probability = np.zeros((30, 30), np.float32)
    probability[2:12, 2:12] = 0.9
    probability[20:28, 20:28] = 0.9
    prior = np.zeros((30, 30), np.float32)
    prior[2:14, 2:14] = 1.0
    kept = drop_strays(probability, prior)
    assert kept[5, 5] == np.float32(0.9)
    assert not kept[20:28, 20:28].any()


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="local_rate is 2"):
        Config(local_rate=2)


def test_it_holds_on_to_a_bear() -> None:
    folder = (DATA or Path()) / "DAVIS" / "JPEGImages" / "480p" / "bear"
    if DATA is None or not folder.is_dir():
        pytest.skip("DAVIS is not at $VOSTOOL_TEST_DATA/data/DAVIS")
    paths = sorted(folder.glob("*.jpg"))[:8]
    frames = [np.array(Image.open(p).convert("RGB")) for p in paths]
    annotations = DATA / "DAVIS" / "Annotations" / "480p" / "bear"
    masks = [np.array(Image.open(annotations / f"{p.stem}.png").convert("L")) > 127 for p in paths]
    labels = _run(ColorModel(), frames, {0: [_prompt(masks[0])]})
    assert _iou(labels[-1] == 1, masks[-1]) > 0.85
