"""What a tracker leaves of a sequence, and where below the run folder: masks, boxes, restarts."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from vostool.datasets.clips import Clips, Kind
from vostool.io.listing import Entry
from vostool.io.storage import read_bytes, write_bytes
from vostool.runs.manifest import SequenceStatus
from vostool.tracking.box_files import BASELINE, file_name

Names = Callable[[str], Collection[str]]
"""Returns the names of the files in a folder below the results, none if it is not there."""


class Layout(Protocol):
    """How the results of sequences are kept.

    `folder` is the folder of all results below the run folder. Paths below it are texts with `/`.
    """

    @property
    def folder(self) -> str: ...

    def home(self, sequence: str) -> str:
        """Return the folder in which the files of a sequence are, empty for that of all results."""
        ...

    def result(self, sequence: str) -> str:
        """Return the file or folder that holds a finished sequence and nothing else."""
        ...

    def sequence_of(self, file: str) -> str:
        """Return the sequence that a file belongs to."""
        ...

    def is_result(self, entry: Entry) -> bool:
        """Return True if something in the folder of results may hold a sequence."""
        ...

    def whole(self, names: Names, recorded: Mapping[str, SequenceStatus]) -> set[str]:
        """Return which of the sequences that a run records have all their files."""
        ...

    def settle(self, results: Path, recorded: Collection[str]) -> None:
        """Do what is left to do when sequences have been added.

        Args:
            results: the folder of all results.
            recorded: names of sequences.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Folders:
    """A folder of files for each sequence."""

    folder: str

    def home(self, sequence: str) -> str:
        return sequence

    def result(self, sequence: str) -> str:
        return sequence

    def sequence_of(self, file: str) -> str:
        return file.rpartition("/")[0]

    def is_result(self, entry: Entry) -> bool:
        return entry.is_dir


@dataclass(frozen=True, slots=True)
class _Masks(_Folders):
    """`masks/<sequence>/<frame>.png`."""

    def whole(self, names: Names, recorded: Mapping[str, SequenceStatus]) -> set[str]:
        return {
            sequence
            for sequence, status in recorded.items()
            if sum(name.endswith(".png") for name in names(sequence)) >= status.frames
        }

    def settle(self, results: Path, recorded: Collection[str]) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Restarts(_Folders):
    """`baseline/<sequence>/<sequence>_001.txt` and further repetitions, as VOT has them."""

    def whole(self, names: Names, recorded: Mapping[str, SequenceStatus]) -> set[str]:
        return {sequence for sequence in recorded if file_name(sequence, 1) in names(sequence)}

    def settle(self, results: Path, recorded: Collection[str]) -> None:
        """Copy results of sequences on which a tracker was deterministic, if it was not on others.

        pysot reads as many repetitions of every sequence, or one.
        """
        counts = {name: len(list((results / name).glob(f"{name}_???.txt"))) for name in recorded}
        most = max(counts.values(), default=1)
        for name in sorted(counts):
            for repetition in range(2, most + 1) if counts[name] == 1 else ():
                source = results / name / file_name(name, 1)
                write_bytes(source.with_name(file_name(name, repetition)), read_bytes(source))


@dataclass(frozen=True, slots=True)
class _Boxes:
    """`boxes/<sequence>.txt`."""

    folder: str

    def home(self, sequence: str) -> str:
        return ""

    def result(self, sequence: str) -> str:
        return f"{sequence}.txt"

    def sequence_of(self, file: str) -> str:
        return file.removesuffix(".txt")

    def is_result(self, entry: Entry) -> bool:
        return entry.path.name.endswith(".txt")

    def whole(self, names: Names, recorded: Mapping[str, SequenceStatus]) -> set[str]:
        there = set(names(""))
        return {sequence for sequence in recorded if self.result(sequence) in there}

    def settle(self, results: Path, recorded: Collection[str]) -> None:
        pass


MASKS: Layout = _Masks("masks")
RESTARTS: Layout = _Restarts(BASELINE)
BOXES: Layout = _Boxes("boxes")


_LAYOUTS: dict[Kind, Layout] = {"masks": MASKS, "restarts": RESTARTS, "one-pass": BOXES}


def layout_of(dataset: Clips[Any]) -> Layout:
    """Return how a run on a dataset keeps its results."""
    return _LAYOUTS[dataset.kind]
