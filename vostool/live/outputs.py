"""What is written of a tracked video, frame by frame, and kept when tracking is stopped."""

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from vostool.errors import UsageError
from vostool.io.label_maps import write_labels
from vostool.live.tables import BoxTable, CocoJson
from vostool.live.tracking import Tracked
from vostool.report.pictures.files import AnimationWriter
from vostool.report.pictures.overlay import beside, captioned, resized
from vostool.report.pictures.styles import Style, cut_out, drawn
from vostool.types import Frame, Labels
from vostool.video.source import Source
from vostool.video.writer import Codec, VideoWriter

KINDS = (".mp4", ".gif", ".webp", ".webm", ".json", ".csv", ".txt")
_WIDEST = 3840  # pixels of several trackers side by side
_GIF_WIDTH = 480  # of one tracker's picture in a gif
_DEPTH = 4  # frames that wait to be written
_CUTOUT = "cutout:"


class Output(ABC):
    """One file or folder that is written while a video is tracked.

    Args:
        path: what is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def put(self, tracked: Tracked, fps: Sequence[float | None]) -> None:
        """Write one frame.

        Args:
            tracked: the frame and the label map of each tracker.
            fps: of each tracker so far.
        """

    def close(self) -> None:  # noqa: B027 - files that are complete as they are need none
        """Finish; what was put is complete and can be read."""


@dataclass(frozen=True)
class Setting:
    """What all outputs of a video are made with.

    Args:
        source: of the frames, and of audio.
        trackers: their names, in the order of the label maps.
        names: of objects.
        style: how objects are drawn.
        codec: of an `.mp4`.
    """

    source: Source
    trackers: tuple[str, ...]
    names: dict[int, str] = field(default_factory=dict)
    style: Style = "contour"
    codec: Codec = "h264"

    def picture(self, frame: Frame, maps: Sequence[Labels], fps: Sequence[float | None]) -> Frame:
        """Draw one frame; several trackers side by side, with their names and fps."""
        pictures = [drawn(frame, labels, self.style, self.names) for labels in maps]
        if len(pictures) == 1:
            return pictures[0]
        width = min(frame.shape[1], _WIDEST // len(pictures))
        panels = [
            captioned(resized(picture, width), name, "" if rate is None else f"{rate:.1f} fps")
            for picture, name, rate in zip(pictures, self.trackers, fps, strict=True)
        ]
        return beside(panels)


class Overlay(Output):
    """The video with its objects drawn, `.mp4`, `.gif` or `.webp`."""

    def __init__(self, path: Path, setting: Setting) -> None:
        super().__init__(path)
        self._setting = setting
        self._writer: VideoWriter | AnimationWriter
        if path.suffix.lower() in (".gif", ".webp"):
            self._writer = AnimationWriter(path, setting.source.fps)
        else:
            source = setting.source
            self._writer = VideoWriter(path, source.fps, setting.codec, source)

    def put(self, tracked: Tracked, fps: Sequence[float | None]) -> None:
        picture = self._setting.picture(tracked.frame.image, tracked.maps, fps)
        if isinstance(self._writer, AnimationWriter):
            picture = resized(picture, min(picture.shape[1], _GIF_WIDTH * len(tracked.maps)))
        self._writer.put(picture, tracked.frame.time)

    def close(self) -> None:
        self._writer.close()


class MaskFolder(Output):
    """Palette PNGs of ids, one a frame, named as `vostool run` names them."""

    def __init__(self, path: Path, which: int) -> None:
        super().__init__(path)
        self._which = which
        _make_empty(path)

    def put(self, tracked: Tracked, fps: Sequence[float | None]) -> None:
        write_labels(self.path / f"{tracked.frame.index:05d}.png", tracked.maps[self._which])


class CutOut(Output):
    """The objects alone before transparency: a `.webm`, or a folder of PNGs."""

    def __init__(self, path: Path, which: int, source: Source) -> None:
        super().__init__(path)
        self._which = which
        self._writer: VideoWriter | None = None
        if path.suffix.lower() == ".webm":
            self._writer = VideoWriter(path, source.fps, "vp9-alpha", source)
        else:
            _make_empty(path)

    def put(self, tracked: Tracked, fps: Sequence[float | None]) -> None:
        picture = cut_out(tracked.frame.image, tracked.maps[self._which])
        if self._writer is not None:
            self._writer.put(picture, tracked.frame.time)
            return
        from PIL import Image

        file = self.path / f"{tracked.frame.index:05d}.png"
        partial = file.with_name(f".{file.name}.partial")
        Image.fromarray(picture).save(partial, "PNG", compress_level=1)
        os.replace(partial, file)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class Table(Output):
    """COCO JSON, or boxes as CSV or in the format of MOT."""

    def __init__(self, path: Path, which: int, setting: Setting) -> None:
        super().__init__(path)
        self._which = which
        kind = CocoJson if path.suffix.lower() == ".json" else BoxTable
        self._table = kind(path, setting.source, setting.names)

    def put(self, tracked: Tracked, fps: Sequence[float | None]) -> None:
        self._table.put(tracked.frame, tracked.maps[self._which])

    def close(self) -> None:
        self._table.close()


def outputs_of(texts: Sequence[str], setting: Setting) -> list[Output]:
    """Open what `--out` names; with several trackers each has files of its own, but one video.

    Args:
        texts: `FILE.mp4`, `.gif`, `.webp`, `.webm`, `.json`, `.csv`, `.txt`, a folder for maps, or
            `cutout:FOLDER` for pictures with transparency.
        setting: what they are made with.

    Raises:
        UsageError: a kind that cannot be written, a file twice, the video itself, or a folder
            that has pictures already.
    """
    outputs: list[Output] = []
    for text in texts:
        path = Path(text.removeprefix(_CUTOUT))
        kind = path.suffix.lower()
        if kind in (".mp4", ".gif", ".webp"):
            outputs.append(Overlay(_checked(path, outputs, setting), setting))
            continue
        for which, tracker in enumerate(setting.trackers):
            own = _own(path, tracker) if len(setting.trackers) > 1 else path
            own = _checked(own, outputs, setting)
            if text.startswith(_CUTOUT) or kind == ".webm":
                outputs.append(CutOut(own, which, setting.source))
            elif kind in (".json", ".csv", ".txt"):
                outputs.append(Table(own, which, setting))
            elif kind and not path.is_dir():
                raise UsageError(
                    f"--out {text}: it ends with {', '.join(KINDS)}, or is a folder for masks."
                )
            else:
                outputs.append(MaskFolder(own, which))
    return outputs


def _own(path: Path, tracker: str) -> Path:
    """Return the path for one of several trackers."""
    name = tracker.replace("/", "-")
    return path.with_name(f"{path.stem}.{name}{path.suffix}") if path.suffix else path / name


def _checked(path: Path, outputs: Sequence[Output], setting: Setting) -> Path:
    """Refuse to write over the video, or one file twice."""
    there = path.resolve()
    if setting.source.path is not None and there == setting.source.path.resolve():
        raise UsageError(f"--out {path} is the video itself. Choose another name.")
    if any(output.path.resolve() == there for output in outputs):
        raise UsageError(f"{path} would be written twice. Choose another --out.")
    return path


def _make_empty(folder: Path) -> None:
    """Make a folder for pictures; those of another video must not be mixed with them."""
    if folder.is_dir() and any(folder.glob("*.png")):
        raise UsageError(f"{folder} has pictures already. Choose another folder, or remove them.")
    folder.mkdir(parents=True, exist_ok=True)


class Writing:
    """Write all outputs in a thread beside the tracker; an error of one is raised by a later `put`.

    Args:
        outputs: to be written; they are closed at the end, whatever happens.
    """

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = outputs
        self._pool = ThreadPoolExecutor(1, "write")
        self._waiting: deque[Future[None]] = deque()
        self.frames = 0

    def put(self, tracked: Tracked, fps: Sequence[float | None]) -> None:
        """Write one frame soon; waits if too many are waiting."""
        self._waiting.append(self._pool.submit(self._write, tracked, tuple(fps)))
        while len(self._waiting) > _DEPTH:
            self._waiting.popleft().result()

    def _write(self, tracked: Tracked, fps: tuple[float | None, ...]) -> None:
        for output in self._outputs:
            output.put(tracked, fps)
        self.frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True)
        problems: list[BaseException] = []
        for future in self._waiting:
            if (error := future.exception()) is not None:
                problems.append(error)
        for output in self._outputs:
            try:
                output.close()
            except Exception as error:  # the others are closed all the same
                problems.append(error)
        if problems and kind is None:
            raise problems[0]
