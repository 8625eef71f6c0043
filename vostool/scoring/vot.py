"""Evaluating results of the experiment with restarts: accuracy, robustness, expected overlap."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from vostool.datasets.regions import RegionDataset
from vostool.metrics.vot import mean_or_nan, mean_within
from vostool.scoring.box_protocols import VotProtocol, vot_protocol
from vostool.scoring.boxes import (
    ALL,
    EMPTY,
    ScoredSequence,
    accuracy,
    expected_overlaps,
    score_results,
    sequence_accuracy,
    tag_masks,
)
from vostool.scoring.cache import ScoreCache
from vostool.scoring.scorer import Scorer, ScoringOptions
from vostool.scoring.tables import BOX_SUMMARY, Scores
from vostool.tracking.box_files import results_root

SENSITIVITY = 30  # frames of which reliability is the probability to survive, as in AR plots


class RestartsScorer(Scorer):
    """Scores results with restarts."""

    summary_file: ClassVar[str] = BOX_SUMMARY
    refused: ClassVar[Mapping[str, str]] = {
        "attributes": "has no masks",
        "stability": "has no masks",
    }
    dataset: RegionDataset

    def __init__(self, dataset: RegionDataset, options: ScoringOptions) -> None:
        super().__init__(dataset, options)
        self._rules = vot_protocol(options.protocol)

    @classmethod
    def check_protocol(cls, name: str) -> None:
        vot_protocol(name)

    @property
    def protocol(self) -> str:
        return self._rules.name

    @property
    def label(self) -> str:
        return self.protocol + (".exact" if self.options.overlap == "exact" else "")

    def score(
        self, folder: Path, about: Mapping[str, Any], cache: ScoreCache | None = None
    ) -> Scores:
        """Score a folder that holds `baseline/`, or the folders of the sequences."""
        dataset, protocol, options = self.dataset, self._rules, self.options
        exact = options.overlap == "exact"
        root = results_root(folder)
        scored, notes = score_results(
            root, dataset.sequences, protocol, exact=exact, workers=options.workers
        )
        low, high, doubts = _interval(dataset, options.interval)
        tags = sorted({tag for each in dataset.sequences for tag in each.tags})
        rows = [ALL, *tags, EMPTY] if tags else [ALL]
        curves = expected_overlaps(scored, protocol, rows)
        eao = [mean_within(row, low + protocol.shift, high + protocol.shift) for row in curves]
        if np.isnan(eao[0]):
            doubts += (
                f"EAO is not known: no sequence is {low} frames long. --interval names others.",
            )
        frames = sum(len(each.sequence) for each in scored)
        failures = sum(each.failures for each in scored)
        summary = {
            **{name: about[name] for name in ("run", "tracker", "init")},
            "dataset": dataset.name,
            "split": dataset.split,
            "protocol": protocol.name,
            "overlap": "exact" if exact else "raster",
            "sequences": len(scored),
            "repetitions": len(scored[0].repetitions),
            "frames": frames,
            "complete": dataset.covers_official(each.sequence.name for each in scored),
            "low": low,
            "high": high,
            "EAO": eao[0],
            "A": accuracy(scored, protocol),
            "R": 100 * failures / frames,
            "failures": failures,
            **_by_length(scored),
            **about,
        }
        return Scores(
            objects=pd.DataFrame(),
            summary=pd.DataFrame([summary]),
            summary_file=self.summary_file,
            sequences=_sequence_table(scored, protocol),
            curves=pd.DataFrame({"length": np.arange(curves.shape[1]), "overlap": curves[0]}),
            tags=_tag_table(scored, protocol, rows, eao) if tags else pd.DataFrame(),
            frames=_frame_table(scored),
            notes=(*notes, *doubts),
        )


def _interval(
    dataset: RegionDataset, given: tuple[int, int] | None
) -> tuple[int, int, tuple[str, ...]]:
    """Return the interval of lengths, and what is to be said about it."""
    if given is not None:
        return *given, ()
    if dataset.interval is not None:
        return *dataset.interval, ()
    half = int(np.median([len(sequence) for sequence in dataset.sequences])) // 2
    note = (
        f"EAO is the mean over lengths from {half} to {2 * half} frames, half the median sequence "
        "to all of it: this data has no interval of its own. --interval names another."
    )
    return half, 2 * half, (note,)


def _by_length(scored: Sequence[ScoredSequence]) -> dict[str, float]:
    """Return the failures of a sequence, weighted by lengths, and how reliable that makes it."""
    lengths = np.array([len(each.sequence) for each in scored])
    failures = float(np.average([each.failures for each in scored], weights=lengths))
    return {
        "failures_per_sequence": failures,
        "reliability": float(np.exp(-SENSITIVITY * failures / lengths.mean())),
    }


def _sequence_table(scored: Sequence[ScoredSequence], protocol: VotProtocol) -> pd.DataFrame:
    rows = [
        {
            "sequence": each.sequence.name,
            "frames": len(each.sequence),
            "A": sequence_accuracy(each, protocol),
            "R": 100 * each.failures / len(each.sequence),
            "failures": each.failures,
        }
        for each in scored
    ]
    return pd.DataFrame(rows)


def _tag_table(
    scored: Sequence[ScoredSequence], protocol: VotProtocol, tags: list[str], eao: list[float]
) -> pd.DataFrame:
    """Return accuracy and robustness on the frames with each tag, and expected overlap."""
    frames, failures = np.zeros(len(tags)), np.zeros(len(tags))
    overlaps: list[list[np.ndarray]] = [[] for _ in tags]
    for each in scored:
        masks = tag_masks(each.sequence, tags)
        frames += masks.sum(axis=1)
        for repetition in each.repetitions:
            failures += masks[:, repetition.failures].sum(axis=1) / len(each.repetitions)
            settled = repetition.settled(protocol.burn_in)
            for mask, values in zip(masks, overlaps, strict=True):
                values.append(repetition.overlaps[mask & settled])
    return pd.DataFrame(
        {
            "tag": tags,
            "frames": frames.astype(int),
            "EAO": eao,
            "A": [mean_or_nan(np.concatenate(values)) for values in overlaps],
            "R": [
                100 * f / n if n else float("nan") for f, n in zip(failures, frames, strict=True)
            ],
            "failures": failures,
        }
    )


def _frame_table(scored: Sequence[ScoredSequence]) -> pd.DataFrame:
    """Return code and overlap of every frame; a code of -1 is a tracked frame."""
    counts = [len(each.sequence) * len(each.repetitions) for each in scored]
    all_of = [(each, n, r) for each in scored for n, r in enumerate(each.repetitions, 1)]
    return pd.DataFrame(
        {
            "sequence": np.repeat([each.sequence.name for each in scored], counts),
            "repetition": np.repeat([n for _, n, _ in all_of], [len(r.codes) for *_, r in all_of]),
            "frame": np.concatenate([np.arange(1, len(r.codes) + 1) for *_, r in all_of]),
            "code": np.concatenate([r.codes for *_, r in all_of]),
            "overlap": np.concatenate([r.overlaps for *_, r in all_of]),
        }
    )
