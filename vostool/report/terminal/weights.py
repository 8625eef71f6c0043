"""What `vostool weights` shows in the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from vostool.report.terminal.console import make_console, plain_table
from vostool.tracking.weights import recorded, state_of, weights_folder

if TYPE_CHECKING:
    from vostool.tracking.base import Release
    from vostool.tracking.plugins import Plugin
    from vostool.workspace import Workspace


def show_releases(plugin: "Plugin", workspace: "Workspace") -> None:
    """Print the published checkpoints of a tracker, and where they come from."""
    folder = weights_folder(plugin, workspace)
    console = make_console()
    rows = []
    for release in plugin.cls.releases:
        checksum = "published" if release.sha256 else ""
        if not checksum and recorded(folder / release.file):
            checksum = "recorded"
        rows.append(
            [
                release.name,
                state_of(release, folder),
                "" if release.megabytes is None else f"{release.megabytes:.0f}",
                checksum or "none",
                _spec(plugin, release),
                f"{release.about}. {release.licence}.",
            ]
        )
    title = f"Published checkpoints of {plugin.name}, in {folder}"
    headings = ["name", "here", "MB", "checksum", "for", "what it is, licence"]
    console.print(plain_table(headings, rows, title, right=(2,), whole=(0, 1, 2, 3, 4)))
    for release in plugin.cls.releases:
        console.print(f"{release.name}: {release.url}", soft_wrap=True)
    console.print(f"Fetch one: vostool weights {plugin.name} NAME")


def _spec(plugin: "Plugin", release: "Release") -> str:
    return f"{plugin.name}/{release.config}" if release.config else plugin.name


@contextmanager
def byte_progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar with megabytes, their rate and the time left; silent without a terminal.

    Args:
        title: in front of the bar.

    Yields:
        A function to call with the bytes that are here, and how many there will be if known.
    """
    console = make_console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=None, visible=False)

        def show(here: int, total: int | None) -> None:
            progress.update(bar, completed=here, total=total, visible=True)

        yield show
