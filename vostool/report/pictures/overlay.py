"""Drawing label maps on frames: colours of the DAVIS palette, contours, differences, captions."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vostool.io.label_maps import davis_palette
from vostool.types import Frame, Labels

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
Marks = tuple[tuple[str, tuple[int, int, int]], ...]  # a legend: texts with their colours

FILL = 0.45  # share of the colour inside of an object
BAR = (24, 24, 27)  # behind captions
INK = (244, 244, 245)
# Of a difference; told apart in every common form of colour blindness (Okabe and Ito 2008).
ONLY_FIRST = (230, 159, 0)
ONLY_SECOND = (86, 180, 233)
OTHER_ID = (240, 228, 66)
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # of R, G, B; ITU-R BT.709
_LIGHT = 110
_COLOURS = np.array(davis_palette(), np.uint8).reshape(256, 3)


def overlay(frame: Frame, labels: Labels, thickness: int = 2) -> Picture:
    """Draw the objects of a label map: each tinted and outlined in its colour of the palette.

    Args:
        frame: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8.
        thickness: of the contours, in pixels; a thin line in white, or black around light colours,
            sets them off from any ground.
    """
    import cv2

    inside = labels != 0
    picture: Picture = np.array(frame)
    tinted = (1 - FILL) * frame[inside] + FILL * _COLOURS[labels[inside]]
    picture[inside] = np.rint(tinted).astype(np.uint8)
    for object_id in np.unique(labels[inside]).tolist():
        mask = (labels == object_id).astype(np.uint8)
        outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        colour = _COLOURS[object_id].tolist()
        edge = (0, 0, 0) if np.dot(_LUMINANCE, colour) > _LIGHT else (255, 255, 255)
        cv2.drawContours(picture, outlines, -1, edge, thickness + 1)
        cv2.drawContours(picture, outlines, -1, colour, thickness)
    return picture


def difference(frame: Frame, first: Labels, second: Labels) -> Picture:
    """Show where two label maps differ, on a dim grey frame; where they agree it is brighter.

    Args:
        frame: (H, W, 3) uint8 RGB.
        first: (H, W) uint8.
        second: (H, W) uint8.

    Returns:
        Pixels in `ONLY_FIRST` are an object in `first` alone, in `ONLY_SECOND` in `second` alone,
        and in `OTHER_ID` another one in each.
    """
    grey = frame.astype(np.float32).mean(axis=2, keepdims=True)
    agree = (first == second) & (first != 0)
    bright = np.where(agree[..., None], 0.5 * grey + 110, 0.45 * grey)
    picture = np.repeat(bright, 3, axis=2)
    for where, colour in (
        ((first != 0) & (second == 0), ONLY_FIRST),
        ((first == 0) & (second != 0), ONLY_SECOND),
        ((first != 0) & (second != 0) & (first != second), OTHER_ID),
    ):
        picture[where] = 0.2 * picture[where] + 0.8 * np.array(colour)
    return np.asarray(np.rint(picture), np.uint8)


def resized(picture: Picture, width: int) -> Picture:
    """Return a picture of another width and the same shape."""
    import cv2

    if picture.shape[1] == width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    smaller = width < picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def resized_labels(labels: Labels, size: tuple[int, int]) -> Labels:
    """Return a label map of another size (H, W), the nearest pixel's id in each."""
    import cv2

    if labels.shape == size:
        return labels
    small = cv2.resize(np.ascontiguousarray(labels), size[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, np.uint8)


def captioned(picture: Picture, left: str, right: str = "", marks: Marks = ()) -> Picture:
    """Set a line of text above a picture.

    Args:
        picture: (H, W, 3) uint8.
        left: text; cut with dots where there is no room for it.
        right: text that is always whole.
        marks: a legend behind `left`: texts, each behind a square of its colour.
    """
    left, right = (text.replace("\n", " ") for text in (left, right))  # names may have line ends
    size = text_size(picture.shape[1])
    font, height = _font(size), size + size // 2 + 2
    bar = Image.new("RGB", (picture.shape[1], height), BAR)
    draw = ImageDraw.Draw(bar)
    gap, middle = size // 2, height / 2
    end = picture.shape[1] - gap - draw.textlength(right, font)
    draw.text((end, middle), right, INK, font, anchor="lm")
    x = float(gap)
    legend = sum(draw.textlength(text, font) + 2.5 * gap + size // 2 for text, _ in marks)
    shown = _cut(draw, font, left, end - x - gap - legend)
    draw.text((x, middle), shown, INK, font, anchor="lm")
    x += draw.textlength(shown, font) + (gap if shown else 0)
    for text, colour in marks:
        side = size // 2
        draw.rectangle((x, middle - side / 2, x + side, middle + side / 2), colour)
        x += side + gap / 2
        draw.text((x, middle), text, INK, font, anchor="lm")
        x += draw.textlength(text, font) + 2 * gap
    return np.vstack([np.asarray(bar, np.uint8), picture])


def beside(pictures: list[Picture], gap: int = 4) -> Picture:
    """Put pictures of one height side by side."""
    space = np.full((pictures[0].shape[0], gap, 3), BAR, np.uint8)
    parts = [pictures[0]]
    for picture in pictures[1:]:
        parts += [space, picture]
    return np.hstack(parts)


def text_size(width: int) -> int:
    """Return the height of captions in pixels on a picture of a width."""
    return int(np.clip(width // 30, 11, 20))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _cut(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    text: str,
    room: float,
) -> str:
    """Return as much of the text as there is room for, with dots where some is missing."""
    if draw.textlength(text, font) <= room:
        return text
    while text and draw.textlength(text + "...", font) > room:
        text = text[:-1]
    return text + "..." if text else ""
