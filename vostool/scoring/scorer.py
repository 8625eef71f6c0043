"""What a user may choose of scoring, and what scores results of one kind of dataset."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from vostool.datasets.clips import Clips
from vostool.errors import UsageError
from vostool.exchange.forms.unify import Unified
from vostool.execution.pools import Workers
from vostool.scoring.cache import ScoreCache
from vostool.scoring.tables import Scores


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """How results are scored.

    Args:
        protocol: name of the rules; the dataset's own if None.
        workers: processes, or an executor, among which sequences are shared out.
        fresh: compute all scores, whatever was kept of earlier evaluations.
        allow_trivial: of masks, also return scores that are all 0 or all 1, which mistakes look
            like.
        stability: of masks, also score temporal stability T, seconds to minutes a sequence.
        attributes: of masks, the attributes of all sequences must be known.
        overlap: of VOT, `raster` counts pixels, `exact` computes areas; pixels if None.
        interval: of VOT, lengths over which the expected overlap is averaged; the dataset's if
            None.
    """

    protocol: str | None = None
    workers: Workers = 1
    fresh: bool = False
    allow_trivial: bool = False
    stability: bool = False
    attributes: bool = False
    overlap: Literal["raster", "exact"] | None = None
    interval: tuple[int, int] | None = None


class Scorer(ABC):
    """Scores results for a dataset.

    Args:
        dataset: the ground truth.
        options: how.

    Raises:
        VostoolError: the options do not fit the dataset.
    """

    summary_file: ClassVar[str] = "summary.csv"
    refused: ClassVar[Mapping[str, str]] = {}  # option of other kinds -> what the dataset is

    def __init__(self, dataset: Clips[Any], options: ScoringOptions) -> None:
        self.dataset = dataset
        self.options = options
        for name, why in self.refused.items():
            if getattr(options, name):
                raise UsageError(f"{dataset.name} {why}; drop --{name}.")

    @classmethod
    @abstractmethod
    def check_protocol(cls, name: str) -> None:
        """Raise UnknownNameError if the kind has no such protocol."""

    @property
    @abstractmethod
    def protocol(self) -> str:
        """Return the name of the rules."""

    @property
    def label(self) -> str:
        """Return what tells these scores from those by other rules or options."""
        return self.protocol

    def folder(self, subset: bool) -> str:
        """Return the name of the folder of tables: a part never replaces those of a whole."""
        return f"{self.label}.subset" if subset else self.label

    @contextmanager
    def readable(self, source: Path, near: Path | None = None) -> Iterator[Unified]:
        """Yield results as `score` reads them, made of the forms of other programs.

        Args:
            source: folder or file.
            near: folder in which a hidden folder may be made for the length of the block; that of
                the system if None.
        """
        yield Unified(source)

    @abstractmethod
    def score(self, folder: Path, about: Mapping[str, Any], cache: ScoreCache | None) -> Scores:
        """Score a folder of results.

        Args:
            folder: holds the results of all sequences.
            about: further columns of the summary: `run`, `tracker`, `init`, speed.
            cache: where scores of single sequences are kept, for kinds that keep them.

        Raises:
            ResultError: results are missing or damaged, or what mistakes look like.
            VostoolError: see the scorers of each kind.
        """
