"""Scoring label maps: from the J and F of frames to all tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from vostool.datasets.attributes import check_attributes, known_attributes
from vostool.datasets.dataset import Dataset
from vostool.datasets.protocols import Protocol, protocol_named
from vostool.exchange.forms.unify import Unified, as_label_maps
from vostool.scoring.cache import ScoreCache
from vostool.scoring.masks import score
from vostool.scoring.scorer import Scorer, ScoringOptions
from vostool.scoring.stability import check_stability, score_stability
from vostool.scoring.tables import (
    Scores,
    attribute_table,
    interval_table,
    object_table,
    pooled_statistics,
    seen_means,
    sequence_table,
    summary_table,
    with_categories,
)


class MaskScorer(Scorer):
    """Scores label maps, see `score`."""

    refused: ClassVar[Mapping[str, str]] = {"overlap": "has no boxes", "interval": "has no boxes"}
    dataset: Dataset

    def __init__(self, dataset: Dataset, options: ScoringOptions) -> None:
        super().__init__(dataset, options)
        self._rules = protocol_named(options.protocol) if options.protocol else dataset.protocol
        if options.stability:
            check_stability(dataset, self._rules)
        if options.attributes:
            names = (sequence.name for sequence in dataset.sequences)
            check_attributes(names, known_attributes(dataset.sequences))

    @classmethod
    def check_protocol(cls, name: str) -> None:
        protocol_named(name)

    @property
    def protocol(self) -> str:
        return self._rules.name

    @contextmanager
    def readable(self, source: Path, near: Path | None = None) -> Iterator[Unified]:
        with as_label_maps(source, self.dataset, near) as unified:
            yield unified

    def score(self, folder: Path, about: Mapping[str, Any], cache: ScoreCache | None) -> Scores:
        dataset, options = self.dataset, self.options
        frames, notes = score(
            dataset,
            folder,
            self._rules,
            options.workers,
            cache=cache,
            allow_trivial=options.allow_trivial,
        )
        steady = None
        if options.stability:
            steady = score_stability(dataset, folder, options.workers, cache=cache)
        return _tables(frames, notes, dataset, self._rules, dict(about), steady)


def _tables(
    frames: pd.DataFrame,
    notes: list[str],
    dataset: Dataset,
    protocol: Protocol,
    about: dict[str, Any],
    steady: dict[str, float] | None,
) -> Scores:
    """Return all tables.

    Args:
        frames: the per-frame table.
        notes: what was assumed, for people.
        dataset: the ground truth.
        protocol: the rules.
        about: further columns of the summary.
        steady: sequence -> temporal stability, None if it was not asked for.
    """
    objects = object_table(frames)
    if protocol.objects == "all":  # otherwise they are not those that the dataset speaks of
        objects = with_categories(objects, dataset.objects, dataset.seen)
    sequences = sequence_table(objects)
    about |= seen_means(objects) | {
        "dataset": dataset.name,
        "split": dataset.split,
        "protocol": protocol.name,
        "complete": dataset.covers_official(sequences["sequence"]),
    }
    if steady is not None:
        left_out = [name for name in sequences["sequence"] if name not in steady]
        if left_out:
            notes = [*notes, f"T leaves out {', '.join(left_out)}, as the authors of DAVIS do."]
        sequences["T_mean"] = sequences["sequence"].map(steady)  # blank where it does not count
        about["T_mean"] = float(np.mean(list(steady.values()))) if steady else float("nan")
    overall = pooled_statistics(frames) if protocol.pooled else None
    known = known_attributes(dataset.sequences)
    whole = len(known) == len(dataset.sequences)
    return Scores(
        frames=frames,
        objects=objects,
        sequences=sequences,
        summary=summary_table(objects, sequences, about, overall),
        intervals=pd.DataFrame() if protocol.pooled else interval_table(objects),
        attributes=attribute_table(sequences, known) if whole else pd.DataFrame(),
        notes=tuple(notes),
    )
