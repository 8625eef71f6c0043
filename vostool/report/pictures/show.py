"""What `vostool show` shows: which frames in which order, and each of them as a picture."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vostool.datasets.dataset import Dataset
from vostool.errors import ResultError
from vostool.io.frames import read_frame, told_if_turned
from vostool.report.pictures.overlay import (
    ONLY_FIRST,
    ONLY_SECOND,
    OTHER_ID,
    Marks,
    Picture,
    beside,
    captioned,
    difference,
    overlay,
    resized,
    resized_labels,
)
from vostool.scoring.predictions import prediction_path
from vostool.types import Frame, Labels, Sequence

GROUND_TRUTH = "gt"
J_OF = Mapping[tuple[str, str], float]  # (sequence, frame) -> mean J of its objects


@dataclass(frozen=True, slots=True)
class Layer:
    """Label maps to be drawn.

    Args:
        name: for captions.
        masks: holds `<sequence>/<frame>.png`; None for the ground truth.
        scores: J of its frames, where they are known.
    """

    name: str
    masks: Path | None
    scores: J_OF

    def labels(self, dataset: Dataset, sequence: Sequence, index: int) -> Labels | None:
        """Read one label map; None if there is none for that frame.

        Raises:
            MaskError: it cannot be read as ids.
        """
        if self.masks is None:
            path = sequence.annotations.get(index)
        else:
            path = prediction_path(sequence, self.masks / sequence.name, index)
            path = path if path.is_file() else None
        return None if path is None else dataset.labels(path)


@dataclass(frozen=True, slots=True)
class Scene:
    """One frame to be shown."""

    sequence: Sequence
    index: int

    @property
    def frame(self) -> str:
        return self.sequence.frame_name(self.index)


def evenly(sequences: Iterable[Sequence], count: int) -> list[Scene]:
    """Choose so many frames of each sequence, spread evenly, the first and the last among them."""
    scenes = []
    for sequence in sequences:
        number = min(count, len(sequence))
        chosen = np.unique(np.linspace(0, len(sequence) - 1, number).round().astype(int))
        scenes += [Scene(sequence, int(index)) for index in chosen]
    return scenes


def every(sequences: Iterable[Sequence], step: int) -> list[Scene]:
    """Choose every `step`-th frame of each sequence."""
    return [Scene(s, index) for s in sequences for index in range(0, len(s), step)]


def worst(sequences: Iterable[Sequence], scores: J_OF, count: int) -> list[Scene]:
    """Choose the frames with the lowest J, the lowest first.

    Raises:
        ResultError: none of them has a score.
    """
    rated = [
        (scores[s.name, s.frame_name(i)], Scene(s, i))
        for s in sequences
        for i in range(len(s))
        if (s.name, s.frame_name(i)) in scores
    ]
    if not rated:
        raise ResultError("None of these sequences has scores. Score them with `vostool eval`.")
    rated.sort(key=lambda pair: pair[0])  # stable: frames of equal J stay in order
    return [scene for _, scene in rated[:count]]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Frames with one layer drawn on them, or two and their difference side by side.

    Args:
        dataset: the frames.
        first: what is shown.
        second: what it is compared with, if anything.
        width: of one picture in pixels; smaller frames are not enlarged.
    """

    dataset: Dataset
    first: Layer
    second: Layer | None = None
    width: int = 854

    def picture(self, scene: Scene) -> Picture:
        """Draw one frame with its captions.

        Raises:
            ResultError: a mask is of another size than its frame.
            DataError: a file cannot be read.
        """
        whole = read_frame(scene.sequence.frames[scene.index])
        frame = resized(whole, min(self.width, whole.shape[1]))
        layers = [self.first] if self.second is None else [self.first, self.second]
        maps = [self._labels(layer, scene, whole, frame) for layer in layers]
        panels = [
            self._panel(layer, labels, scene, frame)
            for layer, labels in zip(layers, maps, strict=True)
        ]
        if self.second is not None:
            panels.append(self._difference(maps, frame))
        return beside(panels)

    def _labels(self, layer: Layer, scene: Scene, whole: Frame, shown: Frame) -> Labels | None:
        labels = layer.labels(self.dataset, scene.sequence, scene.index)
        if labels is not None and labels.shape != whole.shape[:2]:
            raise ResultError(
                f"The mask of '{layer.name}' for frame {scene.frame} of sequence "
                f"'{scene.sequence.name}' is {labels.shape[1]}x{labels.shape[0]}, the frame is "
                f"{whole.shape[1]}x{whole.shape[0]}. Show masks on the frames they were made for."
                f"{told_if_turned(scene.sequence.frames[scene.index])}"
            )
        return None if labels is None else resized_labels(labels, (shown.shape[0], shown.shape[1]))

    def _panel(self, layer: Layer, labels: Labels | None, scene: Scene, frame: Frame) -> Picture:
        drawn = frame if labels is None else overlay(frame, labels, 1 + (frame.shape[1] > 700))
        score = layer.scores.get((scene.sequence.name, scene.frame))
        right = f"J {100 * score:.1f}" if score is not None else ""
        if labels is None:
            right = "no mask here"
        last = scene.sequence.frame_name(len(scene.sequence) - 1)
        left = " \N{MIDDLE DOT} ".join(
            (layer.name, scene.sequence.name, f"{scene.frame} of {last}")
        )
        return captioned(drawn, left, right)

    def _difference(self, maps: list[Labels | None], frame: Frame) -> Picture:
        first, second = maps
        assert self.second is not None
        if first is None or second is None:
            return captioned(np.asarray(frame * 0.45, np.uint8), "nothing to compare")
        names = ("too much", "missed")
        if self.second.masks is not None:
            names = (f"only {self.first.name}", f"only {self.second.name}")
        marks: Marks = ((names[0], ONLY_FIRST), (names[1], ONLY_SECOND))
        if np.any((first != 0) & (second != 0) & (first != second)):
            marks += (("other object", OTHER_ID),)
        return captioned(difference(frame, first, second), "", "", marks)
