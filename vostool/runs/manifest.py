"""`run.json`: what ran, on what, with what, and a status for each finished sequence."""

from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1

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
    """What `run.json` keeps about a finished sequence.

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
    """The contents of `run.json`.

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
