"""What the page of the leaderboard knows: the sections as JSON, every number as it is printed."""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vostool.datasets.attributes import NAMES
from vostool.datasets.protocols import protocol_named
from vostool.errors import UnknownNameError
from vostool.report.format import (
    LOWER_IS_BETTER,
    VOT_SCORES,
    coverage,
    in_percent,
    is_blank,
    percent,
    rate,
    score,
    scores_of,
)
from vostool.report.leaderboard.details import Details, trained_on
from vostool.report.leaderboard.markdown import partial_note
from vostool.report.leaderboard.section import OWN, Section
from vostool.scoring.box_protocols import VOT_PROTOCOLS
from vostool.scoring.otb import PROTOCOL as OTB_PROTOCOL

NONE = 65535  # in packed values: the frame does not count for the object
_MEASURES = ("J", "F")
_INITS = ("mask", "box", "none")  # what the page has a group for
Json = dict[str, Any]


def digits(value: Any) -> float | None:
    """Return a fraction in percent to the digit that is printed, None for a missing one."""
    text = percent(value)
    return float(text) if text else None


def section_data(section: Section, details: Sequence[Details]) -> Json:
    """Return one section for the page, without values per frame.

    Args:
        section: ranked.
        details: of each of its rows.
    """
    columns = scores_of(section.rows)
    measures = columns[-2:] if columns is VOT_SCORES else columns if section.boxes else []
    names = list(section.names)
    codes = sorted({str(code) for each in details for code in _codes(each)})
    rows = [
        {
            **_row_data(row, [column for column, _ in columns]),
            "about": [list(fact) for fact in each.about],
            "spread": {label: each.intervals.get(column, "") for column, label in columns},
            "sequences": _sequence_data(each, names, measures),
            "attributes": _attribute_data(each),
        }
        for row, each in zip(section.rows.to_dict("records"), details, strict=True)
    ]
    return {
        "title": section.title,
        "dataset": section.dataset,
        "split": section.split,
        "protocol": section.protocol,
        "rules": f"{_rules(section.protocol)}. {section.meaning}".strip(),
        "boxes": section.boxes,
        "digits": 1 if in_percent(columns[0][0]) else 3,
        "measures": [label for _, label in measures] or ["J&F", *_MEASURES],
        "covered": coverage(section.sequences, section.official),
        "note": "" if section.whole else partial_note(section),
        "runs": section.own,
        "scores": [label for _, label in columns],
        "lower": [label for column, label in columns if column in LOWER_IS_BETTER],
        "sequences": names if any(len(each.sequences) for each in details) else [],
        "attributes": [[code, NAMES.get(code, ""), _with(details, code)] for code in codes],
        "rows": rows,
    }


def _row_data(row: Mapping[Any, Any], columns: list[str]) -> Json:
    low, high = digits(row["low"]), digits(row["high"])
    return {
        "run": str(row["run"]),
        "own": row["source"] == OWN,
        "rank": row["rank"],
        "init": row["init"] if row["init"] in _INITS else "",
        "scores": [_printed(column, row[column]) for column in columns],
        "interval": None if low is None else [low, high],
        "trained": trained_on(row),
        "fps": rate(row.get("fps")),
        "fpsRank": row["fps_rank"],
        "fpsProtocol": row["fps_protocol"],
        "device": row["device"],
        "precision": row["precision"],
        "source": row["source"],
    }


def _printed(column: str, value: Any) -> float | None:
    """Return a score to the digit that is printed, None for a missing one."""
    text = score(column, value)
    return float(text) if text else None


def _rules(protocol: str) -> str:
    if protocol in VOT_PROTOCOLS:
        return VOT_PROTOCOLS[protocol].summary
    if protocol == OTB_PROTOCOL:
        return "one pass over each sequence"
    try:
        return protocol_named(protocol).summary
    except UnknownNameError:
        return "the rules of those who published the numbers"


def _sequence_data(
    details: Details, names: list[str], measures: list[tuple[str, str]]
) -> list[list[float | None] | None]:
    """Return the measures of every sequence, or J&F, J and F; None where the row has none."""
    found = {
        row["sequence"]: [_printed(column, row[column]) for column, _ in measures]
        if measures
        else _three(row["J_mean"], row["F_mean"])
        for row in details.sequences.to_dict("records")
    }
    return [found.get(name) for name in names]


def _three(j: float, f: float) -> list[float | None]:
    return [digits((j + f) / 2), digits(j), digits(f)]


def _codes(details: Details) -> list[str]:
    return details.attributes["attribute"].tolist() if len(details.attributes) else []


def _with(details: Sequence[Details], code: str) -> int:
    """Return how many sequences have an attribute."""
    for each in details:
        table = each.attributes
        if len(table) and (table["attribute"] == code).any():
            return int(table.loc[table["attribute"] == code, "sequences"].iloc[0])
    return 0


def _attribute_data(details: Details) -> Json:
    """Return attribute -> J&F, J and F with it, and what it costs in each."""
    return {
        row["attribute"]: [
            *_three(row["J_mean"], row["F_mean"]),
            *_three(row["J_difference"], row["F_difference"]),
        ]
        for row in details.attributes.to_dict("records")
    }


def frame_keys(tables: Sequence[pd.DataFrame]) -> Json:
    """Return sequence -> its objects and frames, of all runs of a section.

    Args:
        tables: `sequence, object, frame` of each row.
    """
    together = pd.concat([table[["sequence", "object", "frame"]] for table in tables])
    keys: Json = {}
    for name, group in together.drop_duplicates().groupby("sequence"):
        frames = sorted(group["frame"].unique().tolist())
        keys[str(name)] = {
            "objects": sorted(int(i) for i in group["object"].unique()),
            "frames": frames,
        }
    return keys


def frame_values(table: pd.DataFrame, keys: Json) -> dict[str, str]:
    """Return sequence -> J and F of all its objects and frames, packed.

    Args:
        table: `sequence, object, frame, J, F` of one run.
        keys: see `frame_keys`.

    Returns:
        Base64 of (objects, 2, frames) uint16, the low byte first: thousandths, which is the printed
        digit, of J, then F; `NONE` where there is no value.
    """
    packed = {}
    for name, group in table.groupby("sequence"):
        about = keys[str(name)]
        objects = {number: place for place, number in enumerate(about["objects"])}
        frames = {frame: place for place, frame in enumerate(about["frames"])}
        values = np.full((len(objects), 2, len(frames)), NONE, "<u2")
        rows = group["object"].map(objects).to_numpy(), group["frame"].map(frames).to_numpy()
        for place, measure in enumerate(_MEASURES):
            values[rows[0], place, rows[1]] = [_thousandths(v) for v in group[measure].tolist()]
        packed[str(name)] = base64.b64encode(values.tobytes()).decode()
    return packed


def _thousandths(value: float) -> int:
    # As `percent` rounds, not as multiplying by 1000 would.
    return NONE if is_blank(value) or math.isnan(value) else round(10 * round(100 * value, 1))
