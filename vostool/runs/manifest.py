"""`run.json`, what ran, on what, with what, and `sequences.jsonl`, a record per finished sequence.

Schema 1 had the records in `run.json`, which was written anew for each of them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vostool.errors import ResultError

SCHEMA = 2
_WHOLE = 1  # the schema whose `run.json` holds the records

# What must not change between a run and its continuation, and what messages call it.
_IDENTITY = {
    "tracker": "tracker",
    "code": "version of the tracker's code",
    "config": "configuration",
    "weights": "weights",
    "dataset": "dataset",
    "split": "split",
    "device": "device",
    "precision": "precision",
    "seed": "seed",
    "experiment": "experiment",
}


@dataclass(frozen=True, slots=True)
class SequenceStatus:
    """What is recorded about a finished sequence.

    Args:
        fingerprint: of the sequence's files, see `Dataset.fingerprint`.
        first_mask: hash of its first label map, see `Dataset.first_mask_hash`.
        frames: number of frames.
        objects: number of objects.
        seconds: wall clock of the whole sequence, decoding and writing included.
        workers: processes that shared the machine.
        device_name: hardware it ran on.
        peak_mb: memory of the process or device so far; None where the system does not tell.
        spared: of older runs, frames that another tracker had decoded: `seconds` is without them.
    """

    fingerprint: str
    first_mask: str
    frames: int
    objects: int
    seconds: float
    workers: int
    device_name: str
    peak_mb: float | None
    spared: int = 0


@dataclass
class Manifest:
    """The contents of `run.json`, and the records of sequences.

    `imported` is None for a run of this toolkit; for masks that were brought in it says from where
    (`from`, `sha256` of a zip) and when (`at`), and what nobody can know of them is empty.
    """

    run: str
    tracker: str
    config_name: str
    config: dict[str, Any]
    code: str
    init: str
    weights: dict[str, str] | None
    dataset: str
    split: str
    root: str
    device: str
    device_name: str
    precision: str
    fps_protocol: str
    seed: int
    versions: dict[str, str]
    git: str | None
    created: str
    sequences: dict[str, SequenceStatus] = field(default_factory=dict)
    schema: int = SCHEMA
    experiment: dict[str, Any] | None = None  # how boxes were made, where there are no masks
    imported: dict[str, str] | None = None

    def differences(self, other: "Manifest") -> list[str]:
        """Name what makes the other a different run, e.g. `configuration (alpha: 1 -> 2)`."""
        found = []
        for key, name in _IDENTITY.items():
            mine, theirs = getattr(self, key), getattr(other, key)
            if key == "weights":  # the same file may lie elsewhere
                mine, theirs = (w["sha256"] if w else "none" for w in (mine, theirs))
            if mine == theirs:
                continue
            if key in ("config", "experiment"):
                mine, theirs = mine or {}, theirs or {}
                keys = sorted(k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k))
                what = ", ".join(f"{k}: {mine.get(k)} -> {theirs.get(k)}" for k in keys)
            elif key == "weights":
                what = f"{mine[:8]} -> {theirs[:8]}"
            else:
                what = f"{mine} -> {theirs}"
            found.append(f"{name} ({what})")
        return found


def manifest_text(manifest: Manifest) -> str:
    """Return `run.json`: all but the records of sequences."""
    values = asdict(replace(manifest, sequences={}))
    del values["sequences"]
    for optional in ("imported", "experiment"):
        if values[optional] is None:
            del values[optional]
    return json.dumps(values, indent=2) + "\n"


def records_text(sequences: Mapping[str, SequenceStatus]) -> str:
    """Return lines of `sequences.jsonl`, in the order of the sequences."""
    lines = ({"sequence": name, **asdict(status)} for name, status in sequences.items())
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def parse_manifest(text: str, path: Path) -> tuple[Manifest, bool]:
    """Return what `run.json` says, and whether the records of sequences are elsewhere.

    Args:
        text: its contents.
        path: of the file, for messages.

    Raises:
        ResultError: it is damaged, or of a newer vostool.
    """
    try:
        values = json.loads(text)
        schema = values.get("schema")
        if schema not in (_WHOLE, SCHEMA):
            raise ResultError(
                f"{path} has the schema {schema}, this vostool reads {_WHOLE} and {SCHEMA}. Use "
                "the vostool that wrote it, or remove the run."
            )
        if schema == SCHEMA:
            return Manifest(**{**values, "sequences": {}}), True
        statuses = {k: SequenceStatus(**v) for k, v in values.pop("sequences").items()}
        return Manifest(**{**values, "schema": SCHEMA}, sequences=statuses), False
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ResultError(
            f"{path} is damaged ({error}). Remove {path.parent} and run again."
        ) from error


def parse_records(text: str, path: Path) -> dict[str, SequenceStatus]:
    """Return the records of `sequences.jsonl`; of a sequence with several the last one counts.

    Args:
        text: whole lines.
        path: of the file, for messages.

    Raises:
        ResultError: a line is damaged; the message says which.
    """
    found: dict[str, SequenceStatus] = {}
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            values = json.loads(line)
            name = values.pop("sequence")
            found[name] = SequenceStatus(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ResultError(
                f"{path}, line {number}, is damaged ({error}). Remove that line; the same "
                "`vostool run` command then tracks its sequence again."
            ) from error
    return found
