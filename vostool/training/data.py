"""What a training learns from: datasets named by its configuration, opened."""

from pathlib import Path
from typing import Any

from vostool.datasets.catalog import open_masks
from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.io.storage import resolved
from vostool.training.settings import TrainSettings
from vostool.training.task import TrainingData
from vostool.workspace import Workspace

_ROOTLESS = ("synthetic", "folder:")  # --root is not meant for these


def open_data(settings: TrainSettings, root: Path | None, workspace: Workspace) -> TrainingData:
    """Open the datasets that the settings name.

    Raises:
        DatasetError: nothing is left to train on without the validation's sequences.
        VostoolError: as raised by `open_masks`.
    """
    validation = None
    if settings.validation:
        validation = _open(settings.validation, root, workspace)
        validation = validation.select(settings.validation_sequences or None)
    held_back = {_place(s) for s in validation.sequences} if validation else set()
    datasets = []
    for name in settings.data:
        dataset = _open(name, root, workspace)
        left = [s.name for s in dataset.sequences if _place(s) not in held_back]
        if not left:
            raise DatasetError(
                f"Every sequence of {name} is used for validation, so none is left to train on. "
                "Name some with train.validation_sequences."
            )
        datasets.append(dataset.select(left))
    return TrainingData(tuple(datasets), validation, workspace.datasets / ".cache")


def _open(text: str, root: Path | None, workspace: Workspace) -> Dataset:
    name, _, split = (text, "", "") if text.startswith("folder:") else text.partition(":")
    where = None if name.startswith(_ROOTLESS) else root
    return open_masks(name, split=split or None, root=where, workspace=workspace)


def _place(sequence: Any) -> Path:
    """Return the folder of a sequence's frames: datasets may share files under two names."""
    return resolved(sequence.frames[0]).parent
