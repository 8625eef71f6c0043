"""`vostool new-tracker`."""

import click

from vostool.workspace import Workspace


@click.command("new-tracker")
@click.argument("name")
@click.option("--like", metavar="TRACKER", help="Copy this one; a small template if not given.")
@click.pass_obj
def new_tracker(workspace: Workspace, /, name: str, like: str | None) -> None:
    """Begin a tracker of your own in <workspace>/trackers/NAME.

    A copy has its own modules, configurations, weights and card, and can be changed freely; what
    the bundled trackers share, and the original, stay as they are.
    """
    from vostool.tracking.copying import new_tracker as write

    folder = write(name, workspace, like)
    click.echo(f"{folder}: {f'a copy of {like}' if like else 'a small tracker to begin with'}.")
    click.echo(f"Check it: vostool check {name}")
