"""The optical-flow baseline against scenes whose motion is known, and against one real video."""

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vostool.types import Box, Frame, Labels, Mask, Prompt
from vostool_trackers.optical_flow.flow import DenseFlow, residual_motion
from vostool_trackers.optical_flow.guided import apply_guide, guided_coefficients
from vostool_trackers.optical_flow.tracker import Config, OpticalFlow

HEIGHT, WIDTH = 120, 160


def texture(seed: int, tint: tuple[int, int, int], size: tuple[int, int]) -> Frame:
    noise = np.random.default_rng(seed).normal(0, 1, (*size, 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 1.5)
    return np.clip(np.array(tint) + 25 * noise / noise.std(), 0, 255).astype(np.uint8)


BACKGROUND = texture(0, (70, 110, 80), (HEIGHT, WIDTH))
RED = texture(1, (190, 90, 80), (HEIGHT, WIDTH))
BLUE = texture(2, (80, 90, 190), (HEIGHT, WIDTH))


def square(x: int, y: int, side: int = 30) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)] = True
    return mask


def paint(*parts: tuple[Mask, Frame, tuple[int, int]]) -> Frame:
    """Paint textures shifted by (x, y), so that texture and mask move together."""
    frame = BACKGROUND.copy()
    for mask, paper, (x, y) in parts:
        frame[mask] = np.roll(paper, (y, x), (0, 1))[mask]
    return frame


def prompt(object_id: int, mask: Mask, index: int = 0) -> Prompt:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return Prompt(object_id, index, Box(0, 0, 0, 0), mask)
    x, y = int(columns.min()), int(rows.min())
    box = Box(x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y)
    return Prompt(object_id, index, box, mask)


def iou(found: Mask, truth: Mask) -> float:
    union = np.count_nonzero(found | truth)
    return 1.0 if union == 0 else np.count_nonzero(found & truth) / union


def moving_square(count: int = 12) -> tuple[list[Frame], list[Mask]]:
    masks = [square(20 + 4 * t, 20 + 3 * t) for t in range(count)]
    return [paint((m, RED, (4 * t, 3 * t))) for t, m in enumerate(masks)], masks


def follow(frames: list[Frame], first: Mask, tracker: OpticalFlow | None = None) -> list[Labels]:
    tracker = tracker or OpticalFlow()
    tracker.reset()
    return [tracker.step(f, (prompt(1, first),) if t == 0 else ()) for t, f in enumerate(frames)]


def test_moving_square_is_followed() -> None:
    frames, masks = moving_square()
    labels = follow(frames, masks[0])
    assert all(found.dtype == np.uint8 for found in labels)
    assert np.array_equal(labels[0] == 1, masks[0])
    assert min(iou(f == 1, m) for f, m in zip(labels, masks, strict=True)) > 0.9
    assert iou(masks[0], masks[-1]) < 0.1  # standing still would not have done


def test_square_leaves_over_the_border() -> None:
    masks = [square(10 - 4 * t, 40) for t in range(8)]
    frames = [paint((m, RED, (-4 * t, 0))) for t, m in enumerate(masks)]
    labels = follow(frames, masks[0])
    assert min(iou(f == 1, m) for f, m in zip(labels, masks, strict=True)) > 0.8


def test_crossing_objects_keep_their_ids() -> None:
    left = [square(10 + 5 * t, 40) for t in range(18)]
    right = [square(115 - 5 * t, 45) & ~square(10 + 5 * t, 40) for t in range(18)]
    tracker = OpticalFlow()
    tracker.reset()
    for t, (front, back) in enumerate(zip(left, right, strict=True)):
        frame = paint((back, BLUE, (-5 * t, 0)), (front, RED, (5 * t, 0)))
        start = (prompt(3, front), prompt(7, back)) if t == 0 else ()
        labels = tracker.step(frame, start)
        assert set(np.unique(labels)) <= {0, 3, 7}
    assert iou(labels == 3, left[-1]) > 0.85
    assert iou(labels == 7, right[-1]) > 0.7


def test_late_prompt_starts_with_its_own_mask() -> None:
    frames, masks = moving_square(8)
    late = square(100, 15, 20)
    tracker = OpticalFlow()
    tracker.reset()
    for t, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
        frame[late] = BLUE[late]
        start = {0: (prompt(1, mask),), 4: (prompt(2, late, 4),)}.get(t, ())
        labels = tracker.step(frame, start)
        if t < 4:
            assert set(np.unique(labels)) == {0, 1}
        if t == 4:
            assert np.array_equal(labels == 2, late)
    assert iou(labels == 1, masks[-1]) > 0.9
    assert iou(labels == 2, late) > 0.9


def test_object_vanishes_and_is_found_again() -> None:
    gone = np.zeros((HEIGHT, WIDTH), np.bool_)
    masks = [square(30, 40)] * 3 + [gone] * 4 + [square(95, 50)] * 3
    shifts = [(0, 0)] * 7 + [(65, 10)] * 3
    frames = [paint((m, RED, s)) for m, s in zip(masks, shifts, strict=True)]
    labels = follow(frames, masks[0])
    assert not labels[6].any()
    assert iou(labels[-1] == 1, masks[-1]) > 0.8


def test_empty_prompt_stays_empty_beside_another() -> None:
    frames, masks = moving_square(5)
    empty = np.zeros((HEIGHT, WIDTH), np.bool_)
    tracker = OpticalFlow()
    tracker.reset()
    for t, frame in enumerate(frames):
        labels = tracker.step(frame, (prompt(1, masks[0]), prompt(2, empty)) if t == 0 else ())
        assert not (labels == 2).any()
    assert iou(labels == 1, masks[4]) > 0.9


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (33, 17), (90, 700), (700, 90)])
def test_any_frame_size(size: tuple[int, int]) -> None:
    frame = texture(3, (100, 100, 100), size)
    mask = np.zeros(size, np.bool_)
    mask[: max(1, size[0] // 2), : max(1, size[1] // 2)] = True
    labels = follow([frame] * 3, mask)
    assert [found.shape for found in labels] == [size] * 3
    if min(size) > 40:  # smaller masks are eaten by the filters
        assert iou(labels[-1] == 1, mask) > 0.8


def test_same_bytes_after_reset_and_with_any_number_of_threads() -> None:
    frames, masks = moving_square(6)
    tracker = OpticalFlow()
    before = cv2.getNumThreads()
    try:
        results = []
        for threads in (1, 2, 2, 5):
            cv2.setNumThreads(threads)
            results.append(np.stack(follow(frames, masks[0], tracker)))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(a, b) for a, b in pairwise(results))


def test_same_bytes_in_another_process() -> None:
    frames, masks = moving_square(4)
    here = hashlib.sha256(np.stack(follow(frames, masks[0])).tobytes()).hexdigest()
    code = (
        "import runpy, sys, hashlib, numpy as np;"
        "m = runpy.run_path(sys.argv[1]); f, g = m['moving_square'](4);"
        "print(hashlib.sha256(np.stack(m['follow'](f, g[0])).tobytes()).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", code, __file__], capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here


def test_frames_are_not_written_to() -> None:
    frames, masks = moving_square(3)
    for frame in frames:
        frame.flags.writeable = False
    follow(frames, masks[0])


def test_flow_of_a_shift_is_the_shift() -> None:
    gray = cv2.cvtColor(BACKGROUND, cv2.COLOR_RGB2GRAY)
    moved = np.roll(gray, (2, 5), (0, 1))
    motion = DenseFlow("medium", "fast", 1.5).between(gray, moved)
    inside = motion.backward[20:-20, 20:-20]
    assert np.abs(np.median(inside, (0, 1)) - (-5, -2)).max() < 0.1
    assert np.median(motion.confidence) > 0.95


def test_camera_motion_is_removed_from_the_background_only() -> None:
    rows, columns = np.mgrid[:60, :80].astype(np.float32)
    camera = np.dstack([1 + 0.02 * columns, -2 + 0.01 * rows]).astype(np.float32)
    backward = camera.copy()
    backward[20:40, 30:50] += (4.0, 0.0)
    residual = residual_motion(backward, np.ones((60, 80), np.float32))
    assert np.abs(residual[:15]).max() < 0.2
    assert np.abs(residual[20:40, 30:50] - (4.0, 0.0)).max() < 0.3


def test_guided_filter_moves_a_soft_edge_to_the_image_edge() -> None:
    image = np.full((40, 40, 3), 0.2, np.float32)
    image[:, 20:] = (0.8, 0.6, 0.4)
    mask = np.zeros((40, 40), np.float32)
    mask[:, 21:] = 1.0  # one pixel off
    fit = guided_coefficients(image, mask, 4, 1e-4)
    snapped = apply_guide(fit, image)
    assert (snapped[:, 20] > 0.5).all()
    assert (snapped[:, 19] < 0.5).all()


def test_settings_matter() -> None:
    frames, masks = moving_square(6)
    plain = follow(frames, masks[0], OpticalFlow(Config(bias=-50.0)))
    assert not plain[-1].any()


def test_real_video() -> None:
    root = os.environ.get("VOSTOOL_TEST_DATA")
    davis = Path(root or ".") / "data" / "DAVIS"
    if root is None or not davis.is_dir():
        pytest.skip("DAVIS is absent: set VOSTOOL_TEST_DATA to the folder that has data/DAVIS")
    names = sorted((davis / "JPEGImages/480p/bear").glob("*.jpg"))[:16]
    frames = [np.asarray(Image.open(name).convert("RGB")) for name in names]
    truth = [
        np.asarray(Image.open(davis / f"Annotations/480p/bear/{name.stem}.png").convert("L")) > 0
        for name in names
    ]
    labels = follow(frames, truth[0])
    scores = [iou(f == 1, m) for f, m in zip(labels, truth, strict=True)][1:]
    assert np.mean(scores) > 0.88
