"""Pictures into files: a contact sheet, an animation or a video, whole or not at all."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from vostool.errors import UsageError
from vostool.io.storage import staged_file
from vostool.report.pictures.overlay import BAR, Picture, resized
from vostool.video.writer import VideoWriter

SUFFIXES = (".png", ".gif", ".mp4")
MOST_OF_GIF = 400  # frames: Pillow holds all of them
_MOST_PIXELS = 120_000_000  # of a contact sheet, 360 MB in memory


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


class AnimationWriter:
    """An animation that repeats for ever, of pictures as they come; they are held until its end.

    Args:
        path: `.gif` of 256 colors a picture, or `.webp`, which is a tenth of its size.
        fps: pictures per second.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._kind = "WEBP" if path.suffix.lower() == ".webp" else "GIF"
        # Browsers slow down what is shown for less than 20 ms.
        self._duration = max(20, round(1000 / fps / 10) * 10)
        self._images: list[Image.Image] = []

    def put(self, picture: Picture, time: float = 0.0) -> None:
        """Add a picture; one of another size is set into the size of the first.

        Raises:
            UsageError: there are so many that it would be of no use.
        """
        if len(self._images) == MOST_OF_GIF:
            raise UsageError(
                f"An animation of more than {MOST_OF_GIF} frames would be huge. Write an .mp4."
            )
        first = self._images[0] if self._images else None
        image = Image.fromarray(picture if first is None else _framed(picture, first.size[::-1]))
        if self._kind == "GIF":
            image = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        self._images.append(image)

    def close(self) -> None:
        """Write the file; there is none if no picture was put."""
        images, self._images = self._images, []
        if not images:
            return
        with staged_file(self._path) as partial:
            images[0].save(
                *(partial, self._kind),
                save_all=True,
                append_images=images[1:],
                duration=self._duration,
                loop=0,
                quality=75,  # of WebP; GIF has none
            )


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
    writer = AnimationWriter(path, fps)
    for picture in pictures:
        writer.put(picture)
    writer.close()


def write_video(pictures: Iterable[Picture], fps: float, path: Path) -> None:
    """Write an `.mp4` that plays in browsers, on phones and in chat programs.

    Args:
        pictures: narrower or lower ones than the first are set into its size.
        fps: pictures per second.
        path: file to write; it appears whole or not at all.

    Raises:
        UsageError: PyAV is not installed.
        ResourceError: the disk is full.
    """
    shape: tuple[int, int] | None = None
    with staged_file(path) as partial, VideoWriter(partial, fps) as writer:
        for index, picture in enumerate(pictures):
            shape = shape or (picture.shape[0], picture.shape[1])
            writer.put(_framed(picture, shape), index / fps)


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
