"""The windows of all objects of a frame, and scores that use the same memory again."""

import numpy as np
import pytest

from vostool.metrics import reference
from vostool.metrics.bitpacked import scratch
from vostool.metrics.frame import common_window, frame_scores, object_windows


def test_windows_of_a_small_frame() -> None:
    prediction = np.zeros((5, 9), np.uint8)
    truth = np.zeros((5, 9), np.uint8)
    prediction[0, 0] = 7  # a corner
    prediction[4, 8] = 9  # the opposite one
    truth[1, 2:4] = 3
    prediction[3, 5] = 3  # elsewhere in the other map
    truth[2, 6:] = 255  # up to the border, and the next row begins with another object
    truth[3, :2] = 1
    windows = {i: tuple(window) for i, window in object_windows(prediction, truth).items()}
    assert windows == {
        1: (3, 4, 0, 2),
        3: (1, 4, 2, 6),
        7: (0, 1, 0, 1),
        9: (4, 5, 8, 9),
        255: (2, 3, 6, 9),
    }


def test_an_object_that_goes_on_at_the_start_of_the_next_row() -> None:
    labels = np.zeros((3, 4), np.uint8)
    labels[0, 3] = labels[1, 0] = 2
    assert object_windows(labels, labels) == {2: (0, 2, 0, 4)}


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (17, 23), (64, 8)])
@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_windows_are_those_of_the_pixels(shape: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(shape)
    for _ in range(20):
        pair = rng.integers(0, 256, (2, *shape)) * (rng.random((2, *shape)) < share)
        prediction, truth = pair.astype(np.uint8)
        expected = {}
        for object_id in set(np.unique(pair).tolist()) - {0}:
            _, y, x = np.nonzero(pair == object_id)
            expected[object_id] = (y.min(), y.max() + 1, x.min(), x.max() + 1)
        assert object_windows(prediction, truth) == expected


@pytest.mark.parametrize("left_there", [1, 2, 255])
def test_what_is_left_in_working_memory_is_not_seen(left_there: int) -> None:
    rng = np.random.default_rng(4)
    for shape, radius in [((60, 90), 8), ((9, 14), 1), ((33, 20), 30), ((61, 7), 2), ((5, 5), 0)]:
        truth = rng.integers(0, 3, shape).astype(np.uint8)
        inner = np.pad(truth[2:-2, 2:-2], 2)  # touches no border
        block = np.zeros(shape, np.uint8)
        block[2 : shape[0] // 2, 2 : shape[1] // 2] = 1
        moved = np.roll(block, min(shape) // 4, axis=1)  # so that some of the contours match
        pairs = [(np.roll(truth, 2, axis=1), truth), (np.roll(inner, 1, axis=0), inner)]
        for pair in (*pairs, (moved, block)):
            for ids in ([1], [1, 2, 9]):
                for buffer in scratch._buffers.values():
                    buffer[:] = left_there
                expected = reference.scores(*pair, ids, radius)
                assert list(frame_scores(*pair, ids, radius)) == expected
                assert list(frame_scores(*common_window(*pair), ids, radius)) == expected
