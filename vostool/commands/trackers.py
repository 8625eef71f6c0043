"""`vostool trackers`, `speed` and `check`."""

import sys
from pathlib import Path
from typing import Any

import click

from vostool.commands.options import tracking_options
from vostool.workspace import Workspace


@click.command()
@click.argument("tracker", metavar="TRACKER[/CONFIG]")
@tracking_options
@click.option("--objects", type=click.IntRange(1, 254), default=1, show_default=True)
@click.option(
    "--size", default="480p", show_default=True, help="480p, 720p, 1080p or WIDTHxHEIGHT."
)
@click.option("--frames", type=click.IntRange(3), default=30, show_default=True)
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True)
@click.pass_obj
def speed(
    workspace: Workspace,
    /,
    tracker: str,
    device: str,
    precision: str,
    weights: Path | None,
    overrides: tuple[str, ...],
    seed: int,
    objects: int,
    size: str,
    frames: int,
    repeats: int,
) -> None:
    """Measure a tracker's speed, and its spread.

    Nothing but its step is timed, on a synthetic clip in memory, again and again.
    """
    from vostool.jobs import RunRequest, prepare
    from vostool.report.screens import show_speed
    from vostool.speed import measure, parse_size

    request = RunRequest(tracker, None, overrides, device, precision, weights, seed=seed)
    job = prepare(request, workspace, random_weights=True)
    _say_random_weights(job)
    show_speed(job, measure(job, objects, parse_size(size), frames, repeats), objects, size)


@click.command()
@click.argument("tracker", metavar="TRACKER[/CONFIG]")
@tracking_options
@click.pass_obj
def check(
    workspace: Workspace,
    /,
    tracker: str,
    device: str,
    precision: str,
    weights: Path | None,
    overrides: tuple[str, ...],
    seed: int,
) -> None:
    """Check that a tracker keeps the contract.

    It runs on synthetic clips, a finding for each rule of the contract.
    """
    from vostool.check import check_tracker
    from vostool.jobs import RunRequest, prepare
    from vostool.report.screens import show_checks

    request = RunRequest(tracker, None, overrides, device, precision, weights, seed=seed)
    job = prepare(request, workspace, random_weights=True)
    _say_random_weights(job)
    if not show_checks(tracker, check_tracker(job)):
        sys.exit(1)


@click.command()
@click.pass_obj
def trackers(workspace: Workspace, /) -> None:
    """List the trackers and their configurations."""
    from vostool.report.screens import show_trackers

    show_trackers(workspace)


def _say_random_weights(job: Any) -> None:
    if job.random_weights:
        click.echo(
            f"{job.tracker} has no weights here: random ones are drawn, seed {job.runtime.seed}."
        )
