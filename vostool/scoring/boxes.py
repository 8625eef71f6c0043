"""Scoring the VOT experiment: result files against the ground truth, sequence by sequence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vostool.errors import ResultError
from vostool.execution.pools import Workers, in_order
from vostool.metrics.overlaps import reaches_beyond, region_overlaps
from vostool.metrics.vot import (
    TRACKED,
    OverlapCurve,
    Repetition,
    fragments,
    frame_accuracy,
    mean_or_nan,
)
from vostool.scoring.box_protocols import VotProtocol
from vostool.tracking.box_files import read_repetitions
from vostool.types import Floats, Regions, RegionSequence

ALL, EMPTY = "all", "empty"  # tags that every frame has, and that those without another have


@dataclass(frozen=True, slots=True)
class ScoredSequence:
    """What the experiment gave on one sequence.

    Args:
        sequence: its ground truth.
        repetitions: with the overlaps that accuracy is made of.
        expected: the same with those that the expected overlap is made of.
    """

    sequence: RegionSequence
    repetitions: list[Repetition]
    expected: list[Repetition]

    @property
    def failures(self) -> float:
        """Return the mean number of failures of a repetition."""
        return float(np.mean([len(each.failures) for each in self.repetitions]))


def score_results(
    root: Path,
    sequences: Sequence[RegionSequence],
    protocol: VotProtocol,
    *,
    exact: bool,
    workers: Workers = 1,
) -> tuple[list[ScoredSequence], list[str]]:
    """Score a folder of results.

    Args:
        root: folder of `<sequence>/<sequence>_001.txt`.
        sequences: ground truth.
        protocol: the rules.
        exact: regions overlap by area, otherwise by pixels as the protocol draws them.
        workers: processes or an executor; sequences are shared out among them.

    Returns:
        The sequences, and notes on what was found.

    Raises:
        ResultError: results are missing or damaged, or sequences were repeated differently often.
    """
    root = root if isinstance(workers, int) else root.absolute()
    tasks = [(root, sequence, protocol, exact) for sequence in sequences]
    found = list(in_order(_read_and_score, tasks, workers))
    most = max(len(each.repetitions) for each, _ in found)
    scored, notes = [], []
    for each, same in found:
        name, times = each.sequence.name, len(each.repetitions)
        if times != most and not same:
            raise ResultError(
                f"Sequence '{name}' has {times} repetitions and another has {most}. Run the "
                "missing ones, or remove those after the first."
            )
        if times != most:
            notes.append(
                f"Sequence '{name}' has {times} result{'s' * (times > 1)} and others have {most}: "
                "taken for those of a tracker which always gives the same."
            )
            once = (each.repetitions[:1] * most, each.expected[:1] * most)
            each = replace(each, repetitions=once[0], expected=once[1])
        scored.append(each)
    notes += _late_starts(scored, protocol)
    return scored, list(dict.fromkeys(notes))


def _read_and_score(
    root: Path, sequence: RegionSequence, protocol: VotProtocol, exact: bool
) -> tuple[ScoredSequence, bool]:
    """Score a sequence, and tell whether all its repetitions are the same."""
    trajectories = read_repetitions(root, sequence)
    return _scored(sequence, trajectories, protocol, exact), _all_equal(trajectories)


def _all_equal(trajectories: list[Regions]) -> bool:
    first = trajectories[0]
    return all(
        np.array_equal(each.counts, first.counts)
        and np.array_equal(each.values, first.values, equal_nan=True)
        for each in trajectories
    )


def _scored(
    sequence: RegionSequence, trajectories: list[Regions], protocol: VotProtocol, exact: bool
) -> ScoredSequence:
    times = len(trajectories)
    found, truth = _stacked(trajectories), _stacked([sequence.truth] * times)
    rule = None if exact else protocol.raster
    overlaps = region_overlaps(found, truth, sequence.size, rule)
    inner = overlaps
    if rule is not None and protocol.inset:
        width, height = sequence.size
        smaller = (width - protocol.inset, height - protocol.inset)
        again = reaches_beyond(found, smaller) | reaches_beyond(truth, smaller)
        inner = overlaps.copy()
        inner[again] = region_overlaps(_picked(found, again), _picked(truth, again), smaller, rule)
    codes = np.where(found.counts == 1, found.values[:, 0], TRACKED).astype(np.int8)
    ends = np.arange(1, times) * len(sequence)
    each_code = np.split(codes, ends)
    return ScoredSequence(
        sequence,
        [Repetition(c, o) for c, o in zip(each_code, np.split(overlaps, ends), strict=True)],
        [Repetition(c, o) for c, o in zip(each_code, np.split(inner, ends), strict=True)],
    )


def _stacked(regions: list[Regions]) -> Regions:
    """Return several lists of regions as one."""
    width = max(each.values.shape[1] for each in regions)
    values = [
        np.pad(each.values, ((0, 0), (0, width - each.values.shape[1])), constant_values=np.nan)
        for each in regions
    ]
    return Regions(np.concatenate(values), np.concatenate([each.counts for each in regions]))


def _picked(regions: Regions, which: NDArray[np.bool_]) -> Regions:
    return Regions(regions.values[which], regions.counts[which])


def _late_starts(scored: list[ScoredSequence], protocol: VotProtocol) -> list[str]:
    """Say where a tracker was not started when it should have been."""
    for each in scored:
        for repetition in each.repetitions:
            due = repetition.failures + protocol.skip
            due = due[due < len(repetition.codes)]
            late = due[repetition.codes[due] != 1]
            if len(late):
                return [
                    f"Sequence '{each.sequence.name}': no start on frame {late[0] + 1}, which is "
                    f"{protocol.skip} frames after a failure, as in other results: they were made "
                    "by other rules, and the expected overlap is not comparable."
                ]
    return []


def accuracy(scored: Sequence[ScoredSequence], protocol: VotProtocol) -> float:
    """Return the mean overlap of sequences as the protocol averages it."""
    if protocol.pooled:
        frames = [frame_accuracy(each.repetitions, protocol.burn_in) for each in scored]
        return mean_or_nan(np.concatenate(frames))
    lengths = [len(each.sequence) for each in scored]
    return float(
        np.average([sequence_accuracy(each, protocol) for each in scored], weights=lengths)
    )


def sequence_accuracy(scored: ScoredSequence, protocol: VotProtocol) -> float:
    """Return the mean overlap of one sequence as the protocol averages it.

    NaN if no frame counts; 0 for a protocol that averages sequences, as vot-toolkit has it.
    """
    if protocol.pooled:
        return mean_or_nan(frame_accuracy(scored.repetitions, protocol.burn_in))
    means = [
        mean_or_nan(each.overlaps[each.settled(protocol.burn_in)]) for each in scored.repetitions
    ]
    return float(np.mean(np.nan_to_num(means)))


def tag_masks(sequence: RegionSequence, tags: Sequence[str]) -> NDArray[np.bool_]:
    """Return (tags, T) which frames have each tag; `all` and `empty` are known, too."""
    length = len(sequence)
    none = np.zeros(length, np.bool_)
    any_tag = np.any([none, *sequence.tags.values()], axis=0)
    special = {ALL: ~none, EMPTY: ~any_tag}
    return np.array([special.get(tag, sequence.tags.get(tag, none)) for tag in tags])


def expected_overlaps(
    scored: Sequence[ScoredSequence], protocol: VotProtocol, tags: Sequence[str]
) -> Floats:
    """Return the expected overlap by length, a row per tag.

    A fragment counts for a tag by the share of its frames that have it.

    Returns:
        (tags, length); entry n is the expected mean overlap over n tracked frames.
    """
    pieces = [
        (each, repetition, fragment)
        for each in scored
        for repetition in each.expected
        for fragment in fragments(repetition, protocol.skip, through=protocol.through)
    ]
    whole = max(len(each.sequence) for each in scored)
    longest = max((piece.end - piece.begin for _, _, piece in pieces), default=1)
    curve = OverlapCurve(whole if protocol.through else longest, len(tags))
    masks = {each.sequence.name: tag_masks(each.sequence, tags) for each in scored}
    for each, repetition, piece in pieces:
        span = slice(piece.begin, piece.end)
        weights = masks[each.sequence.name][:, span].sum(axis=1) / max(piece.frames, 1)
        curve.add(repetition.overlaps[span], piece.lost, weights)
    return curve.values()
