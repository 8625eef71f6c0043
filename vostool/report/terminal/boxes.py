"""What `vostool eval` shows, and draws, of runs on boxes."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from vostool.report.format import coverage, percent, rate, three_digits
from vostool.report.terminal.console import plain_table
from vostool.report.terminal.curves import Line, curves_svg

if TYPE_CHECKING:
    import pandas as pd

    from vostool.datasets.regions import RegionDataset
    from vostool.scoring.batch import Evaluated
    from vostool.scoring.tables import Scores

_MOST_LINES = 7  # curves that a picture tells apart


class BoxView(ABC):
    """Tables and curves of boxes."""

    few = 0

    def print_tables(
        self, console: Console, evaluated: "Evaluated", dataset: "RegionDataset"
    ) -> None:
        """Print the scores of runs, and of one run its parts."""
        if len(evaluated.scores) == 1:
            self._print_parts(console, evaluated.scores[0])
        self._print_summary(console, evaluated.scores, dataset)

    def print_more(
        self, console: Console, evaluated: "Evaluated", dataset: "RegionDataset", attributes: bool
    ) -> None:
        """Draw the curves, and print where they are."""
        if not evaluated.partial:
            names = ", ".join(path.name for path in self._draw(evaluated, dataset))
            console.print(f"Curves: {names}")

    @abstractmethod
    def _print_parts(self, console: Console, scores: "Scores") -> None: ...

    @abstractmethod
    def _print_summary(
        self, console: Console, scores: "list[Scores]", dataset: "RegionDataset"
    ) -> None: ...

    @abstractmethod
    def _draw(self, evaluated: "Evaluated", dataset: "RegionDataset") -> list[Path]: ...


class RestartsView(BoxView):
    """Accuracy, robustness and expected overlap."""

    def _print_parts(self, console: Console, scores: "Scores") -> None:
        for table, name in ((scores.sequences, "sequence"), (scores.tags, "tag")):
            if table.empty:
                continue
            columns = [column for column in ("EAO", "A", "R") if column in table.columns]
            rows = [
                [
                    row[name],
                    row["frames"],
                    *(three_digits(row[column]) for column in columns),
                    f"{row['failures']:.1f}",
                ]
                for row in table.to_dict("records")
            ]
            headings = [name, "frames", *columns, "failures"]
            console.print(plain_table(headings, rows, right=range(1, len(headings))))

    def _print_summary(
        self, console: Console, scores: "list[Scores]", dataset: "RegionDataset"
    ) -> None:
        rows = [
            [
                row["run"],
                row["init"],
                coverage(row["sequences"], dataset.count),
                row["repetitions"],
                *(three_digits(row[name]) for name in ("EAO", "A", "R")),
                f"{row['failures']:.1f}",
                rate(row.get("fps")),
            ]
            for row in _summaries(scores)
        ]
        first = scores[0].summary.iloc[0]
        title = (
            f"{dataset.key}, protocol {first['protocol']}, {first['overlap']} overlap, EAO over "
            f"{first['low']} to {first['high']} frames"
        )
        headings = ["run", "init", "seqs", "times", "EAO", "A", "R", "failures", "fps"]
        console.print(plain_table(headings, rows, title, right=range(2, 9), whole=range(1, 9)))
        console.print("A: mean overlap. R: failures per 100 frames; the lower the better.")

    def _draw(self, evaluated: "Evaluated", dataset: "RegionDataset") -> list[Path]:
        from vostool.io.storage import write_text

        lines = [
            Line(
                f"{scores.run}  {three_digits(scores.summary['EAO'].iloc[0])}",
                *_values(scores.curves.iloc[1:]),
            )
            for scores in _best(evaluated.scores)
        ]
        first = evaluated.scores[0].summary.iloc[0]
        path = evaluated.folder / "eao_curve.svg"
        picture = curves_svg(
            lines,
            f"{dataset.key}: expected overlap ({first['protocol']})",
            "length, frames",
            "expected mean overlap",
            (float(first["low"]), float(first["high"])),
        )
        write_text(path, picture)
        return [path]


class OnePassView(BoxView):
    """Success and precision."""

    def _print_parts(self, console: Console, scores: "Scores") -> None:
        rows = [
            [row["sequence"], row["frames"], *(percent(row[n]) for n in ("AUC", "P20", "NP20"))]
            for row in scores.sequences.to_dict("records")
        ]
        headings = ["sequence", "frames", "AUC", "P 20 px", "P 20 %"]
        console.print(plain_table(headings, rows, right=range(1, 5)))

    def _print_summary(
        self, console: Console, scores: "list[Scores]", dataset: "RegionDataset"
    ) -> None:
        rows = [
            [
                row["run"],
                row["init"],
                coverage(row["sequences"], dataset.count),
                *(percent(row[name]) for name in ("AUC", "P20", "NP20")),
                rate(row.get("fps")),
            ]
            for row in _summaries(scores)
        ]
        headings = ["run", "init", "seqs", "AUC", "P 20 px", "P 20 %", "fps"]
        title = f"{dataset.key}, without restarts, in percent"
        console.print(plain_table(headings, rows, title, right=range(2, 7), whole=range(1, 7)))

    def _draw(self, evaluated: "Evaluated", dataset: "RegionDataset") -> list[Path]:
        from vostool.io.storage import write_text

        axes = {
            "success": ("overlap threshold", "AUC"),
            "precision": ("distance of centres, pixels", "P20"),
            "normalised precision": ("distance of centres, parts of the object", "NP20"),
        }
        paths = []
        for curve, (label, score) in axes.items():
            lines = [
                Line(
                    f"{scores.run}  {percent(scores.summary[score].iloc[0])}",
                    *_values(scores.curves[scores.curves["curve"] == curve], "threshold", "value"),
                )
                for scores in _best(evaluated.scores)
            ]
            path = evaluated.folder / f"{curve.replace(' ', '_')}.svg"
            picture = curves_svg(lines, f"{dataset.key}: {curve}", label, "part of the frames")
            write_text(path, picture)
            paths.append(path)
        return paths


def _values(
    table: "pd.DataFrame", x: str = "length", y: str = "overlap"
) -> tuple[np.ndarray, np.ndarray]:
    return table[x].to_numpy(float), table[y].to_numpy(float)


def _summaries(scores: "list[Scores]") -> list[dict[str, Any]]:
    from vostool.scoring.tables import combined_summary

    return [
        {str(k): v for k, v in row.items()} for row in combined_summary(scores).to_dict("records")
    ]


def _best(scores: "list[Scores]") -> "list[Scores]":
    """Return those with the highest scores, as many as a picture tells apart."""
    by_name = {each.run: each for each in scores}
    return [by_name[row["run"]] for row in _summaries(scores)[:_MOST_LINES]]
