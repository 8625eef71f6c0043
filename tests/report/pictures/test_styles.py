"""Objects drawn on frames: where they are, in their colors, each style as it is named."""

import numpy as np
import pytest

from vostool.report.pictures.styles import STYLES, color_of, cut_out, drawn

SIZE = (240, 320)


@pytest.fixture
def frame() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(90, 170, (*SIZE, 3), np.uint8)


@pytest.fixture
def labels() -> np.ndarray:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return ((np.hypot(x - 200, y - 140) < 60) * 2).astype(np.uint8)


@pytest.mark.parametrize("style", STYLES)
def test_without_an_object(frame: np.ndarray, style: str) -> None:
    before = frame.copy()
    picture = drawn(frame, np.zeros(SIZE, np.uint8), style)  # type: ignore[arg-type]
    assert picture is not frame
    assert np.array_equal(frame, before)
    if style in ("contour", "fill"):
        assert np.array_equal(picture, frame)


@pytest.mark.parametrize("style", STYLES)
def test_inside_and_outside(frame: np.ndarray, labels: np.ndarray, style: str) -> None:
    picture = drawn(frame, labels, style).astype(int)  # type: ignore[arg-type]
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    away = np.hypot(x - 200, y - 140)
    inner, outer = away < 50, (away > 70) & (y > 80)
    change = np.abs(picture - frame)
    if style == "fill":
        tinted = 0.58 * frame + 0.42 * np.array(color_of(2))
        assert np.abs(picture - tinted)[inner].max() <= 1
    else:
        assert change[inner].max() == 0
    if style in ("contour", "fill"):
        assert change[outer].max() == 0
        line = np.abs(away - 60) < 0.5
        assert np.median(np.abs(picture - np.array(color_of(2)))[line]) == 0
    if style == "spotlight":
        assert picture[outer].mean() < 0.4 * frame[outer].mean()
    if style == "blur-background":
        assert picture[outer].std() < 0.4 * frame[outer].std()
        assert abs(picture[outer].mean() - frame[outer].mean()) < 3


def test_ids_and_names_stay_in_the_frame(frame: np.ndarray) -> None:
    for where in (np.s_[:30, :30], np.s_[-30:, -30:], np.s_[:, :]):
        labels = np.zeros(SIZE, np.uint8)
        labels[where] = 1
        plain = drawn(frame, labels)
        named = drawn(frame, labels, names={1: "a name much longer than anybody needs it to be"})
        assert named.shape == frame.shape
        assert not np.array_equal(plain, named)


@pytest.mark.parametrize("size", [(1, 1), (4, 300), (300, 4), (9, 9)])
@pytest.mark.parametrize("style", STYLES)
def test_small_frames(size: tuple[int, int], style: str) -> None:
    frame, labels = np.full((*size, 3), 99, np.uint8), np.ones(size, np.uint8)
    assert drawn(frame, labels, style).shape == frame.shape  # type: ignore[arg-type]


def test_a_cut_out(frame: np.ndarray, labels: np.ndarray) -> None:
    picture = cut_out(frame, labels)
    assert np.array_equal(picture[..., :3], frame)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    away = np.hypot(x - 200, y - 140)
    assert picture[..., 3][away < 55].min() == 255
    assert picture[..., 3][away > 65].max() == 0
