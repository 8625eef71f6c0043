"""What `vostool eval` shows of the scores of runs, by the kind of their dataset."""

from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from vostool.report.terminal.boxes import OnePassView, RestartsView
from vostool.report.terminal.console import make_console
from vostool.report.terminal.mask_scores import MaskView

if TYPE_CHECKING:
    from vostool.datasets.clips import Clips, Kind
    from vostool.scoring.batch import Evaluated


class View(Protocol):
    """The part of the screen that is of one kind.

    Args:
        few: sequences, below which intervals are too narrow; 0 if there are no intervals.
    """

    few: int

    def print_tables(self, console: Console, evaluated: "Evaluated", dataset: Any) -> None:
        """Print the scores of runs, and of one run its parts."""

    def print_more(
        self, console: Console, evaluated: "Evaluated", dataset: Any, attributes: bool
    ) -> None:
        """Print what comes last."""


_VIEWS: "dict[Kind, View]" = {
    "masks": MaskView(),
    "restarts": RestartsView(),
    "one-pass": OnePassView(),
}


def show_scores(evaluated: "Evaluated", dataset: "Clips[Any]", attributes: bool = False) -> None:
    """Print the scores of runs with what was assumed; of boxes, draw their curves.

    Args:
        evaluated: what was scored.
        dataset: the ground truth.
        attributes: also print them by attribute of the sequences.
    """
    console, view = make_console(), _VIEWS[dataset.kind]
    view.print_tables(console, evaluated, dataset)
    if dataset.count and not all(each.summary["complete"].all() for each in evaluated.scores):
        console.print(
            f"Only part of the {dataset.count} sequences of {dataset.title}: not comparable with "
            "published numbers.",
            style="yellow",
        )
    count = max(int(each.summary["sequences"].iloc[0]) for each in evaluated.scores)
    if 1 < count < view.few:
        console.print(f"{count} sequences are few: the intervals are too narrow.", style="yellow")
    for note in dict.fromkeys(note for scores in evaluated.scores for note in scores.notes):
        console.print(f"Note: {note}", style="yellow")
    for reason in evaluated.left_out.values():
        console.print(f"Not scored: {reason}", style="red")
    console.print(f"Tables: {evaluated.folder}")
    view.print_more(console, evaluated, dataset, attributes)
