"""The plan of a campaign: what of each run is there, what is missing, and what cannot be run."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from vostool.campaign.cells import Cell
from vostool.campaign.cost import NOTHING, Cost, bytes_per_frame, cost_of
from vostool.campaign.file import DatasetRow
from vostool.campaign.probe import probe
from vostool.campaign.rates import Measured
from vostool.datasets.catalog import CATALOG, SYNTHETIC_SEED, find_root, open_dataset
from vostool.datasets.clips import Clips
from vostool.errors import ConfigError, VostoolError, resource_error
from vostool.execution.pools import Crew, Workers
from vostool.execution.run import folder_of, new_manifest, resumed
from vostool.io.storage import place
from vostool.runs.folder import RunFolder
from vostool.runs.shards import done_in
from vostool.scoring.kinds import scorer_of
from vostool.scoring.scorer import Scorer, ScoringOptions
from vostool.tracking.experiments import Experiment, experiment_of
from vostool.tracking.job import prepare
from vostool.types import Clip
from vostool.workspace import Workspace

TASKS_EACH = 2  # that crews hand out to a worker before one comes back
State = Literal["complete", "begun", "absent", "refused"]


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell, and how far it is.

    Args:
        cell: the run.
        state: `complete`; `begun`, some sequences are there; `absent`; `refused`, it cannot run.
        missing: sequences that are to be tracked.
        sequences: how many there are, 0 if that is not known.
        cost: of what is missing.
        scored: names of the protocols that it has scores by.
        dataset: opened, None if it cannot be.
        why: it is refused, a sentence.
    """

    cell: Cell
    state: State
    missing: tuple[Clip, ...] = ()
    sequences: int = 0
    cost: Cost = NOTHING
    scored: tuple[str, ...] = ()
    dataset: Clips[Any] | None = None
    why: str = ""

    @property
    def done(self) -> int:
        """Return how many sequences are there."""
        return self.sequences - len(self.missing)


class Planner:
    """Looks at what is there, and writes nothing.

    Args:
        workspace: where datasets and local trackers are.
        results: folder of run folders, by dataset.
        workers: processes that will track, or their executor.
    """

    def __init__(self, workspace: Workspace, results: Path, workers: Workers = 1) -> None:
        self.processes = count_of(workers)
        self._cuda = getattr(workers, "cuda", None)
        self._workspace = workspace
        self._results = results
        self._opened: dict[DatasetRow, Clips[Any] | str] = {}
        self._measured = Measured(results, elsewhere=self._cuda is not None)

    def plan(
        self,
        cells: Sequence[Cell],
        *,
        measure: bool = False,
        looking_at: Callable[[Cell], None] = lambda cell: None,
    ) -> list[Planned]:
        """Return the state and the cost of every cell.

        Args:
            cells: of a campaign.
            measure: run what nothing is known of for a few seconds.
            looking_at: told of every cell before it is looked at.

        Raises:
            ConfigError: two rows of datasets lead to the same run folders.
        """
        planned = []
        places: dict[tuple[str, str], Cell] = {}
        for cell in cells:
            looking_at(cell)
            dataset = self._dataset(cell.dataset)
            if isinstance(dataset, str):
                planned.append(Planned(cell, "refused", why=dataset))
                continue
            other = places.setdefault((dataset.key, cell.run), cell)
            if other is not cell:
                raise ConfigError(
                    f"Two [[datasets]] have the same run folder {dataset.key}/{cell.run}. Make one "
                    "row of them, with all sequences and protocols; rename folders that are two."
                )
            planned.append(self._planned(cell, dataset, measure))
        return planned

    def _planned(self, cell: Cell, dataset: Clips[Any], measure: bool) -> Planned:
        count = len(dataset.sequences)
        try:
            job = prepare(cell.request, self._workspace, cuda=self._cuda)
            folder = folder_of(cell.request, dataset, self._results)
            experiment = experiment_of_cell(cell, dataset)
            fresh = new_manifest(job, dataset, cell.run, experiment.recorded())
            manifest = resumed(folder, fresh, dataset)
            done = done_in(folder)
            missing = tuple(each for each in dataset.sequences if each.name not in done)
            scored = scored_by(cell, dataset, folder)
            about = Planned(cell, "complete", missing, count, scored=scored, dataset=dataset)
            if missing:
                rate = self._measured.rate(job, dataset.key, cell.run)
                if rate is None and measure:
                    rate = probe(job, dataset, missing, experiment)
                size = bytes_per_frame(dataset, folder, manifest)
                cost = cost_of(missing, dataset, rate, self.processes, size, experiment.passes)
                state: State = "begun" if len(missing) < count else "absent"
                about = replace(about, state=state, cost=cost)
            return about
        except Exception as error:
            explained = error if isinstance(error, VostoolError) else resource_error(error)
            if explained is None:
                raise
            return Planned(cell, "refused", sequences=count, dataset=dataset, why=str(explained))

    def _dataset(self, row: DatasetRow) -> Clips[Any] | str:
        """Return the dataset of a row, or why it cannot be opened."""
        if row not in self._opened:
            try:
                self._opened[row] = opened(row, self._workspace)
            except VostoolError as error:
                self._opened[row] = str(error)
        return self._opened[row]


def count_of(workers: Workers) -> int:
    """Return how many processes there are; of an executor that does not tell, one."""
    if isinstance(workers, int):
        return workers
    return max(1, workers.window() // TASKS_EACH) if isinstance(workers, Crew) else 1


def opened(row: DatasetRow, workspace: Workspace, *, need_frames: bool = True) -> Clips[Any]:
    """Open the dataset of a row.

    Raises:
        VostoolError: it is not there, or is not what it should be.
    """
    where: dict[str, Any] = {
        "root": place(row.root) if row.root else None,
        "sequences": row.sequences or None,
        "split": row.split,
        "resolution": row.resolution,
        "seen": Path(row.seen) if row.seen else None,
    }
    return open_dataset(row.dataset, **where, need_frames=need_frames, workspace=workspace)


@contextmanager
def nothing_drawn(rows: Sequence[DatasetRow], workspace: Workspace) -> Iterator[list[DatasetRow]]:
    """Yield the rows so that opening them writes nothing into the workspace.

    The synthetic dataset is drawn where it is looked for and not there: here, in a folder that goes
    away.
    """
    absent = find_root(CATALOG["synthetic"], workspace) is None
    with ExitStack() as stack:
        drawn = list(rows)
        for index, row in enumerate(rows):
            if row.dataset == "synthetic" and row.root is None and absent:
                from vostool.datasets import synthetic

                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vostool-drawn-"))
                root = synthetic.make(Path(folder) / "synthetic", SYNTHETIC_SEED)
                drawn[index] = replace(row, root=str(root))
        yield drawn


def experiment_of_cell(cell: Cell, dataset: Clips[Any]) -> Experiment:
    """Return how the tracker of a cell is run."""
    return experiment_of(dataset, region=cell.region, repetitions=cell.repetitions)


def scorers_of(row: DatasetRow, dataset: Clips[Any], workers: Workers = 1) -> list[Scorer]:
    """Return what scores runs on a dataset: by each protocol of its row, or by its own.

    Raises:
        VostoolError: the dataset does not have what the row asks for.
    """
    options = ScoringOptions(workers=workers, overlap=row.overlap, interval=row.interval)
    protocols = row.protocols or (None,)
    return [scorer_of(dataset, replace(options, protocol=protocol)) for protocol in protocols]


def scored_by(cell: Cell, dataset: Clips[Any], run: RunFolder) -> tuple[str, ...]:
    """Return the names of the protocols that a run has tables of scores by."""
    subset = bool(cell.dataset.sequences)
    return tuple(
        scorer.protocol
        for scorer in scorers_of(cell.dataset, dataset)
        if (run.path / "scores" / scorer.folder(subset) / scorer.summary_file).is_file()
    )
