"""J and F by attribute: on the sequences that have it, and on the others."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from vostool.errors import DatasetError
from vostool.sequence import Sequence

# Perazzi et al. (CVPR 2016), Table 1.
NAMES = {
    "AC": "appearance change",
    "BC": "background clutter",
    "CS": "camera shake",
    "DB": "dynamic background",
    "DEF": "deformation",
    "EA": "edge ambiguity",
    "FM": "fast motion",
    "HO": "heterogeneous object",
    "IO": "interacting objects",
    "LR": "low resolution",
    "MB": "motion blur",
    "OCC": "occlusion",
    "OV": "out of view",
    "ROT": "rotation",
    "SC": "shape complexity",
    "SV": "scale variation",
}
COLUMNS = [
    "attribute",
    "sequences",
    *(f"{measure}_{what}" for measure in "JF" for what in ("mean", "without", "difference")),
]


def known_attributes(sequences: Iterable[Sequence]) -> dict[str, tuple[str, ...]]:
    """Return sequence -> its attribute codes; those whose attributes nobody knows are left out."""
    return {each.name: each.attributes for each in sequences if each.attributes is not None}


def attribute_table(
    sequences: pd.DataFrame, attributes: Mapping[str, tuple[str, ...]]
) -> pd.DataFrame:
    """Return the means of J and F over the sequences with each attribute and over those without.

    The difference is that of Table 3 of Perazzi et al. (CVPR 2016), as the authors' script for it
    has it: the mean over the sequences without the attribute minus the mean over those with it. So
    a positive one is what the attribute costs. Every sequence counts once, however many objects it
    has. The paper takes all 50 sequences of DAVIS 2016; here it is those that were scored.

    Args:
        sequences: the table of `tables.sequence_table`: `sequence, J_mean, F_mean`, as fractions.
        attributes: see `known_attributes`; more sequences than there are scores of do no harm.

    Returns:
        The columns of `COLUMNS`, a row per attribute that a scored sequence has, by its code.
        `sequences` counts those with it; `_without` and `_difference` are NaN if all have it.

    Raises:
        DatasetError: a scored sequence is not among `attributes`.
    """
    names = sequences["sequence"].tolist()
    check_attributes(names, attributes)
    scores = {measure: sequences[f"{measure}_mean"].to_numpy(np.float64) for measure in "JF"}
    rows: list[list[object]] = []
    for code in sorted({code for name in names for code in attributes[name]}):
        has = np.array([code in attributes[name] for name in names])
        row: list[object] = [code, int(has.sum())]
        for values in scores.values():
            mean = float(values[has].mean())
            without = float("nan") if has.all() else float(values[~has].mean())
            row += [mean, without, without - mean]
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def check_attributes(names: Iterable[str], attributes: Mapping[str, tuple[str, ...]]) -> None:
    """Raise DatasetError if the attributes of one of the named sequences are not known."""
    for name in names:
        if name not in attributes:
            raise DatasetError(
                f"The attributes of sequence '{name}' are not known. Those of DAVIS 2016 are in "
                "the file db_info.yml beside JPEGImages/; put it there, or leave --attributes away."
            )
