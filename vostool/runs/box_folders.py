"""Run folders of boxes and polygons: VOT's restarts, and one file per sequence."""

import os
import shutil
from pathlib import Path
from typing import Any

from vostool.datasets.clips import Clips, Kind
from vostool.io.storage import read_bytes, write_bytes
from vostool.runs.folder import RunFolder, SequenceStatus
from vostool.tracking.box_files import BASELINE, file_name

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


_FOLDERS: dict[Kind, type[RunFolder]] = {
    "masks": RunFolder,
    "restarts": RestartsRun,
    "one-pass": BoxesRun,
}


def run_kind(dataset: Clips[Any]) -> type[RunFolder]:
    """Return the kind of run folder that results of a dataset are kept in."""
    return _FOLDERS[dataset.kind]
