"""What `vostool train` shows in the terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from vostool.report.format import rate
from vostool.report.terminal.console import make_console, plain_table

if TYPE_CHECKING:
    from vostool.training.dry_run import Estimate
    from vostool.training.job import TrainJob
    from vostool.training.metrics_log import Row

_QUIET = 30.0  # s between two lines where there is no terminal
_WIDE = 140  # columns that hold everything
_AHEAD = ("step", "lr", "total", "grad_norm", "pairs_per_s", "seconds")


@contextmanager
def training_progress(title: str, steps: int) -> Iterator[Callable[["Row"], None]]:
    """Show a bar with losses, speed, time left and the last validation.

    A line is written for every validation; where there is no terminal, also twice a minute.

    Args:
        title: in front of the bar.
        steps: of the whole training.

    Yields:
        A function to call with every row of the training curve.
    """
    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[losses]}", markup=False),
        TextColumn("{task.fields[scores]}", style="cyan", markup=False),
    )
    written = -_QUIET
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=steps, losses="", scores="")

        def show(row: "Row") -> None:
            nonlocal written
            step = int(row["step"])
            if progress.tasks[bar].completed == 0:  # a resumed one did not run here from 0
                progress.reset(bar, total=steps, completed=max(0, step - 1))
            progress.update(bar, completed=step)
            losses, scores = _losses(row), _scores(row)
            if losses:
                short = console.width < _WIDE
                progress.update(bar, losses=_losses(row, short=True) if short else losses)
            if scores:
                progress.update(bar, scores=scores)
            quiet = not console.is_terminal and time.monotonic() - written > _QUIET
            if scores or quiet:
                written = time.monotonic()
                parts = (f"{title}: step {step} of {steps}", losses, scores)
                console.print(", ".join(part for part in parts if part))

        yield show


def _losses(row: "Row", *, short: bool = False) -> str:
    """Return the losses of a row, its learning rate and speed; empty if it has none."""
    if "lr" not in row:
        return ""
    if short and "total" in row:
        return f"{row['total']:.4g}, {rate(row['pairs_per_s'])}/s"
    rest = [name for name in _terms(row) if name not in _AHEAD]
    shown = ["total", *rest] if "total" in row else rest
    losses = " ".join(f"{name} {row[name]:.4g}" for name in shown)
    return f"{losses}, lr {row['lr']:.3g}, {rate(row['pairs_per_s'])} pairs/s"


def _scores(row: "Row") -> str:
    """Return the validation's scores of a row; empty if it has none."""
    names = [name for name in row if name not in _AHEAD and name not in _terms(row)]
    return " ".join(f"{name} {row[name]:.4f}" for name in names)


def _terms(row: "Row") -> list[str]:
    """Return the names of the losses: what stands before the gradient's norm."""
    names = list(row)
    return names[: names.index("grad_norm")] if "grad_norm" in names else []


@contextmanager
def phases(title: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done and for how long: a line that changes, or one line for each.

    Args:
        title: in front of it.

    Yields:
        A function to call with each phase when it begins.
    """
    console = make_console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=None)

        def show(phase: str) -> None:
            progress.update(bar, description=f"{title}: {phase}")
            if not console.is_terminal:
                console.print(f"{title}: {phase}")

        yield show


def show_estimate(job: "TrainJob", estimate: "Estimate", device: str) -> None:
    """Print what a training would cost."""
    settings = job.settings
    memory = "not known" if estimate.memory_mb is None else f"{estimate.memory_mb:,.0f} MB"
    frozen = estimate.parameters - estimate.learning
    extrapolated = "" if estimate.pairs == settings.batch else "extrapolated, "
    rows = [
        ["parameters", f"{estimate.parameters:,}", f"{frozen:,} of them frozen" if frozen else ""],
        ["FLOPs per pair", amount(estimate.forward_flops), "forward"],
        ["", amount(estimate.step_flops), "forward and backward"],
        ["memory", memory, _of_memory(job, estimate)],
        ["pairs per second", rate(estimate.pairs_per_s), _measured(job, estimate)],
        ["FLOPs per second", amount(estimate.step_flops * estimate.pairs_per_s), "reached"],
        ["steps", f"{settings.steps:,}", f"of {settings.batch} pairs"],
        ["time", duration(estimate.seconds), f"{extrapolated}without validation"],
    ]
    title = f"{job.tracker}/{job.config_name}: {settings.precision}, {device}"
    console = make_console()
    console.print(title, style="bold")
    console.print(plain_table(["", "", ""], rows, right=(1,)))


def _measured(job: "TrainJob", estimate: "Estimate") -> str:
    """Say over what was measured, and that it was not the whole batch if it was not."""
    pairs, batch = estimate.pairs, job.settings.batch
    size = "" if pairs == batch else f" of {pairs} of the {batch} pairs"
    if not estimate.steps:
        return f"over the first pass{size}: slower than later ones"
    return f"over {estimate.steps} step{'s' * (estimate.steps != 1)}{size}"


def _of_memory(job: "TrainJob", estimate: "Estimate") -> str:
    """Say what of a training's memory was in use."""
    pairs, part = estimate.pairs, job.settings.batch // job.settings.accumulate
    few, sequences = estimate.sequences
    size = f" with {pairs} of {part} pairs at once" if pairs < part else ""
    data = f", and {few} of {sequences} sequences" if few < sequences else ""
    return f"largest{size}{data}"


def amount(number: float) -> str:
    """Return a large number with its prefix, e.g. `12.3 G`."""
    for prefix in ("", "k", "M", "G", "T"):
        if number < 1000:
            return f"{number:.3g} {prefix}".strip()
        number /= 1000
    return f"{number:.3g} P"


def duration(seconds: float) -> str:
    """Return a time as people say it, e.g. `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
