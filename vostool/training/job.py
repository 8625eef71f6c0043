"""What is to be trained: a request as the user made it, and the job it resolves to."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vostool.config import build_config, split_overrides
from vostool.datasets.dataset import Dataset
from vostool.environment import device_name, git_revision, resolve_device, sha256_of, versions
from vostool.errors import WeightsError
from vostool.io.storage import resolved
from vostool.tracking.job import run_name
from vostool.tracking.plugins import load_tracker, split_spec
from vostool.tracking.tensor_files import Format
from vostool.training.data import open_data
from vostool.training.folder import TrainFolder, TrainManifest
from vostool.training.settings import TrainSettings
from vostool.training.task import Task, TrainingData, load_task
from vostool.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What the user asked to be trained.

    Args:
        tracker: `NAME` or `NAME/CONFIG`.
        name: name of the folder; derived from the tracker if None.
        overrides: `key=value` texts; keys of the engine begin with `train.`, those of the task
            with `train.task.`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: `auto` (that of the settings), `fp32`, `fp16` or `bf16`.
        data: datasets instead of those of the settings.
        root: where the datasets are, if not in the workspace.
        init: file of weights to start from.
    """

    tracker: str
    name: str | None = None
    overrides: tuple[str, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    data: tuple[str, ...] = ()
    root: Path | None = None
    init: Path | None = None


@dataclass(frozen=True)
class TrainJob:
    """A resolved request.

    Args:
        tracker: name of the tracker.
        config_name: of its TOML, or `default`.
        code: hash of the tracker's Python files.
        model: the tracker's configuration.
        task: the task's class.
        task_config: its configuration.
        settings: of the engine.
        data: opened.
        device: `cpu`, `cuda` or `cuda:N`.
        init: file of weights to start from.
        formats: how such a file may name its tensors, see `Tracker.formats`.
        name: of the folder.
    """

    tracker: str
    config_name: str
    code: str
    model: Any
    task: type[Task]
    task_config: Any
    settings: TrainSettings
    data: TrainingData
    device: str
    init: Path | None
    formats: tuple[Format, ...]
    name: str

    def folder(self, results: Path) -> TrainFolder:
        """Return the folder of this training below the folder of results."""
        return TrainFolder(results / "train" / self.name)

    def manifest(self, step: int, processes: int) -> TrainManifest:
        """Return what `train.json` says when training starts at a step."""
        start = {
            "step": step,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "device": device_name(self.device),
            "processes": processes,
            "code": self.code,
            "git": git_revision(),
            "versions": versions(),
        }
        return TrainManifest(
            tracker=self.tracker,
            config_name=self.config_name,
            model=_plain(self.model),
            task=_plain(self.task_config),
            settings=_plain(self.settings),
            data=_used(self.data.datasets),
            validation=_used((self.data.validation,) if self.data.validation else ()),
            init={"path": str(self.init), "sha256": sha256_of(self.init)} if self.init else None,
            starts=[start],
        )


def prepare_training(request: TrainRequest, workspace: Workspace) -> TrainJob:
    """Resolve names, settings, data and device, refusing what does not fit."""
    name, config_name = split_spec(request.tracker)
    plugin = load_tracker(name, workspace)
    task = load_task(plugin)
    config_name = config_name or plugin.training_config()
    own, overrides = split_overrides(request.overrides)
    source = f"{request.tracker} [train]"
    values = plugin.train_table(config_name, overrides)
    task_values = values.pop("task", {})
    settings: TrainSettings = build_config(TrainSettings, values, source)
    if request.data:
        fit = len(request.data) == len(settings.data_weights)
        weights = settings.data_weights if fit else ()
        settings = replace(settings, data=request.data, data_weights=weights)
    if request.precision != "auto":
        settings = build_config(
            TrainSettings, asdict(settings) | {"precision": request.precision}, source
        )
    if request.init is not None and not request.init.is_file():
        raise WeightsError(f"The weights {request.init} of --init do not exist.")
    model = plugin.config(config_name, own)
    return TrainJob(
        tracker=name,
        config_name=config_name or "default",
        code=plugin.code_hash(),
        model=model,
        task=task,
        task_config=build_config(task.Config, task_values, f"{request.tracker} [train.task]"),
        settings=settings,
        data=open_data(settings, request.root, workspace),
        device=resolve_device(request.device, plugin.cls.devices),
        init=request.init,
        formats=plugin.cls.formats(model),
        name=run_name(request.tracker, request.name),
    )


def _used(datasets: tuple[Dataset, ...]) -> dict[str, dict[str, Any]]:
    found = {}
    for dataset in datasets:
        digest = hashlib.sha256()
        for sequence in dataset.sequences:
            digest.update(f"{sequence.name}:{dataset.fingerprint(sequence)}\n".encode())
        found[dataset.key] = {
            "root": str(resolved(dataset.root)),
            "fingerprint": digest.hexdigest()[:16],
            "sequences": [sequence.name for sequence in dataset.sequences],
        }
    return found


def _plain(config: Any) -> dict[str, Any]:
    """Return the fields of a configuration as JSON gives them back."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return values
