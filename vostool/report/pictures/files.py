"""Pictures into files: a contact sheet, an animation or a video, whole or not at all."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vostool.errors import ResourceError, UsageError
from vostool.io.storage import staged_file
from vostool.report.pictures.overlay import BAR, Picture, resized

SUFFIXES = (".png", ".gif", ".mp4")
MOST_OF_GIF = 400  # frames: Pillow holds all of them
_MOST_PIXELS = 120_000_000  # of a contact sheet, 360 MB in memory
# VP9 plays in browsers, which MPEG-4 part 2 does not; H.264 is in no wheel of OpenCV for Linux.
_CODECS = ("vp09", "mp4v")


def write_sheet(pictures: Iterable[Picture], count: int, columns: int, path: Path) -> None:
    """Write a contact sheet as PNG, row by row.

    Args:
        pictures: at least one; narrower or lower ones are set into the cell of the first.
        count: how many they are.
        columns: pictures in a row.
        path: file to write.

    Raises:
        UsageError: the sheet would be too large.
    """
    gap = 8
    sheet: Picture | None = None
    for number, picture in enumerate(pictures):
        height, width = picture.shape[0] + gap, picture.shape[1] + gap
        if sheet is None:
            rows = math.ceil(count / columns)
            cell = (height, width)
            if rows * height * columns * width > _MOST_PIXELS:
                raise UsageError(
                    f"A sheet of {count} pictures of {width - gap}x{height - gap} is too large. "
                    "Take fewer with --frames or --sequence, or smaller ones with --width."
                )
            shape = (rows * height + gap, columns * width + gap, 3)
            sheet = np.empty(shape, np.uint8)
            sheet[:] = BAR
        top, left = number // columns * cell[0] + gap, number % columns * cell[1] + gap
        fitted = _fitted(picture, (cell[0] - gap, cell[1] - gap))
        sheet[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    assert sheet is not None
    with staged_file(path) as partial:
        Image.fromarray(sheet).save(partial, "PNG", optimize=False, compress_level=6)


def write_gif(pictures: Iterable[Picture], count: int, fps: float, path: Path) -> None:
    """Write an animation that repeats for ever.

    Raises:
        UsageError: there are so many frames that it would be of no use.
    """
    if count > MOST_OF_GIF:
        raise UsageError(
            f"A gif of {count} frames would be huge. Take fewer with --sequence or --every, or "
            "write an .mp4."
        )
    shape: tuple[int, int] | None = None
    images = []
    for picture in pictures:
        shape = shape or (picture.shape[0], picture.shape[1])
        image = Image.fromarray(_framed(picture, shape))
        images.append(image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
    with staged_file(path) as partial:
        duration = max(20, round(1000 / fps / 10) * 10)  # browsers slow shorter ones down
        images[0].save(
            partial, "GIF", save_all=True, append_images=images[1:], duration=duration, loop=0
        )


def write_video(pictures: Iterable[Picture], fps: float, path: Path) -> None:
    """Write a video, VP9 in MP4 where OpenCV can, else MPEG-4.

    Raises:
        ResourceError: OpenCV can write neither.
    """
    import cv2

    writer = None
    with staged_file(path) as partial:
        try:
            for picture in pictures:
                if writer is None:
                    shape = (picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2)  # 4:2:0
                    writer = _video_writer(partial, fps, shape)
                writer.write(cv2.cvtColor(_framed(picture, shape), cv2.COLOR_RGB2BGR))
        finally:
            if writer is not None:
                writer.release()
        if not partial.is_file() or not partial.stat().st_size:
            raise ResourceError(f"{path} could not be written. Is there space on the disk?")


def _video_writer(path: Path, fps: float, shape: tuple[int, int]) -> Any:
    import cv2

    log: Any = getattr(cv2.utils, "logging", cv2)  # moved in OpenCV 5
    level = log.setLogLevel(0)  # a codec that is not there is no news
    try:
        for codec in _CODECS:
            code = cv2.VideoWriter.fourcc(*codec)
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, fps, shape[::-1])
            if writer.isOpened():
                return writer
    finally:
        log.setLogLevel(level)
    raise ResourceError("This OpenCV writes no MP4. Choose --out with .gif or .png.")


def _fitted(picture: Picture, shape: tuple[int, int]) -> Picture:
    """Shrink a picture that is larger than a cell."""
    scale = min(shape[0] / picture.shape[0], shape[1] / picture.shape[1], 1)
    if scale == 1:
        return picture
    shrunk = resized(picture, max(1, math.floor(picture.shape[1] * scale)))
    return shrunk[: shape[0], : shape[1]]


def _framed(picture: Picture, shape: tuple[int, int]) -> Picture:
    """Return a picture of exactly a shape: shrunk to fit, the rest dark."""
    if picture.shape[:2] == shape:
        return picture
    if picture.shape[0] - shape[0] in (0, 1) and picture.shape[1] - shape[1] in (0, 1):
        return picture[: shape[0], : shape[1]]
    framed = np.empty((*shape, 3), np.uint8)
    framed[:] = BAR
    fitted = _fitted(picture, shape)
    framed[: fitted.shape[0], : fitted.shape[1]] = fitted
    return framed
