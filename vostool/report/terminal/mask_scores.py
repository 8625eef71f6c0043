"""What `vostool eval` shows of runs on masks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console

from vostool.report.format import percent
from vostool.report.terminal.console import plain_table, summary_view
from vostool.report.terminal.masks import signed

if TYPE_CHECKING:
    import pandas as pd

    from vostool.datasets.dataset import Dataset
    from vostool.scoring.batch import Evaluated


class MaskView:
    """Tables of J and F."""

    few = 10  # bootstrap intervals of fewer are plainly too narrow

    def print_tables(self, console: Console, evaluated: "Evaluated", dataset: "Dataset") -> None:
        """Print the scores of runs, and of one run per sequence."""
        from vostool.scoring.tables import combined_summary, primary_metric

        table = combined_summary(evaluated.scores)
        if len(evaluated.scores) == 1:
            rows = [
                [
                    row["sequence"],
                    row["objects"],
                    row["frames"],
                    *(percent(row[column]) for column in ("J_mean", "F_mean")),
                ]
                for row in evaluated.scores[0].sequences.to_dict("records")
            ]
            headings = ["sequence", "objects", "frames", "J mean", "F mean"]
            console.print(plain_table(headings, rows, right=range(1, 5)))
        best = primary_metric(table)
        intervals = {scores.run: scores.interval(best) for scores in evaluated.scores}
        title = f"{dataset.title}, protocol {table['protocol'][0]}, in percent"
        console.print(summary_view(table, title, console, dataset.count, intervals=intervals))

    def print_more(
        self, console: Console, evaluated: "Evaluated", dataset: "Dataset", attributes: bool
    ) -> None:
        """Print J and F by attribute, if that is asked for."""
        if attributes:
            show_attributes(console, {each.run: each.attributes for each in evaluated.scores})


def show_attributes(console: Console, tables: "Mapping[str, pd.DataFrame]") -> None:
    """Print J and F with and without each attribute, in percent.

    Args:
        console: where.
        tables: run -> its `tables.attribute_table`; empty ones are left out.
    """
    from vostool.datasets.attributes import NAMES

    for run, table in tables.items():
        rows: list[list[object]] = [
            [
                row["attribute"],
                NAMES.get(row["attribute"], ""),
                row["sequences"],
                *(percent(row[name]) for name in ("J_mean", "J_without")),
                signed(row["J_difference"]),
                *(percent(row[name]) for name in ("F_mean", "F_without")),
                signed(row["F_difference"]),
            ]
            for row in table.to_dict("records")
        ]
        if rows:
            title = f"{run}: J and F of sequences with an attribute, without it, and what it costs"
            headings = ["", "", "seqs", "J", "without", "cost", "F", "without", "cost"]
            console.print(
                plain_table(headings, rows, title, right=range(2, 9), whole=(0, *range(2, 9)))
            )
