"""Running one tracker over one dataset of boxes, into a run folder that toolkits can read.

results/<dataset>/<run>/
    run.json, times.csv                     as of other runs
    baseline/<sequence>/<sequence>_001.txt  with restarts (VOT)
    boxes/<sequence>.txt                    without (OTB)
"""

import os
import shutil
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path

from vostool.datasets.regions import RegionDataset
from vostool.execution.runner import Advance, missing_sequences, run_tracker
from vostool.jobs import RunRequest
from vostool.results import RunFolder, SequenceStatus
from vostool.sequence import Clip
from vostool.stores.storage import read_bytes, write_bytes
from vostool.vot.experiment import Experiment
from vostool.vot.files import BASELINE, file_name
from vostool.workspace import Workspace

BOXES = "boxes"


class RestartsRun(RunFolder):
    """The run folder of an experiment with restarts."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.masks = path / BASELINE

    def _whole(self, sequence: str, status: SequenceStatus) -> bool:
        """Tell whether a recorded sequence has its results."""
        return file_name(sequence, 1) in self._names(sequence)

    def settle(self) -> None:
        """Copy results of sequences on which a tracker was deterministic, if it was not on others.

        pysot reads as many repetitions of every sequence, or one.
        """
        if not self.exists():
            return
        names = sorted(self.complete(self.manifest()))
        counts = {name: len(list((self.masks / name).glob(f"{name}_???.txt"))) for name in names}
        most = max(counts.values(), default=1)
        for name, count in counts.items():
            for repetition in range(count + 1, most + 1) if count == 1 else ():
                source = self.masks / name / file_name(name, 1)
                write_bytes(source.with_name(file_name(name, repetition)), read_bytes(source))


class BoxesRun(RunFolder):
    """The run folder of an experiment without restarts."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.masks = path / BOXES

    def has_masks(self) -> bool:
        """Tell whether there are finished sequences, recorded or not."""
        return any(n[0] != "." and n.endswith(".txt") for n in self._names(""))

    def _whole(self, sequence: str, status: SequenceStatus) -> bool:
        """Tell whether a recorded sequence has its results."""
        return f"{sequence}.txt" in self._names("")

    def place_of(self, sequence: str) -> Path:
        """Return the file that holds the results of a finished sequence."""
        return self.masks / f"{sequence}.txt"

    def _final(self, sequence: str) -> Path:
        """Return the folder in which the files of a finished sequence are."""
        return self.masks

    def _sequence_of(self, file: str) -> str:
        """Return the sequence that a file belongs to by its path below the masks."""
        return file.removesuffix(".txt")

    def _publish(self, sequence: str, partial: Path) -> None:
        os.replace(partial / f"{sequence}.txt", self.masks / f"{sequence}.txt")
        shutil.rmtree(partial)


def run_kind(dataset: RegionDataset) -> type[RunFolder]:
    """Return the kind of run folder that the dataset's experiment writes."""
    return RestartsRun if dataset.task == "supervised" else BoxesRun


def run_regions(
    request: RunRequest,
    dataset: RegionDataset,
    experiment: Experiment,
    workspace: Workspace,
    results: Path,
    advance: Advance = lambda frames, sequence: None,
    *,
    executor: Executor | None = None,
) -> RunFolder:
    """Track every sequence of a dataset of boxes that the run folder lacks.

    Args:
        request: tracker, configuration and how to run it.
        dataset: what to track.
        experiment: how.
        workspace: where local trackers are.
        results: folder of run folders, by dataset.
        advance: told of frames as they are done.
        executor: shares out the sequences, see `runner.run_tracker`.

    Raises:
        VostoolError: see `runner.run_tracker`.
    """
    return run_tracker(
        request,
        dataset,
        workspace,
        results,
        advance,
        track=experiment.track,
        kind=run_kind(dataset),
        experiment=asdict(experiment),
        executor=executor,
    )


def regions_missing(request: RunRequest, dataset: RegionDataset, results: Path) -> tuple[Clip, ...]:
    """Return the sequences of the dataset that the run folder of a request lacks."""
    return missing_sequences(request, dataset, results, run_kind(dataset))
