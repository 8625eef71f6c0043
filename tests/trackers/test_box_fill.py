"""BoxFill: it follows a square, and MIL's two random generators are held."""

import subprocess
import sys
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from vostool.errors import ConfigError
from vostool.types import Box, Frame, Labels, Prompt
from vostool_trackers.box_fill.tracker import BoxFill, Config

SIDE = 30


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def _clip(count: int = 8, start: tuple[int, int] = (20, 30)) -> tuple[list[Frame], list[Box]]:
    """A textured square that moves by (5, 3) px a frame over a darker, textured ground."""
    rng = np.random.default_rng(5)
    ground = rng.integers(0, 90, (120, 160, 3), np.uint8)
    square = np.kron(rng.integers(120, 255, (6, 6, 3), np.uint8), np.ones((5, 5, 1), np.uint8))
    frames, boxes = [], []
    for i in range(count):
        x, y = start[0] + 5 * i, start[1] + 3 * i
        frame = ground.copy()
        view = frame[y : y + SIDE, x : x + SIDE]
        view[:] = square[: view.shape[0], : view.shape[1]]
        frame.flags.writeable = False
        frames.append(frame)
        boxes.append(Box(x, y, SIDE, SIDE))
    return frames, boxes


def _run(tracker: BoxFill, frames: list[Frame], prompts: dict[int, list[Prompt]]) -> list[Labels]:
    tracker.reset()
    return [tracker.step(frame, prompts.get(i, [])) for i, frame in enumerate(frames)]


def _iou(labels: Labels, object_id: int, box: Box) -> float:
    truth = np.zeros(labels.shape, bool)
    truth[int(box.y) : int(box.y + box.h), int(box.x) : int(box.x + box.w)] = True
    mine = labels == object_id
    return float((mine & truth).sum() / (mine | truth).sum())


def test_it_follows_a_moving_square() -> None:
    frames, boxes = _clip()
    labels = _run(BoxFill(), frames, {0: [Prompt(1, 0, boxes[0])]})
    assert _iou(labels[-1], 1, boxes[-1]) > 0.6
    assert _iou(labels[0], 1, boxes[-1]) < 0.3  # standing still would not do


def test_two_runs_in_one_process_agree(threads: None) -> None:
    frames, boxes = _clip(5)
    tracker = BoxFill()
    first = _run(tracker, frames, {0: [Prompt(1, 0, boxes[0])]})
    cv2.setNumThreads(1)
    again = _run(tracker, frames, {0: [Prompt(1, 0, boxes[0])]})
    np.testing.assert_array_equal(first, again)


def test_another_process_agrees() -> None:
    frames, boxes = _clip(4)
    here = _run(BoxFill(), frames, {0: [Prompt(1, 0, boxes[0])]})
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_box_fill as t\n"
        "frames, boxes = t._clip(4)\n"
        "labels = t._run(t.BoxFill(), frames, {0: [t.Prompt(1, 0, boxes[0])]})\n"
        "sys.stdout.write(bytes(t.np.stack(labels)).hex())\n"
    )
    folder = __file__.rpartition("test_box_fill")[0]
    run = subprocess.run(
        [sys.executable, "-c", program, folder], capture_output=True, text=True, check=True
    )
    assert bytes.fromhex(run.stdout) == np.stack(here).tobytes()


def test_an_object_does_not_depend_on_the_others() -> None:
    frames, boxes = _clip(5)
    wanted = Prompt(2, 0, boxes[0])
    alone = _run(BoxFill(), frames, {0: [wanted]})
    far = Prompt(1, 0, Box(110, 5, 20, 20))
    late = Prompt(3, 2, Box(5, 85, 20, 20))
    together = _run(BoxFill(), frames, {0: [far, wanted], 2: [late]})
    for mine, ours in zip(alone, together, strict=True):
        np.testing.assert_array_equal(mine == 2, ours == 2)
    assert not (together[1] == 3).any()
    assert (together[4] == 3).any()


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 160, 120), Box(159, 119, 1, 1), Box(40, 40, 1, 1), Box(0, 50, 160, 1)],
    ids=["whole frame", "corner pixel", "one pixel", "one row"],
)
def test_odd_boxes_do_not_hurt(box: Box) -> None:
    frames, _ = _clip(3)
    for labels in _run(BoxFill(), frames, {0: [Prompt(1, 0, box)]}):
        assert labels.shape == (120, 160)
        assert set(np.unique(labels)) <= {0, 1}


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 5)])
def test_odd_frames_do_not_hurt(size: tuple[int, int]) -> None:
    frames = [np.zeros((*size, 3), np.uint8)] * 3
    labels = _run(BoxFill(), frames, {0: [Prompt(1, 0, Box(0, 0, 1, 1))]})
    assert labels[-1].shape == size


def test_an_object_that_leaves_does_not_hurt() -> None:
    frames, boxes = _clip(14, start=(90, 60))
    labels = _run(BoxFill(), frames, {0: [Prompt(1, 0, boxes[0])]})
    assert labels[-1].shape == (120, 160)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="working_side is 2"):
        Config(working_side=2)
    with pytest.raises(ConfigError, match="search_radius"):
        Config(search_radius=1)
