"""Decoded frames that trackers share: each is decoded once, as far as the memory goes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from vostool.execution.frame_cache import SharedFrames
from vostool.io.frames import read_frame

ONE = 32 * 48 * 3  # bytes of a frame


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    found = [tmp_path / f"{index}.png" for index in range(6)]
    for path in found:
        cv2.imwrite(str(path), rng.integers(0, 256, (32, 48, 3), np.uint8))
    return found


def test_each_is_decoded_once(paths: list[Path]) -> None:
    frames = SharedFrames(6 * ONE)
    for _ in range(3):
        for path in paths:
            assert (frames.read(path) == read_frame(path)).all()
    assert (frames.decoded, frames.spared) == (6, 12)


def test_what_does_not_fit_is_decoded_again(paths: list[Path]) -> None:
    frames = SharedFrames(4 * ONE + 1)
    for _ in range(3):
        for path in paths:
            frames.read(path)
    assert (frames.decoded, frames.spared) == (4 + 3 * 2, 3 * 6 - 10)


def test_nothing_is_kept_that_nobody_wants(paths: list[Path]) -> None:
    frames = SharedFrames(6 * ONE)
    frames.read(paths[0])
    frames.keep(False)
    frames.read(paths[0])
    frames.read(paths[0])
    assert (frames.decoded, frames.spared) == (3, 0)
    frames.keep(True)
    frames.read(paths[0])
    frames.read(paths[0])
    assert (frames.decoded, frames.spared) == (4, 1)


def test_no_tracker_can_change_what_the_next_one_sees(paths: list[Path]) -> None:
    frames = SharedFrames(6 * ONE)
    for _ in range(2):
        frame = frames.read(paths[0])
        with pytest.raises(ValueError, match="read-only"):
            frame[0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            frame.setflags(write=True)
