"""Tables and progress for the terminal."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pandas as pd
from rich.console import Console, JustifyMethod
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from vostool.report.format import SCORES, coverage, is_blank, percent, rate, score, scores_of, span

NARROW = 100  # columns of a terminal below which recall and decay are left out


def make_console(*, stderr: bool = False) -> Console:
    """Return a console; where the output is no terminal, lines are as long as they need to be."""
    console = Console(stderr=stderr, highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(stderr=stderr, highlight=False, markup=False, width=240)
    return console


def summary_view(
    table: pd.DataFrame,
    title: str,
    console: Console,
    official: int = 0,
    *,
    ranks: bool = False,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> Table:
    """Lay out summary rows as a rich table.

    Args:
        table: rows with the columns of `tables.SUMMARY_COLUMNS`, and speed where known.
        title: above the table.
        console: tells how wide it may be.
        official: number of sequences in the official split, 0 if there is none.
        ranks: a first column holds `rank`.
        intervals: run -> 95 % interval of its first score.
    """
    scores = scores_of(table)
    if scores is SCORES and console.width < NARROW:
        scores = [item for item in SCORES if item[0].endswith("mean")]
    view = Table(title=Text(title, "bold"), title_justify="left")
    if ranks:
        view.add_column("#", justify="right")
    view.add_column("run", overflow="fold", min_width=12)
    view.add_column("init")
    view.add_column("seqs", justify="right")
    for _, heading in scores:
        view.add_column(heading, justify="right", no_wrap=True)
        if intervals and heading == scores[0][1]:
            view.add_column("95 %", justify="right", no_wrap=True)  # the interval
    has_stability, has_speed = "T_mean" in table.columns, "fps" in table.columns
    if has_stability:
        view.add_column("T", justify="right")
    if has_speed:
        view.add_column("fps", justify="right")
    previous = None
    for row in table.to_dict("records"):
        if ranks and previous not in (None, row["init"]):
            view.add_section()
        previous = row["init"]
        cells = [str(row["rank"])] if ranks else []
        cells += [str(row["run"]), row["init"], coverage(row["sequences"], official)]
        figures = [score(column, row[column]) for column, _ in scores]
        if intervals:
            figures.insert(1, span(*intervals[row["run"]]))
        cells += figures
        if has_stability:
            cells.append(percent(row["T_mean"]))
        if has_speed:
            cells.append(rate(row["fps"]))
        view.add_row(*map(Text, cells))
    return view


def plain_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    title: str = "",
    right: Container[int] = (),
    whole: Container[int] = (),
) -> Table:
    """Lay out rows of text; None and NaN are left blank.

    Args:
        headings: one per column.
        rows: cells; they are taken literally, not as markup.
        title: above the table.
        right: indices of the columns set flush right.
        whole: indices of the columns that are never broken into lines.
    """
    view = Table(title=Text(title, "bold") if title else None, title_justify="left")
    for index, heading in enumerate(headings):
        justify: JustifyMethod = "right" if index in right else "left"
        view.add_column(heading, overflow="fold", justify=justify, no_wrap=index in whole)
    for row in rows:
        view.add_row(*(Text("" if is_blank(cell) else str(cell)) for cell in row))
    return view


class _FramesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} frames/s", style="cyan")


@contextmanager
def frame_progress(title: str, frames: int | None) -> Iterator[Callable[[int, str], None]]:
    """Show a bar with frames per second and time left; silent where there is no terminal.

    Args:
        title: in front of the bar.
        frames: how many there are to do, None if that is not known.

    Yields:
        A function to call with the number of frames done and the name of their sequence.
    """
    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _FramesPerSecond(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[sequence]}", style="dim", markup=False),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=frames, sequence="")

        def advance(done: int, sequence: str) -> None:
            progress.update(task, advance=done, sequence=sequence)

        yield advance
