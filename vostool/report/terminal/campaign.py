"""What `vostool campaign` shows: the plan, and what it predicted beside what it took."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.text import Text

from vostool.report.format import rate
from vostool.report.leaderboard.section import OWN, ranked
from vostool.report.terminal.console import make_console, plain_table, summary_view
from vostool.report.terminal.training import duration

if TYPE_CHECKING:
    from vostool.campaign.plan import Planned
    from vostool.campaign.running import Outcome

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_SLACK = 1.2  # free space that is enough, as a multiple of what was estimated


def show_plan(planned: "Sequence[Planned]", workers: int, free: int | None) -> None:
    """Print the state and the cost of every run, the totals, and why some cannot run.

    Args:
        planned: in the order of the file.
        workers: processes that will track.
        free: bytes left on the disk of the results; None if that is not known.
    """
    console = make_console()
    headings = ["dataset", "run", "state", "scored", "frames", "fps", "time", "disk", "measured on"]
    rows = [_plan_row(each) for each in planned]
    shown = len(headings) if any(each.missing for each in planned) else 4
    rows = [row[:shown] for row in rows]
    view = plain_table(headings[:shown], rows, right=(4, 5, 6, 7), whole=(2, 4, 5, 6, 7))
    for row, each, following in zip(view.rows, planned, planned[1:], strict=False):
        row.end_section = each.cell.dataset != following.cell.dataset
    console.print(view)
    _print_totals(console, planned, workers)
    needed = sum(each.cost.disk for each in planned)
    if free is not None and needed:
        short = needed * _SLACK > free
        console.print(
            f"Disk: about {amount_of(needed)} will be written, {amount_of(free)} are free."
            + (" That is not enough: free some space first." if short else ""),
            style="yellow" if short else None,
        )
    for why in dict.fromkeys(each.why for each in planned if each.why):
        runs = [each for each in planned if each.why == why]
        named = ", ".join(f"{each.cell.dataset.title}/{each.cell.run}" for each in runs[:3])
        named += f" and {len(runs) - 3} more" if len(runs) > 3 else ""
        console.print(f"Refused: {named}: {why}", style="red")


def _plan_row(each: "Planned") -> list[object]:
    state = f"{each.done} of {each.sequences}" if each.state == "begun" else each.state
    row: list[object] = [each.cell.dataset.title, each.cell.run, state]
    if not each.missing:
        return [*row, ", ".join(each.scored), "", "", "", "", ""]
    cost = each.cost
    time = "unknown" if cost.seconds is None else short_time(cost.seconds)
    return [*row, "", f"{cost.frames:,}", rate(cost.fps), time, amount_of(cost.disk), cost.source]


def _print_totals(console: Console, planned: "Sequence[Planned]", workers: int) -> None:
    states = [each.state for each in planned]
    to_run = [each for each in planned if each.missing]
    noun = "run" if len(planned) == 1 else "runs"
    text = f"{len(planned)} {noun}: {states.count('complete')} complete, {len(to_run)} to track"
    text += f", {states.count('refused')} refused" if "refused" in states else ""
    if to_run:
        frames = sum(each.cost.frames for each in to_run)
        known = [each.cost.seconds for each in to_run if each.cost.seconds is not None]
        processes = "one process" if workers == 1 else f"{workers} processes"
        text += f"; {frames:,} frames"
        if known:
            text += f", about {short_time(sum(known))} with {processes}"
        unknown = len(to_run) - len(known)
        if unknown:
            text += f"{', and' if known else ','} {unknown} of unknown time, which --probe measures"
    console.print(f"{text}.")


def show_needed(outcomes: "Sequence[Outcome]") -> None:
    """Print what the plan predicted beside what tracking took, of the runs that were tracked."""
    tracked = [each for each in outcomes if each.frames]
    if not tracked:
        return
    rows = []
    for each in tracked:
        expected = each.expected
        rows.append(
            [
                each.planned.cell.dataset.title,
                each.planned.cell.run,
                f"{each.frames:,}",
                "" if expected is None else short_time(expected),
                short_time(each.seconds),
                "" if not expected else f"{each.seconds / expected:.2f}",
                "" if expected is None else each.planned.cost.source,
            ]
        )
    headings = ["dataset", "run", "frames", "predicted", "needed", "ratio", "measured on"]
    console = make_console()
    console.print(
        plain_table(headings, rows, "Tracked now", right=(2, 3, 4, 5), whole=(2, 3, 4, 5))
    )
    known = [each for each in tracked if each.expected is not None]
    if len(known) > 1:
        expected = sum(each.expected or 0.0 for each in known)
        seconds = sum(each.seconds for each in known)
        rest = f" by the {len(known)} that were predicted" if len(known) < len(tracked) else ""
        console.print(f"Predicted {short_time(expected)}, needed {short_time(seconds)}{rest}.")


def show_parts(outcomes: "Sequence[Outcome]") -> None:
    """Print the ranks of runs on chosen sequences, which the leaderboard leaves out."""
    console = make_console()
    parts = [each for each in outcomes if each.planned.cell.dataset.sequences and each.summaries]
    for row, group in groupby(parts, key=lambda each: each.planned.cell.dataset):
        tables = [table for each in group for table in each.summaries]
        for protocol, rows in pd.concat(tables, ignore_index=True).groupby("protocol"):
            title = f"{row.title}, protocol {protocol}, {len(row.sequences)} chosen sequences"
            view = summary_view(ranked(rows.assign(source=OWN)), title, console, ranks=True)
            console.print(view)


@contextmanager
def looking() -> Iterator[Callable[[str], None]]:
    """Show what is being done while nothing else tells; silent where there is no terminal.

    Yields:
        A function to call with what is done now.
    """
    console = make_console(stderr=True)
    if not console.is_terminal:
        yield lambda doing: None
        return
    with console.status("") as status:
        yield lambda doing: status.update(Text(doing))


def short_time(seconds: float) -> str:
    """Return a time as people say it, e.g. `1.3 s`, `25 s`, `1 min 16 s` or `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if 60 <= whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    return duration(whole)


def amount_of(size: float) -> str:
    """Return a number of bytes as people say it, e.g. `12 MB`."""
    for unit in _UNITS:
        if size < 999.5 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 9.95 or unit == "bytes" else f"{size:.1f} {unit}"
