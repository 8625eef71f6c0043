"""What a form gives: the masks of a video, frame by frame, and their merging into label maps."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from vostool.errors import ResultError
from vostool.types import Labels, Mask

Objects = Mapping[int, Mask]  # object id -> (H, W) bool
MOST_ID = 254


@dataclass(frozen=True, slots=True)
class Video:
    """What is known of a video before its masks are read.

    Args:
        name: of the video.
        ids: of its objects, in ascending order; empty if they are not known.
        shape: (H, W) of its masks.
        names: names of its frames, all and those that are annotated, either in order.
    """

    name: str
    ids: tuple[int, ...]
    shape: tuple[int, ...]
    names: tuple[tuple[str, ...], ...]

    def names_for(self, count: int, path: Path) -> tuple[str, ...]:
        """Return the names of frames that come without.

        Raises:
            ResultError: the video does not have as many frames.
        """
        for names in self.names:
            if len(names) == count:
                return names
        counts = " or ".join(str(len(names)) for names in dict.fromkeys(self.names))
        raise ResultError(
            f"{path} has masks of {count} frames for video '{self.name}', which has {counts}: it "
            "is not known which are meant. Write one for each frame."
        )

    def knows(self, names: Sequence[str]) -> bool:
        """Return True if these are names of its frames."""
        return bool(names) and all(any(name in known for known in self.names) for name in names)

    def only_id(self, path: Path) -> int:
        """Return the id of the one object that a mask without one is of.

        Raises:
            ResultError: there are several objects.
        """
        if len(self.ids) > 1:
            raise ResultError(
                f"{path} has one mask a frame for video '{self.name}', which has {len(self.ids)} "
                f"objects ({', '.join(map(str, self.ids[:5]))}). Write ids, or a mask per object."
            )
        return self.ids[0] if self.ids else 1


class Form(Protocol):
    """Masks of videos in one form."""

    def has(self, name: str) -> bool:
        """Return True if there are masks of a video."""

    def masks(self, video: Video) -> Iterator[tuple[str, Objects | Labels | bytes]]:
        """Yield the frames of a video: name and masks by object, a label map, or a PNG as it is.

        Raises:
            ResultError: they are damaged, or do not fit the video.
        """


@dataclass(slots=True)
class Overlaps:
    """What was decided where objects overlap.

    Args:
        frames: videos and frames, `video/frame`, where some do.
        pixels: how many pixels.
    """

    frames: list[str] = field(default_factory=list)
    pixels: int = 0

    def merged(self, objects: Objects, shape: tuple[int, ...], where: str) -> Labels:
        """Return a label map of masks; where several objects are, the lowest id is on top."""
        labels = np.zeros(shape, np.uint8)
        covered = 0
        for object_id in sorted(objects, reverse=True):
            labels[objects[object_id]] = object_id
            covered += int(np.count_nonzero(objects[object_id]))
        twice = covered - int(np.count_nonzero(labels))
        if twice:
            self.frames.append(where)
            self.pixels += twice
        return labels

    def note(self) -> str:
        """Say where objects overlapped; empty if nowhere."""
        if not self.frames:
            return ""
        return (
            f"Objects overlap on {len(self.frames)} frames ({self.pixels} pixels, first in "
            f"{self.frames[0]}): a label map has one id for a pixel, and the lowest was taken."
        )


def id_in(name: str, path: Path) -> int:
    """Return the object id in the name of a folder, file or key, its last number.

    Raises:
        ResultError: there is none, or one that no object has.
    """
    digits = re.findall(r"[0-9]+", name)
    number = int(digits[-1]) if digits and len(digits[-1]) < 10 else -1
    if not 0 <= number <= MOST_ID:
        raise ResultError(
            f"{path}: '{name}' is no object id, a number from 1 to {MOST_ID} as in the first masks."
        )
    return number


def checked(mask: np.ndarray, video: Video, path: Path) -> Mask:
    """Return a mask that has the size of its video.

    Raises:
        ResultError: it has another.
    """
    if mask.shape != video.shape:
        raise ResultError(
            f"{path}: a mask of video '{video.name}' is {mask.shape[-1]}x{mask.shape[0]}, and the "
            f"first mask is {video.shape[1]}x{video.shape[0]}. Save masks in that size."
        )
    return mask
