"""The cells of a campaign: every tracker with its weights and settings, on each dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any

from vostool.campaign.file import Campaign, DatasetRow, Pair, TrackerRow
from vostool.campaign.names import literal, name_of_run, shown, weights_label
from vostool.errors import ConfigError, UnknownNameError
from vostool.tracking.job import RunRequest
from vostool.tracking.reported_region import Shape


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a campaign.

    Args:
        request: what is run; it has a name.
        dataset: on what.
        region: what is written on datasets of boxes.
        repetitions: of datasets such as VOT.
    """

    request: RunRequest
    dataset: DatasetRow
    region: Shape
    repetitions: int

    @property
    def run(self) -> str:
        """Return the name of the run folder."""
        assert self.request.name is not None
        return self.request.name

    def fits(self, pair: Pair) -> bool:
        """Return True if a pair of names speaks of this cell."""
        names = (self.run, self.request.tracker)
        of_dataset = (self.dataset.dataset, self.dataset.title)
        return any(fnmatchcase(name, pair.tracker) for name in names) and any(
            fnmatchcase(name, pair.dataset) for name in of_dataset
        )


def cells_of(campaign: Campaign, source: str) -> list[Cell]:
    """Return all cells, dataset by dataset, in the order of the file.

    Args:
        campaign: as it was read.
        source: name of its file, for error sentences.

    Raises:
        ConfigError: two runs have the same name, or a name or setting does not fit.
        UnknownNameError: a name has a field that there is not.
        UsageError: a pair to skip, or to take alone, is of no cell.
    """
    requests: list[RunRequest] = []
    rows: dict[str, int] = {}
    for number, row in enumerate(campaign.trackers, 1):
        for request in _requests(row, campaign, f"{source}, [[trackers]] {number}"):
            name = str(request.name)
            if name in rows:
                raise ConfigError(
                    f"{source}: two runs would be called '{name}', of [[trackers]] {rows[name]} "
                    f"and {number}. Give one of the rows another `name`, or name its weights: "
                    'weights = {old = "a.pth", new = "b.pth"}.'
                )
            rows[name] = number
            requests.append(request)
    found = [
        Cell(
            request,
            row,
            row.region or campaign.region,
            row.repetitions or campaign.repetitions,
        )
        for row in campaign.datasets
        for request in requests
    ]
    for table, pairs in (("skip", campaign.skip), ("only", campaign.only)):
        for number, pair in enumerate(pairs, 1):
            if not any(cell.fits(pair) for cell in found):
                raise ConfigError(
                    f"{source}: [[{table}]] {number} fits no run: there is none '{pair.tracker}' "
                    f"on '{pair.dataset}'. Runs are {', '.join(rows)}."
                )
    return [
        cell
        for cell in found
        if not any(cell.fits(pair) for pair in campaign.skip)
        and (not campaign.only or any(cell.fits(pair) for pair in campaign.only))
    ]


def chosen(cells: Sequence[Cell], names: Sequence[str]) -> list[Cell]:
    """Return the cells of the runs that are named, all if none is.

    Args:
        cells: of a campaign.
        names: of runs, trackers or datasets, or `DATASET/RUN`; `*` stands for any characters.

    Raises:
        UnknownNameError: a name fits none.
    """
    if not names:
        return list(cells)

    def known(cell: Cell) -> tuple[str, ...]:
        row = cell.dataset
        return cell.run, cell.request.tracker, row.title, row.dataset, f"{row.title}/{cell.run}"

    for name in names:
        if not any(fnmatchcase(each, name) for cell in cells for each in known(cell)):
            raise UnknownNameError.of("run", name, {cell.run for cell in cells}, "in the campaign")
    return [c for c in cells if any(fnmatchcase(each, n) for each in known(c) for n in names)]


def _requests(row: TrackerRow, campaign: Campaign, where: str) -> Iterator[RunRequest]:
    """Multiply out a row of trackers."""
    keys = list(row.settings)
    values = [v if isinstance(v, list) else [v] for v in row.settings.values()]
    weights = _weights(row)
    precisions = _listed(row.precision) or [""]
    seeds = _listed(row.seed) or [None]
    for spec, (label, path), precision, seed, chosen_values in product(
        _listed(row.tracker), weights, precisions, seeds, list(product(*values))
    ):
        settings = dict(zip(keys, chosen_values, strict=True))
        parts = {"weights": label, "precision": precision}
        parts |= {"seed": "" if seed is None else str(seed)}
        parts |= {key: shown(value) for key, value in settings.items()}
        given = {key: text for key, text in parts.items() if text != "" or key in settings}
        yield RunRequest(
            tracker=spec,
            name=name_of_run(spec, row.name, given, where),
            overrides=tuple(f"{key}={literal(value)}" for key, value in settings.items()),
            device=row.device or campaign.device,
            precision=precision or campaign.precision,
            weights=path,
            seed=campaign.seed if seed is None else seed,
        )


def _weights(row: TrackerRow) -> list[tuple[str, Path | None]]:
    if isinstance(row.weights, dict):
        return [(label, Path(path)) for label, path in row.weights.items()]
    paths = [Path(path) for path in _listed(row.weights)]
    return [(weights_label(path), path) for path in paths] or [("", None)]


def _listed(value: Any) -> list[Any]:
    """Return the values of a key that takes one or a list."""
    return list(value) if isinstance(value, tuple) else [value] if value != "" else []
