"""The folder of a training: what was asked for, how it went, and the weights.

results/train/<name>/
    train.json              what is trained, on what, with what
    metrics.csv             the training curve
    best.safetensors        weights of the best validation
    last.safetensors        weights of the last checkpoint
    checkpoints/            what is needed to go on
    pictures/step_*.png     samples with targets and predictions
    tensorboard/            where TensorBoard is installed
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from vostool.config import build_config
from vostool.errors import ResultError
from vostool.io.locks import locked
from vostool.io.storage import write_text
from vostool.training.checkpoint import checkpoints_in, tidy, write_tensors
from vostool.training.settings import TrainSettings
from vostool.training.task import Picture

SCHEMA = 1


@dataclass
class TrainManifest:
    """The contents of `train.json`.

    Args:
        tracker: its name.
        config_name: of its TOML, or `default`.
        model: the tracker's settings.
        task: the task's settings.
        settings: the engine's, `TrainSettings`.
        data: name -> fingerprint, root and sequences of what is trained on.
        validation: the same of what it is validated with.
        init: path and SHA-256 of the weights it starts from, or None.
        starts: every time it was started or went on: from which step, when, where, with what.
    """

    tracker: str
    config_name: str
    model: dict[str, Any]
    task: dict[str, Any]
    settings: dict[str, Any]
    data: dict[str, dict[str, Any]]
    validation: dict[str, dict[str, Any]]
    init: dict[str, str] | None
    starts: list[dict[str, Any]] = field(default_factory=list)
    schema: int = SCHEMA

    def differences(self, other: "TrainManifest") -> list[str]:
        """Name what makes the other a different training, e.g. `lr: 0.1 -> 0.2`."""
        found = [] if self.tracker == other.tracker else [f"{self.tracker} -> {other.tracker}"]
        for mine, theirs in ((self.model, other.model), (self.task, other.task)):
            found += [
                f"{key}: {mine.get(key)} -> {theirs.get(key)}"
                for key in sorted({*mine, *theirs})
                if mine.get(key) != theirs.get(key)
            ]
        found += self._settings().differences(other._settings())
        for what, before, after in (
            ("data", self.data, other.data),
            ("validation", self.validation, other.validation),
        ):
            prints = [
                sorted(each["fingerprint"] for each in used.values()) for used in (before, after)
            ]
            if prints[0] != prints[1] and not any(part.startswith(what) for part in found):
                found.append(f"the files of the {what}")
        if (self.init or {}).get("sha256") != (other.init or {}).get("sha256"):
            found.append("--init")
        return found

    def _last(self, what: str) -> Any:
        return self.starts[-1].get(what) if self.starts else None

    def _settings(self) -> TrainSettings:
        settings: TrainSettings = build_config(TrainSettings, self.settings, "train.json")
        return settings


class TrainFolder:
    """One training on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_path = path / "train.json"
        self.metrics = path / "metrics.csv"
        self.checkpoints = path / "checkpoints"
        self.best = path / "best.safetensors"
        self.last = path / "last.safetensors"

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from training here at the same time, see `io.locks`."""
        return locked(self.path, "training in")

    def newest_checkpoint(self) -> Path | None:
        """Return the checkpoint to go on from, or None."""
        found = checkpoints_in(self.checkpoints)
        return found[-1] if found else None

    def open(self, asked: TrainManifest) -> str | None:
        """Write `train.json`, or add this start to the one that is there; remove leftovers.

        Returns:
            A note if the tracker's code has changed since the last start.

        Raises:
            ResultError: the folder holds another training; the message says what differs.
        """
        tidy(self.checkpoints)
        note = None
        if self.newest_checkpoint() is None:
            self._clear()
        else:
            before = self._manifest()
            differences = before.differences(asked)
            if differences:
                raise ResultError(
                    f"{self.path} holds another training; what differs: {', '.join(differences)}. "
                    "Choose another name with --name, or remove that folder."
                )
            if before._last("code") != asked._last("code"):
                note = (
                    f"The code of {asked.tracker} has changed since {self.path} was last trained; "
                    "the training goes on with the new code."
                )
            asked.starts = [*before.starts, *asked.starts]
        write_text(self.manifest_path, json.dumps(asdict(asked), indent=2) + "\n")
        return note

    def _clear(self) -> None:
        """Remove what a training left that ended before its first checkpoint."""
        for file in (self.best, self.last, self.metrics):
            file.unlink(missing_ok=True)
        for folder in ("pictures", "tensorboard"):
            shutil.rmtree(self.path / folder, ignore_errors=True)

    def _manifest(self) -> TrainManifest:
        try:
            values = json.loads(self.manifest_path.read_text(encoding="utf-8"))
            if values.get("schema") != SCHEMA:
                raise ResultError(
                    f"{self.manifest_path} has the schema {values.get('schema')}, this vostool "
                    f"reads {SCHEMA}. Use the vostool that wrote it, or another --name."
                )
            return TrainManifest(**values)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ResultError(
                f"{self.manifest_path} cannot be read ({error}), so the checkpoints next to it "
                f"cannot be identified. Choose another --name, or remove {self.path}."
            ) from error

    def write_weights(
        self, path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]
    ) -> None:
        """Write a file of weights, whole or not at all, with what they are in its header."""
        partial = path.with_name(f".{path.name}.partial")
        write_tensors(partial, tensors, {"vostool": json.dumps(dict(about))})
        os.replace(partial, path)

    def write_picture(self, step: int, picture: Picture) -> None:
        """Write the picture of a step."""
        path = self.path / "pictures" / f"step_{step:08d}.png"
        path.parent.mkdir(exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        Image.fromarray(picture).save(partial, format="PNG")
        os.replace(partial, path)
