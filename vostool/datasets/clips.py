"""What running a tracker needs to know of a dataset, whether it has masks or regions."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Literal, Self, TypeVar

from vostool.errors import UnknownNameError
from vostool.types import Clip, Prompt

C = TypeVar("C", bound=Clip)

# What is tracked and how: label maps; boxes with a restart after each failure, as in VOT; boxes in
# one pass, as in OTB. Rooms that treat them differently have one table from the kind to how.
Kind = Literal["masks", "restarts", "one-pass"]


@dataclass(frozen=True, slots=True)
class Clips(Generic[C]):
    """Clips of one split on disk, and what trackers are told of them.

    Args:
        name: what `--dataset` was, e.g. `DAVIS2016` or `folder:clips`.
        key: folder name under `results/`; differs for other splits and resolutions.
        split: name of the split.
        root: folder of the dataset.
        sequences: in the order of the split file.
        official: names of the official split, empty if there is none or they are not known.
        count: how many sequences the official split has, 0 if that is not known.
        whole: names of all its sequences, also if only some were selected.
        kind: decides how trackers are run on it, and how results are stored, scored and shown.
    """

    name: str
    key: str
    split: str
    root: Path
    sequences: tuple[C, ...]
    official: tuple[str, ...] = field(default=(), kw_only=True)
    count: int = field(default=0, kw_only=True)
    whole: tuple[str, ...] = field(default=(), kw_only=True)
    kind: Kind = field(kw_only=True)

    def select(self, names: Iterable[str] | None) -> Self:
        """Return the dataset with only the named sequences, in the order of the split.

        Raises:
            UnknownNameError: a name is not in the split.
        """
        if names is None:
            return self
        wanted = list(names)
        known = {sequence.name for sequence in self.sequences}
        for name in wanted:
            if name not in known:
                raise UnknownNameError.of("sequence", name, known, f"in {self.name} ({self.split})")
        kept = tuple(s for s in self.sequences if s.name in set(wanted))
        whole = self.whole or tuple(s.name for s in self.sequences)
        return replace(self, sequences=kept, whole=whole)

    def only(self, sequence: C) -> Self:
        """Return the dataset with one sequence and nothing about others, to be sent to a worker."""
        return replace(self, sequences=(sequence,))

    @property
    def whole_names(self) -> tuple[str, ...]:
        """Return the names of all its sequences, also if only some were selected."""
        return self.whole or tuple(sequence.name for sequence in self.sequences)

    def covers_official(self, names: Iterable[str]) -> bool:
        """Return True if these are all of the official split, or of the dataset itself."""
        there = set(names)
        whole = self.official or self.whole_names
        return len(there) >= self.count and set(whole) <= there

    @property
    def title(self) -> str:
        """Return what people call it."""
        return self.name

    def count_objects(self, sequence: C) -> int:
        """Return how many objects a sequence has; late ones count where the dataset lists them."""
        return 1

    def truth_files(self, sequence: C) -> tuple[Path, ...]:
        """Return the files that hold the ground truth of single frames; none if there are none."""
        return ()

    @abstractmethod
    def prompts(self, sequence: C) -> Iterator[tuple[Prompt, ...]]:
        """Yield, frame by frame, the prompts of the objects that start there.

        Every prompt carries a mask; the runner takes it away from box-initialised trackers.
        """

    @abstractmethod
    def fingerprint(self, sequence: C) -> str:
        """Return a hash that tells another dataset, resolution or annotation from this one."""

    @abstractmethod
    def first_mask_hash(self, sequence: C) -> str:
        """Return a hash of where the objects start, which tells whether a run had this data."""
