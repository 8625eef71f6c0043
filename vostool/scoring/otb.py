"""Evaluating boxes that were tracked through: success, precision, and their curves."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from vostool.datasets.otb import RESULTS_BEGIN
from vostool.datasets.regions import RegionDataset
from vostool.errors import ResultError, UnknownNameError, UsageError
from vostool.geometry import box_around, polygon_of
from vostool.io.listing import is_folder
from vostool.io.regions import parse_regions
from vostool.io.text import read_outside
from vostool.metrics.ope import (
    DISTANCES,
    OVERLAPS,
    SHARES,
    box_overlaps,
    normalised_precision_curve,
    precision_curve,
    success_curve,
)
from vostool.scoring.cache import ScoreCache
from vostool.scoring.result_names import find_result
from vostool.scoring.scorer import Scorer, ScoringOptions
from vostool.scoring.tables import BOX_SUMMARY, Scores
from vostool.tracking.box_files import check_length
from vostool.types import Floats, Regions, RegionSequence

PROTOCOL = "ope"
NEAR = 20  # pixels, and hundredths of the object's sides, whose precision is quoted
_CURVES = {
    "success": (success_curve, OVERLAPS),
    "precision": (precision_curve, DISTANCES),
    "normalised precision": (normalised_precision_curve, SHARES),
}


class OnePassScorer(Scorer):
    """Scores boxes that were tracked in one pass."""

    summary_file: ClassVar[str] = BOX_SUMMARY
    refused: ClassVar[Mapping[str, str]] = {
        "attributes": "has no masks",
        "stability": "has no masks",
        "overlap": "is tracked without restarts, and its boxes overlap by area",
        "interval": "is tracked without restarts",
    }
    dataset: RegionDataset

    def __init__(self, dataset: RegionDataset, options: ScoringOptions) -> None:
        super().__init__(dataset, options)
        if options.protocol not in (None, PROTOCOL):
            raise UsageError(
                f"{dataset.name} is tracked without restarts: its protocol is '{PROTOCOL}'."
            )

    @classmethod
    def check_protocol(cls, name: str) -> None:
        if name != PROTOCOL:
            raise UnknownNameError.of("protocol of OTB", name, [PROTOCOL])

    @property
    def protocol(self) -> str:
        return PROTOCOL

    def score(
        self, folder: Path, about: Mapping[str, Any], cache: ScoreCache | None = None
    ) -> Scores:
        """Score a folder that holds `<sequence>.txt`, or whose `boxes/` does.

        All frames count on which the ground truth has a box, the first one, which is given, too.
        Curves are means over sequences; AUC is the mean of the success curve.
        """
        if not is_folder(folder):
            raise ResultError(f"{folder} is not a folder of results.")
        dataset = self.dataset
        root = folder / "boxes" if (folder / "boxes").is_dir() else folder
        names = [sequence.name for sequence in dataset.sequences]
        rows, curves, frames, counts = [], [], [], []
        for sequence in dataset.sequences:
            found = _read(root, sequence, names)
            there = (sequence.truth.counts > 0) & ~np.isnan(found).any(axis=1)
            truth, boxes = sequence.truth.values[there, :4], found[there]
            values = {name: curve(boxes, truth) for name, (curve, _) in _CURVES.items()}
            curves.append(values)
            counts.append(int(there.sum()))
            rows.append({"sequence": sequence.name, "frames": counts[-1], **_figures(values)})
            overlaps = np.full(len(sequence), np.nan)
            overlaps[there] = box_overlaps(boxes, truth)
            frames.append(overlaps)
        means = {name: np.mean([each[name] for each in curves], axis=0) for name in _CURVES}
        summary = {
            **{name: about[name] for name in ("run", "tracker", "init")},
            "dataset": dataset.name,
            "split": dataset.split,
            "protocol": PROTOCOL,
            "sequences": len(rows),
            "frames": sum(counts),
            "complete": dataset.covers_official(sequence.name for sequence in dataset.sequences),
            **_figures(means),
            **about,
        }
        return Scores(
            objects=pd.DataFrame(),
            summary=pd.DataFrame([summary]),
            summary_file=self.summary_file,
            sequences=pd.DataFrame(rows),
            curves=pd.concat([_curve_table(name, values) for name, values in means.items()]),
            frames=_frame_table(dataset, frames),
        )


def _figures(curves: Mapping[str, Floats]) -> dict[str, float]:
    return {
        "AUC": float(curves["success"].mean()),
        "P20": float(curves["precision"][NEAR]),
        "NP20": float(curves["normalised precision"][NEAR]),
    }


def _read(root: Path, sequence: RegionSequence, names: Iterable[str]) -> Floats:
    """Return the (T, 4) boxes of a sequence; a polygon is the box around it, NaN is no box.

    Frames before the one where the toolkit begins, of which results may say nothing, are NaN.
    """
    path = find_result(root, sequence.name, names)
    found = parse_regions(read_outside(path, ResultError), path, ResultError, absent=True)
    late = RESULTS_BEGIN.get(sequence.name, 1) - 1
    if not late or len(found) != len(sequence) - late:
        check_length(found, path, sequence)
        late = 0
    codes = np.flatnonzero(found.counts == 1)
    if len(codes):
        raise ResultError(
            f"{path}, line {codes[0] + 1} is a single number, and a box is x,y,w,h. Results with "
            "restarts are scored with VOT datasets."
        )
    return np.concatenate([np.full((late, 4), np.nan), _boxes(found)])


def _boxes(found: Regions) -> Floats:
    boxes = found.values[:, :4].copy()
    boxes[found.counts == 0] = 0  # no box overlaps nothing
    for index in np.flatnonzero(found.counts > 4).tolist():
        boxes[index] = box_around(polygon_of(found.row(index)))
    return boxes


def _curve_table(name: str, values: Floats) -> pd.DataFrame:
    return pd.DataFrame({"curve": name, "threshold": _CURVES[name][1], "value": values})


def _frame_table(dataset: RegionDataset, overlaps: list[Floats]) -> pd.DataFrame:
    lengths = [len(sequence) for sequence in dataset.sequences]
    return pd.DataFrame(
        {
            "sequence": np.repeat([sequence.name for sequence in dataset.sequences], lengths),
            "frame": np.concatenate([np.arange(1, n + 1) for n in lengths]),
            "overlap": np.concatenate(overlaps),
        }
    )
