"""What stands behind a row of the leaderboard: scores of sequences and frames, where from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from vostool.errors import ResultError
from vostool.io.storage import place
from vostool.report.format import is_blank, rate, span
from vostool.report.leaderboard.published import published_intervals, published_sequences
from vostool.report.leaderboard.section import OWN, Section
from vostool.runs.folder import Manifest, RunFolder
from vostool.scoring.tables import ATTRIBUTE_COLUMNS, SPEED_COLUMNS, attribute_table, read_csv
from vostool.tracking.training_record import training_data

NOT_STATED = "not stated"
_SPEED_LABELS = {
    "fps": "fps",
    "fps_object": "frames x objects per second",
    "fps_e2e": "fps, end to end",
    "p50_ms": "ms per frame, median",
    "p95_ms": "ms per frame, 95th percentile",
    "init_ms": "ms for the first frame",
    "peak_mb": "peak memory, MB",
    "fps_protocol": "fps protocol",
    "device": "device",
    "precision": "precision",
}


@dataclass(frozen=True, slots=True)
class Details:
    """What is known about one row beyond its summary; anything may be empty.

    Args:
        sequences: `sequence` and `J_mean, F_mean`, or the scores of boxes, as fractions.
        attributes: see `attributes.attribute_table`.
        intervals: statistic -> its 95 % interval in percent, as it is printed.
        about: `label, value`: where the numbers come from, for people.
        scores: folder of a run's tables, None for published numbers.
    """

    sequences: pd.DataFrame = field(default_factory=pd.DataFrame)
    attributes: pd.DataFrame = field(default_factory=pd.DataFrame)
    intervals: Mapping[str, str] = field(default_factory=dict)
    about: tuple[tuple[str, str], ...] = ()
    scores: Path | None = None

    @property
    def run(self) -> RunFolder | None:
        """Return the run folder that the scores are in."""
        return RunFolder(self.scores.parent.parent) if self.scores else None

    def frames(self) -> pd.DataFrame:
        """Read `sequence, object, frame, J, F`; empty for published numbers.

        Raises:
            ResultError: the table is damaged.
        """
        path = self.scores / "frames.csv" if self.scores else None
        if path is None or not path.is_file():
            return pd.DataFrame(columns=["sequence", "object", "frame", "J", "F"])
        return _read(path, {"sequence": str, "frame": str})


def details_of(
    section: Section, row: Mapping[Any, Any], attributes: Mapping[str, tuple[str, ...]]
) -> Details:
    """Return what is known about a row of a section.

    Args:
        section: that it is in.
        row: one of `section.rows`.
        attributes: sequence -> attribute codes, as far as known.

    Raises:
        ResultError: a table of the run is damaged.
    """
    if row["source"] == OWN:
        return _of_run(row)
    if section.boxes:
        return Details(about=tuple(_about_published(row)))
    table = published_sequences(section.dataset, section.protocol)
    table = table[(table["method"] == row["run"]) & (table["init"] == row["init"])]
    sequences = table[table["sequence"].isin(section.names)].reset_index(drop=True)
    spread = published_intervals(section.dataset, section.protocol, section.names)
    spread = spread[(spread["method"] == row["run"]) & (spread["init"] == row["init"])]
    known = len(sequences) > 0 and set(sequences["sequence"]) <= attributes.keys()
    return Details(
        sequences=sequences,
        attributes=attribute_table(sequences, attributes) if known else pd.DataFrame(),
        intervals=_printed(spread),
        about=tuple(_about_published(row)),
    )


def _of_run(row: Mapping[Any, Any]) -> Details:
    scores = place(row["scores"], listed=False)
    spread = scores / "intervals.csv"
    attributes = scores / "attributes.csv"
    return Details(
        sequences=_read(scores / "sequences.csv", {"sequence": str}),
        attributes=_read(attributes, {})
        if attributes.is_file()
        else pd.DataFrame(columns=ATTRIBUTE_COLUMNS),
        intervals=_printed(_read(spread, {})) if spread.is_file() else {},
        about=tuple(_about_run(row, RunFolder(scores.parent.parent))),
        scores=scores,
    )


def _read(path: Path, types: dict[str, type]) -> pd.DataFrame:
    try:
        return read_csv(path, dtype=types)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise ResultError(
            f"{path} cannot be read ({error}). Score that run again with `vostool eval`."
        ) from error


def _printed(intervals: pd.DataFrame) -> dict[str, str]:
    return {
        str(row["statistic"]): span(row["low"], row["high"]) for row in intervals.to_dict("records")
    }


def _about_published(row: Mapping[Any, Any]) -> list[tuple[str, str]]:
    where = " ".join(str(v) for v in (row.get("venue"), _year(row.get("year"))) if not is_blank(v))
    facts = [
        ("published", where),
        ("source", row["source"]),
        ("trained on", row.get("trained_on")),
        ("fps", rate(row.get("fps"))),
        ("hardware", row.get("device")),
    ]
    return [(label, str(value)) for label, value in facts if not is_blank(value)]


def _year(value: Any) -> str:
    return "" if is_blank(value) else str(int(value))


def _about_run(row: Mapping[Any, Any], run: RunFolder) -> list[tuple[str, str]]:
    """Return what run.json says, but for paths, which are nobody else's business."""
    speed = [
        (_SPEED_LABELS[name], rate(row[name]) if isinstance(row[name], float) else row[name])
        for name in SPEED_COLUMNS
        if not is_blank(row.get(name))
    ]
    facts = [("scored", _amount(row)), *speed]
    try:
        facts += _about_manifest(run.manifest())
    except ResultError:
        facts.append(("run.json", "cannot be read"))
    return [(label, str(value)) for label, value in facts if not is_blank(value)]


def _amount(row: Mapping[Any, Any]) -> str:
    """Return how much was scored, e.g. `6 sequences, 6 objects, 400 frames`."""
    parts = [f"{row['sequences']} sequences"]
    if not is_blank(row.get("objects")):
        parts.append(f"{int(row['objects'])} objects")
    parts.append(f"{int(row['frames'])} frames")
    if not is_blank(row.get("repetitions")):
        parts.append(f"repetitions: {int(row['repetitions'])}")
    if not is_blank(row.get("failures")):
        parts.append(f"failures: {row['failures']:.1f}")
    return ", ".join(parts)


def _about_manifest(manifest: Manifest) -> list[tuple[str, str]]:
    if manifest.imported is not None:
        came = ", ".join(Path(v).name if k == "from" else v for k, v in manifest.imported.items())
        return [("imported", came)]
    weights = "none"
    if manifest.weights:
        name = Path(manifest.weights["path"]).name
        weights = f"{name}, sha256 {manifest.weights['sha256'][:12]}"
    settings = ", ".join(f"{key} = {value}" for key, value in manifest.config.items())
    workers = {status.workers for status in manifest.sequences.values()}
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return [
        ("tracker", f"{manifest.tracker}/{manifest.config_name}, code {manifest.code}"),
        ("settings", settings),
        ("weights", weights),
        ("seed", str(manifest.seed)),
        ("workers", ", ".join(map(str, sorted(workers)))),
        ("versions", versions),
        ("git", manifest.git or ""),
        ("made", manifest.created.partition("+")[0].replace("T", " ") + " UTC"),
    ]


def trained_on(row: Mapping[Any, Any]) -> str:
    """Return what a row's method was trained on, as far as that is known, for people."""
    if row["source"] != OWN:
        return row.get("trained_on") or NOT_STATED
    try:
        manifest = RunFolder(place(row["scores"], listed=False).parent.parent).manifest()
    except ResultError:
        return NOT_STATED
    if manifest.imported is not None:
        return NOT_STATED
    if not manifest.weights:
        return "nothing: no weights"
    found = training_data(Path(manifest.weights["path"]), manifest.weights["sha256"])
    return ", ".join(found) or NOT_STATED
