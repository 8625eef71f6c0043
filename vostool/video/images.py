"""Images in order as a video: a folder, a glob, or the frames of a dataset's sequence."""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from vostool.errors import DatasetError
from vostool.io.frames import read_frame
from vostool.video.source import Source, TimedFrame

FPS = 24.0  # of images, which have no times


class Images(Source):
    """Image files of one size.

    Args:
        name: of the clip.
        paths: in order.
        fps: at which they are shown.
        beside: what is made of them lies beside their folder.

    Raises:
        DatasetError: there is none, or the first is no image.
    """

    def __init__(
        self, name: str, paths: Sequence[Path], fps: float = FPS, *, beside: bool = False
    ) -> None:
        super().__init__()
        if not paths:
            raise DatasetError(f"{name} has no JPEG, PNG or BMP files.")
        self.name, self.fps, self.length = name, fps, len(paths)
        self.paths, self.beside = tuple(paths), beside
        first = read_frame(self.paths[0])
        self.size = first.shape[0], first.shape[1]

    def frames(self, start: int = 0) -> Generator[TimedFrame]:
        for index in range(start, len(self.paths)):
            image = read_frame(self.paths[index])
            if image.shape[:2] != self.size:
                raise DatasetError(
                    f"{self.paths[index]} is {image.shape[1]}x{image.shape[0]}, the first image is "
                    f"{self.size[1]}x{self.size[0]}. The frames of a clip must be of one size."
                )
            yield TimedFrame(index, index / self.fps, image)


class Camera(Source):
    """A camera of this machine, live: the stream has no end, and starts anew with each iteration.

    Args:
        number: of the camera, from 0.
        seconds: after which the stream ends; None for never.

    Raises:
        DatasetError: there is no such camera, or another program has it.
    """

    def __init__(self, number: int, seconds: float | None = None) -> None:
        super().__init__()
        self.name, self._number, self.seconds = f"camera{number}", number, seconds
        with closing(self.frames()) as frames:
            first = next(frames, None)
        if first is None:
            raise DatasetError(f"Camera {number} gives no picture. Is another program using it?")
        self.size, self.fps = (first.image.shape[0], first.image.shape[1]), 30.0

    def frames(self, start: int = 0) -> Generator[TimedFrame]:
        import cv2

        log = getattr(cv2.utils, "logging", cv2)  # moved in OpenCV 5
        level = log.setLogLevel(0)
        camera = cv2.VideoCapture(self._number)
        log.setLogLevel(level)
        try:
            if not camera.isOpened():
                raise DatasetError(
                    f"There is no camera {self._number}, or it may not be used. Name another one, "
                    "such as --camera 0, or a video file."
                )
            yield from self._read(camera, start)
        finally:
            camera.release()

    def _read(self, camera: object, start: int) -> Generator[TimedFrame]:
        import time
        from typing import Any

        import cv2

        device: Any = camera
        begin, index = time.perf_counter(), 0
        while True:
            there, image = device.read()
            seconds = time.perf_counter() - begin
            if not there or (self.seconds is not None and seconds > self.seconds):
                return
            frame = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            frame.setflags(write=False)
            if index >= start:
                yield TimedFrame(index, seconds if index else 0.0, frame)
            index += 1
