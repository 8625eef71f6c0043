"""Crops: where their pixels come from, and what lies outside."""

import cv2
import numpy as np
import pytest
import torch

from vostool_trackers.siamese.inference.crops import context_side, cut, cut_windows, window_corners


def ramp(height: int = 60, width: int = 80) -> torch.Tensor:
    """Return a frame whose first two channels are the coordinates of its pixels."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack((x, y, x + y)).float()


def test_context_by_hand():
    """A box of 30 x 50: p = 40, sqrt(70 x 90)."""
    assert context_side(torch.tensor([[30.0, 50.0]])).item() == pytest.approx(6300**0.5)


def test_every_pixel_comes_from_its_place():
    centre, side = (40.0, 30.0), 21.0
    (crop,) = cut(ramp(), torch.tensor([centre]), torch.tensor([side]), 63)
    steps = (torch.arange(63) - 31) / 3  # 63 pixels on 21
    assert torch.allclose(crop[0], (centre[0] + steps).expand(63, 63), atol=1e-3)
    assert torch.allclose(crop[1], (centre[1] + steps)[:, None].expand(63, 63), atol=1e-3)


def test_outside_is_the_mean_colour():
    frame = ramp()
    (crop,) = cut(frame, torch.tensor([[-100.0, 20.0]]), torch.tensor([40.0]), 31)
    assert torch.allclose(crop, frame.mean((1, 2))[:, None, None].expand(3, 31, 31), atol=1e-3)


def test_several_at_once_are_those_one_by_one():
    centres, sides = torch.tensor([[10.0, 10.0], [60.0, 50.0]]), torch.tensor([30.0, 55.0])
    both = cut(ramp(), centres, sides, 31)
    for i in range(2):
        alone = cut(ramp(), centres[i : i + 1], sides[i : i + 1], 31)
        assert torch.equal(alone[0], both[i])


def window_by_opencv(
    frame: np.ndarray, centre: tuple[float, float], side: float, out: int, fill: list[int]
) -> np.ndarray:
    """Return what the published programs cut: a window of the padded frame, resized by OpenCV."""
    n = round(side)
    left, top = (round(c - (n + 1) / 2) for c in centre)
    around = 4 * n
    padded = cv2.copyMakeBorder(
        frame, around, around, around, around, cv2.BORDER_CONSTANT, value=fill
    )
    window = padded[top + around : top + around + n, left + around : left + around + n]
    return cv2.resize(window, (out, out))


WINDOWS = [
    ((40.0, 30.0), 31.0),  # enlarged
    ((41.5, 28.5), 60.4),  # halves between two pixels
    ((40.0, 30.0), 40.5),  # a side between two whole ones
    ((3.0, 55.0), 90.0),  # over two borders
    ((40.2, 29.9), 300.0),  # reduced, the frame in the middle
    ((-20.0, 30.0), 44.0),  # beside the frame, but for a few pixels
    ((-90.0, 130.0), 44.0),  # nothing of the frame
    ((40.0, 30.0), 1.0),  # one pixel
]


@pytest.mark.parametrize("out", [1, 40, 63, 127])
def test_windows_are_those_of_opencv(out):
    """To the last bit, all windows at once as each by OpenCV."""
    frame = np.random.default_rng(out).integers(0, 256, (60, 80, 3), np.uint8)
    fill = [91, 0, 255]
    crops = cut_windows(
        torch.from_numpy(frame).permute(2, 0, 1).float(),
        torch.tensor([centre for centre, _ in WINDOWS]),
        torch.tensor([side for _, side in WINDOWS]),
        out,
        torch.tensor([fill]).expand(len(WINDOWS), -1) + 0.9,  # they keep whole numbers
    )
    for crop, (centre, side) in zip(crops, WINDOWS, strict=True):
        expected = window_by_opencv(frame, centre, side, out, fill).reshape(out, out, 3)
        assert np.array_equal(crop.permute(1, 2, 0).numpy(), expected), (centre, side)


def test_windows_begin_at_whole_pixels():
    centres, sides = torch.tensor([[10.0, 20.5], [10.25, 11.0]]), torch.tensor([7.0, 8.5])
    corners, whole = window_corners(centres, sides)
    assert whole.tolist() == [7, 8]
    assert corners.tolist() == [[6, 16], [6, 6]]  # 16.5 and 6.5 to even ones


def test_windows_of_real_frames_are_those_of_opencv(shared):
    frame = cv2.imread(str(shared / "data/DAVIS/JPEGImages/480p/libby/00003.jpg"))
    fill = frame.mean(axis=(0, 1)).astype(int).tolist()
    for centre, side, out in (((429.5, 259.0), 904.1, 255), ((100.0, 50.0), 96.3, 127)):
        (crop,) = cut_windows(
            torch.from_numpy(frame).permute(2, 0, 1).float(),
            torch.tensor([centre]),
            torch.tensor([side]),
            out,
            torch.tensor([fill]).float(),
        )
        expected = window_by_opencv(frame, centre, side, out, fill)
        assert np.array_equal(crop.permute(1, 2, 0).numpy(), expected)
