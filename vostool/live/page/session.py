"""What happens behind the page: the objects drawn so far, and tracking that can be corrected.

Masks are those of `vostool track` with the same prompts. A tracker that was stopped goes on where
it is; if objects have changed on a frame that it has passed, it goes through the video once more
from the start, and the masks before that frame stay what they are meanwhile.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vostool.errors import UsageError, VostoolError, resource_error
from vostool.io.label_maps import write_labels
from vostool.live.tracking import LiveTracker, Tracked, follow
from vostool.report.pictures.styles import color_of
from vostool.types import Box
from vostool.video.prompts import MOST_OBJECTS, Given, Prompts, When
from vostool.video.source import Source

Build = Callable[[str], LiveTracker]


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box that somebody has drawn."""

    frame: int
    object_id: int
    box: Box


class Session:
    """One video, its objects and its masks; every method may be called from any thread.

    Args:
        source: the video.
        trackers: names to choose from, the usual one first.
        build: makes a tracker of a name.
        folder: empty, for label maps.
    """

    def __init__(self, source: Source, trackers: Sequence[str], build: Build, folder: Path) -> None:
        self.source, self.trackers, self.tracker = source, tuple(trackers), trackers[0]
        self._build, self._folder = build, folder
        self._built: dict[str, LiveTracker] = {}
        self._lock = threading.Condition()
        self._boxes: list[DrawnBox] = []
        self.names: dict[int, str] = {}
        self._valid = 0  # frames from the first on whose masks can be shown
        self._position = -1  # of the tracker at work
        self._stream: Generator[Tracked] | None = None  # of a tracker that may go on
        self._asked: Prompts | None = None  # what it is given
        self._thread: threading.Thread | None = None
        self._stop = False
        self._error = ""
        self._fps: float | None = None
        self.revision = 0  # counts what changes pictures

    def draw(self, frame: int, object_id: int | None, box: Box) -> int:
        """Add an object, or correct one on a frame; returns its id.

        Raises:
            UsageError: the box is outside of the frame, or the frame is after the end.
        """
        with self._lock:
            self._idle()
            known = {each.object_id for each in self._boxes}
            number = object_id
            if number is None:
                number = next((i for i in range(1, MOST_OBJECTS + 1) if i not in known), None)
            if number is None or (object_id is not None and object_id not in known):
                raise UsageError(f"There is no object {object_id}, or there are too many.")
            given = Given("The box", When(frame), number, box)
            (prompt,) = Prompts([given], self.source.size, self.source.count)
            self._boxes = [
                each for each in self._boxes if (each.frame, each.object_id) != (frame, number)
            ]
            self._boxes.append(DrawnBox(frame, number, prompt.box))
            self._change(frame)
            return number

    def erase(self, object_id: int, frame: int | None = None) -> None:
        """Remove an object, or one of its boxes."""
        with self._lock:
            self._idle()
            gone = [
                each
                for each in self._boxes
                if each.object_id == object_id and frame in (None, each.frame)
            ]
            self._boxes = [each for each in self._boxes if each not in gone]
            if gone:
                self._change(min(each.frame for each in gone))
            if all(each.object_id != object_id for each in self._boxes):
                self.names.pop(object_id, None)

    def rename(self, object_id: int, name: str) -> None:
        """Call an object something; nothing for its number."""
        with self._lock:
            self.names[object_id] = name.strip()[:40]
            if not self.names[object_id]:
                del self.names[object_id]
            self.revision += 1

    def start(self, tracker: str) -> None:
        """Track, or go on, in a thread.

        Raises:
            UsageError: there is no such choice, or no object.
        """
        with self._lock:
            self._idle()
            if tracker not in self.trackers:
                raise UsageError(f"{tracker} is not one of the trackers of this page.")
            if not self._boxes:
                raise UsageError("Draw a box around an object first.")
            if tracker != self.tracker:
                self.tracker = tracker
                self._valid, self.revision = 0, self.revision + 1
                self._forget()
            self._error, self._stop = "", False
            self._thread = threading.Thread(target=self._work, name="track", daemon=True)
            self._thread.start()

    def offer(self, trackers: Sequence[str]) -> None:
        """Add trackers to choose from."""
        with self._lock:
            self.trackers = tuple(dict.fromkeys((*self.trackers, *trackers)))

    def stop(self) -> None:
        """Stop tracking and wait until it has."""
        with self._lock:
            self._stop = True
            thread = self._thread
        if thread is not None:
            thread.join()

    @property
    def running(self) -> bool:
        """Return whether a tracker is at work."""
        return self._thread is not None and self._thread.is_alive()

    def mask(self, index: int) -> Path | None:
        """Return the file of a label map, None where there is none yet."""
        with self._lock:
            return self._file(index) if index < self._valid else None

    def prompts(self) -> list[dict[str, Any]]:
        """Return the boxes as `--prompts` reads them."""
        with self._lock:
            return [
                {
                    "frame": each.frame,
                    "id": each.object_id,
                    "box": [round(side, 2) for side in each.box],
                    **(
                        {"name": self.names[each.object_id]} if each.object_id in self.names else {}
                    ),
                }
                for each in self._boxes
            ]

    def state(self) -> dict[str, Any]:
        """Return all that the page shows, as JSON has it."""
        with self._lock:
            ids = sorted({each.object_id for each in self._boxes})
            return {
                "name": self.source.path.name if self.source.path else self.source.name,
                "height": self.source.size[0],
                "width": self.source.size[1],
                "length": self.source.length,
                "fps": self.source.fps,
                "trackers": self.trackers,
                "tracker": self.tracker,
                "objects": [
                    {"id": i, "name": self.names.get(i, ""), "color": list(color_of(i))}
                    for i in ids
                ],
                "boxes": [
                    {"frame": each.frame, "id": each.object_id, "box": list(each.box)}
                    for each in self._boxes
                ],
                "running": self.running,
                "position": self._position,
                "valid": self._valid,
                "speed": self._fps,
                "error": self._error,
                "notes": list(self.source.notes),
                "revision": self.revision,
            }

    def _file(self, index: int) -> Path:
        return self._folder / f"{index:05d}.png"

    def _idle(self) -> None:
        if self.running:
            raise UsageError("The tracker is at work. Stop it first.")

    def _change(self, frame: int) -> None:
        """Take the masks from a frame on for what they are: those of other boxes."""
        self._valid = min(self._valid, frame)
        if frame <= self._position:
            self._forget()
        self.revision += 1

    def _forget(self) -> None:
        """Let the tracker begin with the first frame next time."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._asked, self._position = None, None, -1

    def _given(self) -> list[Given]:
        return [
            Given(
                "The box", When(b.frame), b.object_id, b.box, name=self.names.get(b.object_id, "")
            )
            for b in sorted(self._boxes, key=lambda each: each.frame)
        ]

    def _work(self) -> None:
        try:
            stream, tracker = self._opened()
            for frame, (labels,), _ in stream:
                if frame.index >= self._valid:
                    write_labels(self._file(frame.index), labels)
                with self._lock:
                    self._position, self._fps = frame.index, tracker.fps
                    self._valid = max(self._valid, frame.index + 1)
                if self._stop:
                    return  # the stream stays open: it may go on
            self._stream, self._asked = None, None
        except VostoolError as error:
            self._fail(str(error))
        except Exception as error:  # a page must say it; there is nobody else to raise it to
            self._fail(str(resource_error(error) or f"{type(error).__name__}: {error}"))

    def _opened(self) -> tuple[Generator[Tracked], LiveTracker]:
        """Return the frames to be tracked: those that are left, or all."""
        if self.tracker not in self._built:
            self._built[self.tracker] = self._build(self.tracker)
        tracker = self._built[self.tracker]
        prompts = Prompts(self._given(), self.source.size, self.source.count)
        if self._stream is None or self._asked is None:
            tracker.restart()
            self._position = -1
            self._asked, self._stream = prompts, follow(self.source, prompts, [tracker])
        else:
            self._asked.take_over(prompts, self._position)
        return self._stream, tracker

    def _fail(self, why: str) -> None:
        with self._lock:
            self._error = why
            self._forget()

    def close(self) -> None:
        """Stop whatever is at work."""
        self.stop()
        self._forget()
