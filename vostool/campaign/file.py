"""The file of a campaign: which trackers, on which datasets, with which weights and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from vostool.campaign.names import legal
from vostool.config import build_config, read_toml
from vostool.datasets.catalog import MASK_OPTIONS, kind_of
from vostool.errors import ConfigError, UnknownNameError
from vostool.io.storage import is_url
from vostool.scoring.kinds import SCORERS
from vostool.tracking.experiments import experiment_options
from vostool.tracking.reported_region import Shape

Precision = Literal["auto", "fp32", "fp16", "bf16"]

_PATHS = ("folder:", "vot:", "otb:")  # datasets whose name holds a path


@dataclass(frozen=True)
class TrackerRow:
    """A table `[[trackers]]`. What is a list is multiplied out: a run for every combination.

    Args:
        tracker: `NAME` or `NAME/CONFIG`.
        name: pattern of the names of its runs, e.g. `{tracker}-v{votes}`; see `cells.run_names`.
        weights: files; a table names them, `{old = "a.pth", new = "b.pth"}`.
        settings: of the tracker. A setting that is a list itself is written `[[1, 2]]`.
        device: that of the campaign if empty.
        precision: likewise.
        seed: likewise.
    """

    tracker: str | tuple[str, ...] = ()
    name: str = ""
    weights: str | tuple[str, ...] | dict[str, str] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    precision: Precision | tuple[Precision, ...] = ()
    seed: int | tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.tracker:
            raise ValueError("'tracker' is missing")
        for seed in self.seed if isinstance(self.seed, tuple) else (self.seed,):
            if not 0 <= seed < 2**31:
                raise ValueError(f"seed is {seed}, not from 0 to {2**31 - 1}")
        for key, value in self.settings.items():
            if value == []:
                raise ValueError(f"settings.{key} is an empty list; one that is meant is [[]]")
            if isinstance(value, dict):
                raise ValueError(f"settings.{key} is a table; settings of trackers are values")


@dataclass(frozen=True)
class DatasetRow:
    """A table `[[datasets]]`.

    Args:
        dataset: a name that `vostool datasets` shows, or `folder:PATH`, `vot:PATH`, `otb:PATH`.
        split: the dataset's usual one if not given.
        root: where it lies; looked for in the workspace if not given.
        resolution: the dataset's usual one if not given.
        sequences: only these.
        protocols: by which it is scored; the dataset's own if empty.
        seen: file with the categories that training has seen.
        repetitions: of VOT; that of the campaign if not given.
        region: what is written on datasets of boxes; that of the campaign if not given.
        overlap: of VOT.
        interval: of VOT, lengths over which EAO is averaged.
    """

    dataset: str = ""
    split: str | None = None
    root: str | None = None
    resolution: str | None = None
    sequences: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    seen: str | None = None
    repetitions: int | None = None
    region: Shape | None = None
    overlap: Literal["raster", "exact"] | None = None
    interval: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self.dataset:
            raise ValueError("'dataset' is missing")
        if self.repetitions is not None and not 1 <= self.repetitions <= 999:
            raise ValueError(f"repetitions is {self.repetitions}, not from 1 to 999")
        if self.interval is not None and not 1 <= self.interval[0] <= self.interval[1]:
            raise ValueError("interval is [low, high], whole numbers of frames, e.g. [100, 356]")

    @property
    def title(self) -> str:
        """Return what the plan calls it, of a path only its last part."""
        prefix = next((each for each in _PATHS if self.dataset.startswith(each)), "")
        name = prefix + Path(self.dataset).name if prefix else self.dataset
        parts = (name, self.split, self.resolution)
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Pair:
    """A table `[[skip]]` or `[[only]]`: runs on datasets, by names in which `*` stands for any.

    Args:
        tracker: name of a run, or of its tracker, `NAME` or `NAME/CONFIG`.
        dataset: its name.
    """

    tracker: str = "*"
    dataset: str = "*"


@dataclass(frozen=True)
class Campaign:
    """A campaign as its file describes it.

    Args:
        name: of the folder `<results>/campaigns/NAME`; that of the file if empty.
        trackers: at least one.
        datasets: at least one.
        skip: pairs that are left out.
        only: if there are any, all others are left out.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: `auto` is the tracker's own.
        seed: of every random choice.
        repetitions: of datasets such as VOT.
        region: what is written on datasets of boxes.
    """

    name: str = ""
    trackers: tuple[TrackerRow, ...] = ()
    datasets: tuple[DatasetRow, ...] = ()
    skip: tuple[Pair, ...] = ()
    only: tuple[Pair, ...] = ()
    device: str = "auto"
    precision: Precision = "auto"
    seed: int = 0
    repetitions: int = 1
    region: Shape = "auto"

    def __post_init__(self) -> None:
        for table in ("trackers", "datasets"):
            if not getattr(self, table):
                raise ValueError(f"there is no [[{table}]]")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed is {self.seed}, not from 0 to {2**31 - 1}")
        if not 1 <= self.repetitions <= 999:
            raise ValueError(f"repetitions is {self.repetitions}, not from 1 to 999")


_ROWS: dict[str, type] = {
    "trackers": TrackerRow,
    "datasets": DatasetRow,
    "skip": Pair,
    "only": Pair,
}


def read_campaign(path: Path) -> Campaign:
    """Read the file of a campaign. Paths in it are relative to its folder.

    Raises:
        UnknownNameError: a key or a protocol that there is not; the message has the nearest one.
        ConfigError: it is absent, not valid TOML, or a value does not fit.
    """
    if not path.is_file():
        raise ConfigError(f"There is no file {path}; docs/campaign.md shows what it looks like.")
    values = read_toml(path)
    for table, cls in _ROWS.items():
        rows = values.get(table, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ConfigError(f"{path}: '{table}' is written as tables, [[{table}]].")
        values[table] = [
            build_config(cls, row, f"{path}, [[{table}]] {number}")
            for number, row in enumerate(rows, 1)
        ]
    campaign: Campaign = build_config(Campaign, values, str(path))
    for number, row in enumerate(campaign.datasets, 1):
        _check_rules(row, f"{path}, [[datasets]] {number}")
    name = legal(campaign.name or path.stem)
    if not name:
        raise ConfigError(f"{path}: name is {campaign.name!r}; a folder is called by it.")
    folder = path.resolve().parent
    return replace(
        campaign,
        name=name,
        trackers=tuple(_placed_tracker(row, folder) for row in campaign.trackers),
        datasets=tuple(_placed_dataset(row, folder) for row in campaign.datasets),
    )


def _check_rules(row: DatasetRow, where: str) -> None:
    """Refuse what a dataset of its kind does not have; the plan says if there is no such one."""
    try:
        kind = kind_of(row.dataset)
    except UnknownNameError:
        return
    scorer = SCORERS[kind]
    for name in row.protocols:
        scorer.check_protocol(name)
    refused = dict(scorer.refused)
    refused |= dict.fromkeys({"region", "repetitions"} - experiment_options(kind), "has no boxes")
    if kind != "masks":
        refused |= dict.fromkeys(MASK_OPTIONS, "has one split and resolution, and no categories")
    for key, why in refused.items():
        if getattr(row, key, None) is not None:
            raise ConfigError(f"{where}: {row.dataset} {why}; drop '{key}'.")


def _placed_tracker(row: TrackerRow, folder: Path) -> TrackerRow:
    weights = row.weights
    if isinstance(weights, str):
        return replace(row, weights=_placed(weights, folder))
    if isinstance(weights, Mapping):
        return replace(row, weights={k: _placed(v, folder) for k, v in weights.items()})
    return replace(row, weights=tuple(_placed(each, folder) for each in weights))


def _placed_dataset(row: DatasetRow, folder: Path) -> DatasetRow:
    prefix = next((each for each in _PATHS if row.dataset.startswith(each)), None)
    name = row.dataset
    if prefix is not None:
        name = prefix + _placed(name.removeprefix(prefix), folder)
    root = None if row.root is None else _placed(row.root, folder)
    seen = None if row.seen is None else _placed(row.seen, folder)
    return replace(row, dataset=name, root=root, seen=seen)


def _placed(path: str, folder: Path) -> str:
    return path if is_url(path) else str(folder / Path(path).expanduser())
