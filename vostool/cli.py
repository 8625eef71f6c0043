"""The command line: a group of the commands in `vostool.commands`, and how errors end.

Nothing heavy is imported at the top, there or here, so that `vostool --help` answers at once; each
command imports what it needs.
"""

import logging
from pathlib import Path
from typing import Any

import click

from vostool.commands.campaign import campaign
from vostool.commands.compare import compare
from vostool.commands.convert import convert
from vostool.commands.datasets import datasets, pack, split
from vostool.commands.eval import evaluate
from vostool.commands.export import export
from vostool.commands.leaderboard import leaderboard
from vostool.commands.options import LOCAL_FOLDER
from vostool.commands.results import results_group
from vostool.commands.run import run
from vostool.commands.show import show
from vostool.commands.track import track
from vostool.commands.trackers import check, speed, trackers
from vostool.commands.train import train
from vostool.commands.weights import weights
from vostool.errors import VostoolError, resource_error
from vostool.io.store_errors import store_error
from vostool.workspace import ENVIRONMENT, Workspace


class Failure(click.ClickException):
    """An error that the user can mend."""

    exit_code = 2


class Stopped(click.ClickException):
    """Ctrl-C."""

    exit_code = 130


class Notes(logging.Handler):
    """Prints what trackers note, e.g. which published weights they were given, once each."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        note = record.getMessage()
        if note not in self._said:
            self._said.add(note)
            click.echo(note, err=True)


class Commands(click.Group):
    """Ends every error a user can mend with its sentence and exit code 2, and Ctrl-C with 130."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VostoolError as error:
            if ctx.params["traceback"]:
                raise
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            raise Stopped(
                "Stopped. What is finished is kept; run the same command again to go on."
            ) from None
        except Exception as error:
            explained = resource_error(error) or store_error(error)
            if explained is None or ctx.params["traceback"]:
                raise
            raise Failure(str(explained)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vostool")
@click.option(
    "--home",
    type=LOCAL_FOLDER,
    help=f"Workspace; ${ENVIRONMENT} or the current folder if not given.",
)
@click.option("--traceback", is_flag=True, help="Show where in the code an error came from.")
@click.pass_context
def cli(ctx: click.Context, home: Path | None, traceback: bool) -> None:
    """Run, time, score and compare trackers for video object segmentation."""
    ctx.obj = Workspace.find(home)
    log, notes = logging.getLogger("vostool"), Notes()
    log.setLevel(logging.INFO)
    log.addHandler(notes)
    ctx.call_on_close(lambda: log.removeHandler(notes))


for command in (
    track,
    run,
    evaluate,
    campaign,
    compare,
    show,
    results_group,
    leaderboard,
    train,
    speed,
    check,
    trackers,
    weights,
    export,
    datasets,
    convert,
    split,
    pack,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line."""
    cli(prog_name="vostool")


if __name__ == "__main__":
    main()
