"""What scores results, by the kind of their dataset."""

from typing import Any

from vostool.datasets.clips import Clips, Kind
from vostool.scoring.mask_scorer import MaskScorer
from vostool.scoring.otb import OnePassScorer
from vostool.scoring.scorer import Scorer, ScoringOptions
from vostool.scoring.vot import RestartsScorer

SCORERS: dict[Kind, type[Scorer]] = {
    "masks": MaskScorer,
    "restarts": RestartsScorer,
    "one-pass": OnePassScorer,
}


def scorer_of(dataset: Clips[Any], options: ScoringOptions) -> Scorer:
    """Return what scores results for a dataset.

    Raises:
        VostoolError: the options do not fit the dataset.
    """
    return SCORERS[dataset.kind](dataset, options)
