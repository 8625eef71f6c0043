"""What a training learns from: datasets named by its configuration, opened."""

from pathlib import Path
from typing import Any

from vostool.datasets.catalog import open_masks
from vostool.datasets.dataset import Dataset
from vostool.datasets.splits import OFFICIAL
from vostool.datasets.stills import NAME as STILLS
from vostool.datasets.stills import open_stills
from vostool.errors import DatasetError
from vostool.io.storage import resolved
from vostool.training.settings import TrainSettings
from vostool.training.task import TrainingData
from vostool.workspace import Workspace

_ROOTLESS = ("synthetic", "folder:")  # --root is not meant for these
_DAVIS = ("DAVIS2016", "DAVIS2017")
_FOR_TABLES = frozenset(OFFICIAL[2016, "val"] + OFFICIAL[2017, "val"])


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
    return TrainingData(
        tuple(datasets), validation, workspace.datasets / ".cache", settings.data_weights
    )


def _open(text: str, root: Path | None, workspace: Workspace) -> Dataset:
    name, _, split = (text, "", "") if text.startswith("folder:") else text.partition(":")
    if name == STILLS:
        return open_stills(split, workspace)
    where = None if name.startswith(_ROOTLESS) else root
    dataset = open_masks(name, split=split or None, root=where, workspace=workspace)
    _refuse_tables(dataset)
    return dataset


def _refuse_tables(dataset: Dataset) -> None:
    """Refuse to learn from, or choose by, what published tables are made of."""
    refused = [s.name for s in dataset.sequences if s.name in _FOR_TABLES]
    if dataset.name in _DAVIS and refused:
        raise DatasetError(
            f"{dataset.name} ({dataset.split}) holds validation sequences of DAVIS "
            f"({', '.join(refused[:3])}{', ...' if refused[3:] else ''}). They are for tables "
            f"only: neither trained on nor validated with. Name {dataset.name}:train, and hold "
            "some of it out with train.validation_sequences."
        )


def _place(sequence: Any) -> Path:
    """Return the folder of a sequence's frames: datasets may share files under two names."""
    return resolved(sequence.frames[0]).parent
