"""`vostool trackers`, `speed` and `check`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from vostool.commands.options import tracking_options
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.tracking.job import Job


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
    objects: int,
    size: str,
    frames: int,
    repeats: int,
    **asked: Any,
) -> None:
    """Measure a tracker's speed, and its spread.

    Nothing but its step is timed, on a synthetic clip in memory, again and again.
    """
    from vostool.report.terminal.masks import show_speed
    from vostool.tracking.speed import measure, parse_size

    job = _prepared(workspace, tracker, asked)
    show_speed(job, measure(job, objects, parse_size(size), frames, repeats), objects, size)


@click.command()
@click.argument("tracker", metavar="TRACKER[/CONFIG]")
@tracking_options
@click.pass_obj
def check(
    workspace: Workspace,
    /,
    tracker: str,
    **asked: Any,
) -> None:
    """Check that a tracker keeps the contract.

    It runs on synthetic clips, a finding for each rule of the contract.
    """
    from vostool.report.terminal.masks import show_checks
    from vostool.tracking.check import check_tracker

    job = _prepared(workspace, tracker, asked)
    if not show_checks(tracker, check_tracker(job)):
        sys.exit(1)


@click.command()
@click.pass_obj
def trackers(workspace: Workspace, /) -> None:
    """List the trackers and their configurations."""
    from vostool.report.terminal.masks import show_trackers

    show_trackers(workspace)


def _prepared(workspace: Workspace, tracker: str, asked: dict[str, Any]) -> "Job":
    """Resolve what is asked for; a tracker whose weights are not given gets random ones."""
    from vostool.tracking.job import RunRequest, prepare

    job = prepare(RunRequest(tracker, **asked), workspace, random_weights=True)
    if job.random_weights:
        job.build()  # a tracker that has no random weights refuses
        click.echo(
            f"{job.tracker} has no weights here: random ones are drawn, seed {job.runtime.seed}."
        )
    return job
