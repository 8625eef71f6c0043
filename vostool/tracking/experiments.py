"""How trackers are run on a dataset, by its kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

from vostool.datasets.clips import Clips, Kind
from vostool.errors import UsageError
from vostool.tracking.loop import SequenceResult, track_sequence
from vostool.tracking.restarts import OnePass, Restarts

Track = Callable[..., SequenceResult]  # see `track_sequence`; workers get it pickled


class Experiment(Protocol):
    """How trackers are run on datasets of one kind; its fields are what a user may choose."""

    @property
    def track(self) -> Track:
        """Return the function that tracks a sequence, see `track_sequence`."""

    @property
    def passes(self) -> int:
        """Return how often each sequence is tracked at most."""

    def recorded(self) -> dict[str, Any] | None:
        """Return what `run.json` says of it, None if nothing was to be chosen."""


@dataclass(frozen=True)
class Segmentation:
    """Masks from the objects' first frames on."""

    track: ClassVar[Track] = staticmethod(track_sequence)
    passes: ClassVar[int] = 1

    def recorded(self) -> None:
        """Return None: nothing is to be chosen."""


EXPERIMENTS: dict[Kind, type[Any]] = {
    "masks": Segmentation,
    "restarts": Restarts,
    "one-pass": OnePass,
}


def experiment_options(kind: Kind) -> frozenset[str]:
    """Return the names of what may be chosen for datasets of a kind."""
    return frozenset(field.name for field in fields(EXPERIMENTS[kind]))


def experiment_of(
    dataset: Clips[Any], asked: Mapping[str, Any] | None = None, **defaults: Any
) -> Experiment:
    """Return how trackers are run on a dataset.

    Args:
        dataset: what is to be tracked.
        asked: options of the user, None where not given.
        defaults: in place of those that are not given, as far as the kind has them.

    Raises:
        UsageError: the dataset's kind does not have an option.
    """
    known = experiment_options(dataset.kind)
    given = {name: value for name, value in (asked or {}).items() if value is not None}
    for name in given:
        if name not in known:
            raise UsageError(
                f"--{name} is for datasets of boxes, such as VOT, and {dataset.name} has masks; "
                "drop it."
            )
    usual = {name: value for name, value in defaults.items() if name in known}
    experiment: Experiment = EXPERIMENTS[dataset.kind](**usual | given)
    return experiment
