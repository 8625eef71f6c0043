"""The scores of one sequence as its frames come in, and the ids that were met on the way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol as Interface

import numpy as np

from vostool.datasets.protocols import Protocol
from vostool.errors import ResultError
from vostool.io.label_maps import VOID
from vostool.metrics.assignment import assign, proposal_scores
from vostool.metrics.frame import frame_scores
from vostool.types import Labels

Listed = Mapping[int, frozenset[str]]  # id -> names of frames
ObjectScores = dict[int, list[tuple[str, float, float]]]  # id -> (frame, J, F)


class Accumulator(Interface):
    """Scores frame after frame, and says at the end which object has which."""

    def update(
        self, frame: str, prediction: Labels, truth: Labels, radius: int, path: Path
    ) -> None:
        """Score one frame.

        Args:
            frame: its name.
            prediction: (H, W) uint8, maybe cut out.
            truth: (H, W) uint8, cut out likewise.
            radius: largest distance of matching contour pixels, by the size of the whole image.
            path: file of the prediction, for messages.
        """

    def compute(self) -> ObjectScores:
        """Return J and F of the objects on the frames that count for them.

        Raises:
            ResultError: the predictions hold ids they may not.
        """

    def unscored(self) -> set[int]:
        """Return the ids of the ground truth that the protocol leaves out."""


def accumulator_of(
    protocol: Protocol, objects: list[int], listed: Listed | None = None
) -> Accumulator:
    """Return the accumulator of a protocol.

    Args:
        protocol: the rules.
        objects: ids that are scored from the start.
        listed: the only frames that count for each object; all if None.
    """
    if protocol.proposals:
        return ProposalAccumulator(protocol, objects)
    return IdAccumulator(protocol, objects, listed)


class IdAccumulator:
    """Scores of predictions that bear the ids of the ground truth."""

    def __init__(
        self, protocol: Protocol, objects: list[int], listed: Listed | None = None
    ) -> None:
        self._either = protocol.since == "either"
        self._scores: ObjectScores = {} if self._either else {i: [] for i in objects}
        self._protocol = protocol
        self._listed = listed
        self._in_truth = set(objects)
        self._met: set[int] = set()  # in the ground truth on a frame that counts; only for either
        self._predicted: dict[int, Path] = {}  # id -> the first file that holds it

    def update(
        self, frame: str, prediction: Labels, truth: Labels, radius: int, path: Path
    ) -> None:
        new = _ids_beyond(truth, self._in_truth)
        self._in_truth.update(new)
        for object_id in _ids_beyond(prediction, self._in_truth, void=True):
            self._predicted.setdefault(object_id, path)
        if self._protocol.ignore_void:
            prediction, truth = without_void(prediction, truth)
        if self._protocol.since == "appearance":
            self._start(new)
        if self._either:
            self._met.update(_ids_beyond(truth, self._met))
            for labels in (truth, prediction):
                self._start(_ids_beyond(labels, set(self._scores)))
        for object_id, j, f in frame_scores(prediction, truth, self._counted(frame), radius):
            self._scores[object_id].append((frame, j, f))
        if self._protocol.since == "after_appearance":
            self._start(new)

    def _counted(self, frame: str) -> list[int]:
        """Return the objects for which a frame counts."""
        if self._listed is None:
            return list(self._scores)
        return [i for i in self._scores if frame in self._listed.get(i, ())]

    def _start(self, object_ids: list[int]) -> None:
        self._scores.update((object_id, []) for object_id in object_ids)

    def compute(self) -> ObjectScores:
        strange = {i: path for i, path in self._predicted.items() if i not in self._in_truth}
        if strange:
            raise ResultError(_strange(strange))
        if self._either:
            return {i: rows for i, rows in self._scores.items() if i in self._met}
        return self._scores

    def unscored(self) -> set[int]:
        scored = self._met if self._either else self._scores
        return self._in_truth - {i for i, rows in self._scores.items() if rows and i in scored}


class ProposalAccumulator:
    """Scores of predictions with ids of their own, assigned to the objects at the end.

    There are at least as many proposals as objects: an object that is left without one is scored
    against a proposal that is nowhere, so J and F are 0 where it is and 1 where it is not.
    """

    def __init__(self, protocol: Protocol, objects: list[int]) -> None:
        self._protocol = protocol
        self._objects = objects
        self._late: set[int] = set()
        self._highest = len(objects)
        self._frames: list[str] = []
        self._pairs: list[np.ndarray] = []  # per frame, see `proposal_scores`

    def update(
        self, frame: str, prediction: Labels, truth: Labels, radius: int, path: Path
    ) -> None:
        highest, most = int(prediction.max()), self._protocol.proposals
        if highest > most:
            raise ResultError(
                f"{path} holds the id {highest}, and protocol '{self._protocol.name}' takes at "
                f"most {most} proposals per sequence. Renumber them from 1 to {most}."
            )
        self._highest = max(self._highest, highest)
        self._late.update(_ids_beyond(truth, self._late | set(self._objects)))
        if self._protocol.ignore_void:
            prediction, truth = without_void(prediction, truth)
        rows = max(most, len(self._objects))
        self._frames.append(frame)
        self._pairs.append(proposal_scores(prediction, truth, self._objects, rows, radius))

    def compute(self) -> ObjectScores:
        # (proposal, object, J or F, frame): summed along the frames, as the official evaluator does
        pairs = np.stack(self._pairs, axis=-1)[1 : self._highest + 1]
        j, f = pairs[:, :, 0], pairs[:, :, 1]
        chosen = assign((j.mean(axis=-1) + f.mean(axis=-1)) / 2)
        return {
            object_id: list(
                zip(self._frames, j[row, column].tolist(), f[row, column].tolist(), strict=True)
            )
            for column, (object_id, row) in enumerate(zip(self._objects, chosen, strict=True))
        }

    def unscored(self) -> set[int]:
        return self._late


def without_void(prediction: Labels, truth: Labels) -> tuple[Labels, Labels]:
    """Make background of what is void in the ground truth, in both label maps."""
    void = truth == VOID
    if not void.any():
        return prediction, truth
    nothing = np.uint8(0)
    return np.where(void, nothing, prediction), np.where(void, nothing, truth)


def _ids_beyond(labels: Labels, known: set[int], *, void: bool = False) -> list[int]:
    """Return the ids in a label map that are not known, void only if asked for."""
    highest = int(labels.max())
    if known.issuperset(range(1, highest + 1)):
        return []  # nearly always, and much cheaper than counting pixels
    there = np.flatnonzero(np.bincount(labels.reshape(-1))).tolist()
    return [i for i in there if i and i not in known and (void or i != VOID)]


def _strange(strange: dict[int, Path]) -> str:
    """Say that predictions have ids which the ground truth has on no frame."""
    hint = "Renumber the objects as in the ground truth."
    if set(strange) == {VOID}:
        hint = "A binary mask is scored with --dataset DAVIS2016; void is not for predictions."
    path = next(iter(strange.values()))
    return (
        f"{path} holds the ids {sorted(strange)[:5]}, which the ground truth lacks on the frames "
        f"that count. {hint}"
    )
