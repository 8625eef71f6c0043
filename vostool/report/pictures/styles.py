"""Objects on a frame of a video: outlined, filled, in a spotlight, on a blurred background."""

from collections.abc import Mapping
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vostool.types import Frame, Labels

Style = Literal["contour", "fill", "spotlight", "blur-background"]
STYLES: tuple[Style, ...] = get_args(Style)
# Bright enough for any footage, and told apart in every common form of color blindness as far as
# ten colors can be; the ids are drawn as well.
COLORS = np.array(
    [
        (255, 196, 0),
        (0, 190, 255),
        (255, 92, 138),
        (94, 230, 120),
        (190, 130, 255),
        (255, 138, 40),
        (64, 224, 208),
        (240, 110, 255),
        (190, 220, 60),
        (120, 150, 255),
    ],
    np.uint8,
)
_FILL = 0.42  # share of the color inside of an object
_DIM = 0.32  # brightness around a spotlight
_DARK = (16, 16, 20)


def color_of(object_id: int) -> tuple[int, int, int]:
    """Return the color of an object, R G B."""
    r, g, b = COLORS[(object_id - 1) % len(COLORS)].tolist()
    return r, g, b


def drawn(
    frame: Frame, labels: Labels, style: Style = "contour", names: Mapping[int, str] | None = None
) -> Frame:
    """Draw the objects of a label map on a frame.

    Args:
        frame: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8.
        style: what is done with objects and background.
        names: what is written at objects; their ids where it says nothing.

    Returns:
        (H, W, 3) uint8 RGB, a new array.
    """
    ids = [int(i) for i in np.flatnonzero(np.bincount(labels.reshape(-1), minlength=256)) if i]
    picture = np.array(frame)
    if style == "spotlight":
        gray = frame.mean(axis=2, keepdims=True)
        away = (_DIM * (0.5 * frame + 0.5 * gray)).astype(np.uint8)
        picture = _blend(away, frame, _soft(labels))
    elif style == "blur-background":
        picture = _blend(_blurred(frame), frame, _soft(labels))
    elif style == "fill":
        tint = np.zeros((256, 3), np.float32)
        for object_id in ids:
            tint[object_id] = color_of(object_id)
        inside = labels != 0
        mixed = (1 - _FILL) * frame[inside] + _FILL * tint[labels[inside]]
        picture[inside] = mixed.astype(np.uint8)
    if style in ("contour", "fill"):
        for object_id in ids:
            _outline(picture, labels, object_id)
    if style != "blur-background":
        _tags(picture, labels, ids, names or {})
    return picture


def cut_out(frame: Frame, labels: Labels) -> NDArray[np.uint8]:
    """Return the objects alone: (H, W, 4) uint8 RGBA with a soft edge, transparent elsewhere."""
    alpha = np.rint(_soft(labels, 0.8) * 255).astype(np.uint8)
    return np.dstack([frame, alpha])


def _soft(labels: Labels, sigma: float = 1.5) -> NDArray[np.float32]:
    """Return (H, W) in [0, 1]: 1 in objects, with an edge a few pixels wide."""
    import cv2

    inside = (labels != 0).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), sigma), np.float32)


def _blend(away: Frame, near: Frame, share: NDArray[np.float32]) -> Frame:
    import cv2

    return np.asarray(cv2.blendLinear(near, away, share, 1 - share), np.uint8)


def _blurred(frame: Frame) -> Frame:
    import cv2

    height, width = frame.shape[:2]
    size = max(1, width // 4), max(1, height // 4)
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(1.0, min(size) / 24))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _outline(picture: Frame, labels: Labels, object_id: int) -> None:
    """Draw an object's smooth contour: its color, set off from any ground by a dark rim."""
    import cv2

    mask = (labels == object_id).astype(np.uint8)
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    line = max(2, round(min(picture.shape[:2]) / 170))
    lines = [_smooth(points[:, 0].astype(np.float32)) for points in found if len(points) > 4]
    shifted = [np.rint(points * 16).astype(np.int32)[:, None] for points in lines]
    cv2.polylines(picture, shifted, True, _DARK, line + 2, cv2.LINE_AA, 4)
    cv2.polylines(picture, shifted, True, color_of(object_id), line, cv2.LINE_AA, 4)


def _smooth(points: NDArray[np.float32], reach: int = 3) -> NDArray[np.float32]:
    """Return a closed line without the steps of its pixels: a mean over neighbors on the line."""
    reach = min(reach, len(points) // 4)
    wrapped = np.concatenate([points[-reach:], points, points[:reach]]) if reach else points
    sums = np.cumsum(np.concatenate([np.zeros((1, 2), np.float32), wrapped]), axis=0)
    width = 2 * reach + 1
    return np.asarray((sums[width:] - sums[:-width]) / width, np.float32)


def _tags(picture: Frame, labels: Labels, ids: list[int], names: Mapping[int, str]) -> None:
    """Write ids or names on small plates above the objects, inside of the frame."""
    size = int(np.clip(min(picture.shape[:2]) / 26, 11, 40))
    for object_id in ids:
        mask = labels == object_id
        rows = np.flatnonzero(mask.any(axis=1))
        columns = np.flatnonzero(mask[rows[0] : rows[0] + max(1, len(rows) // 4)].any(axis=0))
        plate = _plate(names.get(object_id) or str(object_id), color_of(object_id), size)
        height, width = plate.shape[:2]
        if height > picture.shape[0] or width > picture.shape[1]:
            continue
        middle = int(columns.mean()) if columns.size else 0
        left = int(np.clip(middle - width // 2, 0, picture.shape[1] - width))
        top = int(np.clip(rows[0] - height - size // 3, 0, picture.shape[0] - height))
        ground = picture[top : top + height, left : left + width]
        share = plate[..., 3:].astype(np.float32) / 255
        ground[:] = np.rint(share * plate[..., :3] + (1 - share) * ground).astype(np.uint8)


@cache
def _plate(text: str, color: tuple[int, int, int], size: int) -> NDArray[np.uint8]:
    """Return a rounded plate with a text, (h, w, 4) uint8 RGBA."""
    font = ImageFont.load_default(size)
    text = text if len(text) <= 24 else text[:23] + "\N{HORIZONTAL ELLIPSIS}"
    wide = ImageDraw.Draw(Image.new("L", (1, 1))).textlength(text, font)
    height = round(size * 1.45)
    width = max(height, round(wide + size * 0.8))
    scale = 4  # edges are drawn large and shrunk
    back = Image.new("L", (width * scale, height * scale), 0)
    box = (0, 0, width * scale - 1, height * scale - 1)
    ImageDraw.Draw(back).rounded_rectangle(box, height * scale // 3, 255)
    plate = Image.new("RGBA", (width, height), (*color, 0))
    plate.putalpha(back.resize((width, height), Image.Resampling.LANCZOS))
    ink = Image.new("RGBA", (width, height), (*_DARK, 0))
    pen = ImageDraw.Draw(ink)
    pen.text((width / 2, height / 2), text, (*_DARK, 255), font, anchor="mm")
    return np.asarray(Image.alpha_composite(plate, ink), np.uint8)
