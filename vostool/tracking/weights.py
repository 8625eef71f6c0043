"""Published checkpoints of trackers: which there are, which are here, and fetching them.

They go into `<workspace>/weights/<tracker>/`. The SHA-256 of each is recorded beside it, as
`sha256sum --check` reads it: `NAME.sha256`. A file is compared with what its publisher says of it,
or else with that record, before it gets its name.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vostool.environment import sha256_of
from vostool.errors import UnknownNameError, WeightsError
from vostool.io.kinds import stand_in
from vostool.io.locks import locked
from vostool.io.storage import write_text
from vostool.tracking.base import Release
from vostool.tracking.download import (
    Advance,
    NotDownloaded,
    browser_only,
    download,
    partials,
    remove_partials,
)
from vostool.tracking.plugins import Plugin
from vostool.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Fetched:
    """A checkpoint that is here and was compared.

    Args:
        path: of the file.
        sha256: of the file.
        compared: with what: what the publisher says, what was recorded before, or nothing, because
            it is recorded now for the first time.
        downloaded: now; otherwise it was here.
    """

    path: Path
    sha256: str
    compared: Literal["published", "recorded", "nothing"]
    downloaded: bool


def weights_folder(plugin: Plugin, workspace: Workspace) -> Path:
    """Return where the published checkpoints of a tracker go."""
    return workspace.weights / plugin.name


def find_release(plugin: Plugin, name: str) -> Release:
    """Return the release of that name, or whose file has that name.

    Raises:
        UnknownNameError: there is none.
    """
    for release in plugin.cls.releases:
        if name in (release.name, release.file):
            return release
    names = [release.name for release in plugin.cls.releases]
    raise UnknownNameError.of("release", name, names, f"of {plugin.name}")


def state_of(release: Release, folder: Path) -> Literal["here", "begun", "no"]:
    """Return whether a checkpoint is here."""
    path = folder / release.file
    if path.is_file():
        return "here"
    return "begun" if partials(path) else "no"


def how_to_use(plugin: Plugin, release: Release, path: Path) -> str:
    """Return the command that tracks with a checkpoint."""
    config = f"/{release.config}" if release.config else ""
    return f"vostool run {plugin.name}{config} --dataset DAVIS2016 --weights {path}"


def advice(plugin: Plugin, workspace: Workspace, config: str | None) -> str:
    """Return where the weights of a configuration can be had, for an error sentence."""
    releases = plugin.cls.releases
    if not releases:
        return "The tracker's README says where they come from."
    folder = weights_folder(plugin, workspace)
    for release in releases:
        if release.config == config and state_of(release, folder) == "here":
            return f"Here is {release.name}: --weights {folder / release.file}"
    return f"`vostool weights {plugin.name}` lists the published ones and fetches them."


def fetch(
    plugin: Plugin,
    release: Release,
    workspace: Workspace,
    advance: Advance = lambda here, total: None,
) -> Fetched:
    """Download a checkpoint if it is not here, and compare its checksum.

    Args:
        plugin: the tracker.
        release: of its `releases`.
        workspace: whose `weights/` is filled.
        advance: called as bytes arrive.

    Raises:
        WeightsError: it cannot be downloaded, which says what to do by hand, or it is another file.
        BrokenOff: the connection ended too early.
    """
    folder = weights_folder(plugin, workspace)
    path = folder / release.file
    with locked(folder, "fetching weights into"):
        if path.is_file():
            try:
                if what := _stand_in(path):
                    raise WeightsError(f"{path} {what}.")
                return _compared(release, path, path, downloaded=False)
            except WeightsError as error:
                aside = path.with_name(f"{path.name}.wrong")
                os.replace(path, aside)
                raise WeightsError(f"{error} It is now called {aside}.") from error
        if browser_only(release.url):
            raise _by_hand(plugin, release, path, "It is offered on a page for people only.")
        try:
            partial = download(release.url, path, advance)
        except NotDownloaded as error:
            raise _by_hand(plugin, release, path, str(error)) from error
        try:
            if what := _stand_in(partial):
                reason = f"What the server sends {what}."
                raise _by_hand(plugin, release, path, reason)
            fetched = _compared(release, partial, path, downloaded=True)
        except WeightsError:
            partial.unlink(missing_ok=True)
            raise
        os.replace(partial, path)
        remove_partials(path)
        return fetched


def recorded(path: Path) -> str | None:
    """Return the SHA-256 that is recorded beside a file, None if none is."""
    try:
        text = _record(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.match(r"[0-9a-f]{64}\b", text)
    return found.group() if found else None


def check_recorded(path: Path) -> None:
    """Refuse a file that is not the one whose checksum is recorded beside it.

    Raises:
        WeightsError: it has changed since then.
    """
    wanted = recorded(path) if path.is_file() else None
    if wanted is not None and sha256_of(path) != wanted:
        raise WeightsError(
            f"{path} is not the file whose checksum is in {_record(path).name}: it was damaged or "
            "replaced. Fetch it again with `vostool weights`, or remove the record if the change "
            "is meant."
        )


def _compared(release: Release, file: Path, path: Path, *, downloaded: bool) -> Fetched:
    """Compare a file with what is known of it, and record its checksum for the final path."""
    known = recorded(path)
    wanted = release.sha256 or known
    found = sha256_of(file)
    if wanted is not None and found != wanted:
        whose = "published" if release.sha256 else f"in {_record(path)}"
        what = f"{release.url} gave" if downloaded else f"{path} is"
        then = "Nothing of it is kept." if downloaded else "Fetch it again."
        if not release.sha256:
            then += " If the publisher has replaced it, remove that record first."
        raise WeightsError(
            f"{what} another file than expected: its sha256 is {found}, {wanted} is {whose}. {then}"
        )
    if known != found:
        write_text(_record(path), f"{found}  {path.name}\n")
    compared: Literal["published", "recorded", "nothing"] = "nothing"
    if wanted is not None:
        compared = "published" if release.sha256 else "recorded"
    return Fetched(path, found, compared, downloaded)


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _stand_in(path: Path) -> str:
    with path.open("rb") as file:
        return stand_in(file.read(1024))


def _by_hand(plugin: Plugin, release: Release, path: Path, reason: str) -> WeightsError:
    """Return the error that says what a person can do."""
    if release.sha256:
        verify = f"it must say that the sha256 is {release.sha256}"
    elif recorded(path):
        verify = f"it compares the sha256 with the recorded {recorded(path)}"
    else:
        verify = "no checksum is published, so it records that of the file"
    return WeightsError(
        f"{release.file} cannot be downloaded from here. {reason} By hand:\n"
        f"  1. Open this address in a browser: {release.url}\n"
        f"  2. Save the file as: {path.absolute()}\n"
        f"  3. Verify it: vostool weights {plugin.name} {release.name}\n"
        f"     ({verify})"
    )
