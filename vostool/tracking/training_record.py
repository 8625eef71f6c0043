"""What weights were trained on, as a file beside them says.

Two kinds of file say it: the `train.json` that `vostool train` leaves beside its weights, and for
`NAME.safetensors` that came another way, or that were changed since, `NAME.json`:

    {"sha256": "...", "data": {"DAVIS2016:train": {"sequences": ["bear", ...]}, "synthetic": {...}},
     "validation": {...}}

`sha256` is that of the weights, so that the statement ends with the file that it was made for.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vostool.environment import sha256_of
from vostool.errors import WeightsError
from vostool.io.storage import write_text

_TRAINING = "train.json"
_SCHEMA = 1
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)  # of JSON that is not ours


def training_data(weights: Path, sha256: str) -> list[str]:
    """Return what weights were trained on, e.g. `["DAVIS2016:train (26 sequences)"]`.

    Args:
        weights: file of weights, which may be gone.
        sha256: that the file must have.

    Returns:
        Names with the number of sequences; empty if nobody says, or the file is another one now.
    """
    try:
        if sha256_of(weights) != sha256:
            return []
    except OSError:
        return []
    return _stated(weights.with_suffix(".json"), sha256) or _stated(weights.parent / _TRAINING)


def _stated(path: Path, sha256: str | None = None) -> list[str]:
    """Return what a file says; nothing if it is not there, damaged, or of other weights."""
    try:
        statement = json.loads(path.read_text(encoding="utf-8"))
        if sha256 is not None and path.name != _TRAINING and statement["sha256"] != sha256:
            return []
        return [_counted(name, about) for name, about in _by_name(statement, "data").items()]
    except _DAMAGED:
        return []


def _counted(name: str, about: Mapping[str, Any]) -> str:
    count = len(about["sequences"])
    return f"{name} ({count} sequence{'' if count == 1 else 's'})"


def training_of(weights: Path) -> dict[str, Any]:
    """Read the `train.json` beside weights.

    Args:
        weights: where `vostool train` left them.

    Returns:
        `tracker, config_name, data, validation`, the last two without paths, and `init`, the
        SHA-256 of the weights it started from, where there were any.

    Raises:
        WeightsError: there is none, or it does not say what they were trained on.
    """
    path = weights.parent / _TRAINING
    try:
        training = json.loads(path.read_text(encoding="utf-8"))
        found = {key: training[key] for key in ("tracker", "config_name")}
        found |= {part: _by_name(training, part) for part in ("data", "validation")}
        if not found["data"]:
            raise KeyError("data")
        return found | ({"init": training["init"]["sha256"]} if training.get("init") else {})
    except _DAMAGED as error:
        raise WeightsError(
            f"What {weights} was trained on is not known: {path} is not there or damaged "
            f"({error}). Name the weights in the folder where `vostool train` left them."
        ) from error


def write_training_data(weights: Path, training: Mapping[str, Any]) -> Path:
    """Write what weights were trained on beside them, as `NAME.json`; returns its path.

    Args:
        weights: the file that it is about.
        training: see `training_of`, of the training that it came from.
    """
    path = weights.with_suffix(".json")
    statement = {"schema": _SCHEMA, "sha256": sha256_of(weights), **training}
    write_text(path, json.dumps(statement, indent=1) + "\n")
    return path


def _by_name(statement: dict[str, Any], part: str) -> dict[str, dict[str, Any]]:
    """Return name -> fingerprint and sequences, without paths, which are nobody else's business.

    `train.json` has results folders' names there, where `DAVIS2016` is its usual split; the names
    that the settings have say which.
    """
    found = statement[part]
    named = statement.get("settings", {}).get(part) or []
    named = [named] if isinstance(named, str) else named
    names = named if len(set(named)) == len(found) else found
    return {
        name: {key: value for key, value in about.items() if key != "root"}
        for name, about in zip(names, found.values(), strict=True)
    }
