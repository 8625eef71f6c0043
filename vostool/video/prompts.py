"""Where the objects are: boxes and masks as a user writes them, with the frames they belong to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vostool.errors import UsageError
from vostool.io.label_maps import VOID, box_of, ids_in, merge_objects, read_labels, refuse_soft
from vostool.types import Box, Labels, Prompt

MOST_OBJECTS = 254
_NUMBER = r"\s*(-?\d+(?:\.\d*)?|-?\.\d+)\s*(%?)\s*"
_BOX = re.compile(rf"(?:(\d+):)?{','.join([_NUMBER] * 4)}")
_WHEN = re.compile(r"(?:(\d+)|(\d+(?:\.\d*)?|\.\d+)s)")
_EARLY = 1e-3  # seconds that a frame may be before the time asked for: containers round


@dataclass(frozen=True, slots=True)
class When:
    """A frame by its index, or the first frame at a time or later.

    Args:
        frame: index from 0; None if it is given by time.
        seconds: since the first frame.
    """

    frame: int | None = 0
    seconds: float = 0.0

    def reached(self, index: int, time: float) -> bool:
        """Return whether a frame of this index and time is it, or comes after it."""
        return index >= self.frame if self.frame is not None else time >= self.seconds - _EARLY

    def __str__(self) -> str:
        return f"frame {self.frame}" if self.frame is not None else f"{self.seconds:g} s"


@dataclass(frozen=True, slots=True)
class Given:
    """One object, or one mask file of several, as it was given.

    Args:
        text: as the user wrote it, for messages.
        when: the frame that it belongs to.
        object_id: 1 to 254; None for the next free one, or for the ids of the mask.
        box: x, y, w, h.
        relative: which of these are percent of the width or height of the frame.
        mask: PNG file, or a label map.
        name: what the user calls the object.
    """

    text: str
    when: When = When()
    object_id: int | None = None
    box: Box | None = None
    relative: tuple[bool, bool, bool, bool] = (False, False, False, False)
    mask: Path | Labels | None = None
    name: str = ""


def parse_box(text: str) -> Given:
    """Parse `[ID:]X,Y,W,H[@FRAME|@SECONDSs]`, each number in pixels or, with `%`, percent.

    Raises:
        UsageError: it is none, or is empty.
    """
    where, _, when = text.partition("@")
    match = _BOX.fullmatch(where.strip())
    if not match:
        raise UsageError(
            f"--box {text}: a box is X,Y,W,H in pixels from the top left corner, such as "
            "120,80,64,48, or in percent, such as 10%,20%,30%,40%; @FRAME or @12.5s may follow."
        )
    groups = match.groups()
    numbers = [float(value) for value in groups[1::2]]
    percent = [sign == "%" for sign in groups[2::2]]
    box = Box(*numbers)
    if box.w <= 0 or box.h <= 0:
        raise UsageError(f"--box {text} is empty: its width and height must be more than 0.")
    number = None if groups[0] is None else checked_id(int(groups[0]), f"--box {text}")
    return Given(
        f"--box {text}",
        parse_when(when, f"--box {text}"),
        number,
        box,
        (percent[0], percent[1], percent[2], percent[3]),
    )


def parse_mask(text: str) -> Given:
    """Parse `FILE.png[@FRAME|@SECONDSs]`.

    Raises:
        UsageError: what follows the `@` is neither.
    """
    path, at, when = text.rpartition("@")
    if not at or not _WHEN.fullmatch(when):
        path, when = text, ""
    return Given(f"--mask {text}", parse_when(when, f"--mask {text}"), mask=Path(path))


def parse_when(text: str, of: str) -> When:
    """Parse `FRAME` or `SECONDSs`; nothing is the first frame.

    Args:
        text: such as `120` or `12.5s`.
        of: what it stands in, for the message.
    """
    match = _WHEN.fullmatch(text.strip() or "0")
    if not match:
        raise UsageError(f"{of}: after @ comes a frame, such as @120, or a time, such as @12.5s.")
    return When(int(match[1])) if match[1] else When(None, float(match[2]))


def checked_id(number: int, of: str) -> int:
    """Return an id that label maps can hold.

    Raises:
        UsageError: it is not from 1 to 254.
    """
    if not 1 <= number <= MOST_OBJECTS:
        raise UsageError(f"{of}: object ids go from 1 to {MOST_OBJECTS}; not {number}.")
    return number


class Prompts:
    """All that was given for one video, handed out frame by frame.

    An id that is given again on a later frame corrects that object.

    Args:
        given: in any order.
        size: (height, width) of the frames.
        length: number of frames where it is known.

    Raises:
        UsageError: nothing was given, a box is outside, a frame is after the end.
        MaskError: a mask is no label map.
    """

    def __init__(
        self, given: Iterable[Given], size: tuple[int, int], length: int | None = None
    ) -> None:
        self._size = size
        self.names: dict[int, str] = {}
        entries = list(given)
        if not entries:
            raise UsageError("No object: say where it is with --box X,Y,W,H or --mask FILE.png.")
        taken: set[int] = set()
        self._waiting: list[tuple[When, list[Prompt], str]] = []
        for each in entries:
            if each.when.frame is not None and length and each.when.frame >= length:
                raise UsageError(f"{each.text}: the video has {length} frames, 0 to {length - 1}.")
            prompts = self._of(each, taken)
            taken.update(prompt.object_id for prompt in prompts)
            self._waiting.append((each.when, prompts, each.text))
            if each.name:
                self.names.update((prompt.object_id, each.name) for prompt in prompts)
        self.ids = tuple(sorted(taken))

    def at(self, index: int, time: float) -> tuple[Prompt, ...]:
        """Return the prompts that belong to a frame; each is returned once.

        Args:
            index: of the frame.
            time: in seconds since the first frame.
        """
        due = [entry for entry in self._waiting if entry[0].reached(index, time)]
        if not due:
            return ()
        self._waiting = [entry for entry in self._waiting if entry not in due]
        # Of two that give the same object on the same frame, the later one counts.
        latest = {prompt.object_id: prompt for _, prompts, _ in due for prompt in prompts}
        return tuple(replace(prompt, frame_index=index) for prompt in latest.values())

    def take_over(self, other: "Prompts", index: int) -> None:
        """Hand out from now on what another one has for frames after `index`, given by number."""
        self._waiting = [
            entry for entry in other._waiting if entry[0].frame is None or entry[0].frame > index
        ]
        self.names, self.ids = other.names, other.ids

    def unused(self) -> list[str]:
        """Return what was given for frames that have not come."""
        return [f"{text} ({when})" for when, _, text in self._waiting]

    def __iter__(self) -> Iterator[Prompt]:
        return (prompt for _, prompts, _ in self._waiting for prompt in prompts)

    def _of(self, each: Given, taken: set[int]) -> list[Prompt]:
        if each.box is not None:
            free = next((i for i in range(1, MOST_OBJECTS + 1) if i not in taken), None)
            number = each.object_id if each.object_id is not None else free
            if number is None:
                raise UsageError(f"{each.text}: there are {MOST_OBJECTS} objects already.")
            return [Prompt(number, 0, self._box(each))]
        assert each.mask is not None
        return self._masks(each, taken)

    def _box(self, each: Given) -> Box:
        """Return a box in pixels, the part of it that is in the frame."""
        assert each.box is not None
        height, width = self._size
        whole = (width, height, width, height)
        x, y, w, h = (
            value * side / 100 if percent else value
            for value, side, percent in zip(each.box, whole, each.relative, strict=True)
        )
        left, top = max(x, 0.0), max(y, 0.0)
        right, bottom = min(x + w, float(width)), min(y + h, float(height))
        if not (right - left >= 1 and bottom - top >= 1):
            raise UsageError(
                f"{each.text} is outside of the frame, which is {width}x{height} pixels, or has "
                "less than one pixel in it."
            )
        return Box(left, top, right - left, bottom - top)

    def _masks(self, each: Given, taken: set[int]) -> list[Prompt]:
        assert each.mask is not None
        path = each.mask if isinstance(each.mask, Path) else None
        labels = read_labels(path) if path is not None else np.asarray(each.mask)
        if labels.shape != self._size:
            raise UsageError(
                f"{each.text} is {labels.shape[1]}x{labels.shape[0]}, and the frames are "
                f"{self._size[1]}x{self._size[0]}. Draw the mask on the frame itself."
            )
        if not ids_in(labels).size and (labels == VOID).any():  # 0 and 255, as drawing programs do
            labels = merge_objects(np.asarray(labels, np.uint8))
        refuse_soft(np.asarray(labels, np.uint8), path)
        ids = ids_in(np.asarray(labels, np.uint8)).tolist()
        if not ids:
            raise UsageError(f"{each.text} has no object: all of it is background.")
        if each.object_id is not None and len(ids) > 1:
            raise UsageError(
                f"{each.text} is for object {each.object_id}, and holds {len(ids)} objects. Leave "
                "out the id, or give a mask of one object."
            )
        found = []
        for value in ids:
            mask = labels == value
            box = box_of(mask)
            assert box is not None
            found.append(Prompt(each.object_id or value, 0, box, mask))
        return found
