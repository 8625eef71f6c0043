"""`vostool weights`."""

import click

from vostool.workspace import Workspace


@click.command()
@click.argument("tracker", metavar="TRACKER")
@click.argument("name", metavar="[NAME]", required=False)
@click.pass_obj
def weights(workspace: Workspace, /, tracker: str, name: str | None) -> None:
    """List or fetch a tracker's published weights.

    With NAME, the checkpoint of that name is downloaded into <workspace>/weights/TRACKER/, and its
    checksum compared. A download that broke off goes on. If the file is there, it is compared only.
    """
    from vostool.tracking.plugins import load_tracker, split_spec

    plugin = load_tracker(split_spec(tracker)[0], workspace)
    if not plugin.cls.releases:
        needs = "it needs none" if plugin.cls.weights == "none" else "its README says more"
        if plugin.cls.own_weights(plugin.config(None)) is not None:
            needs = "those that come along are used if none are given"
        click.echo(f"There are no published weights for {plugin.name}; {needs}.")
        return
    from vostool.report.terminal.weights import byte_progress, show_releases
    from vostool.tracking.weights import fetch, find_release, how_to_use

    if name is None:
        show_releases(plugin, workspace)
        return
    release = find_release(plugin, name)
    with byte_progress(release.file) as advance:
        fetched = fetch(plugin, release, workspace, advance)
    what = "downloaded" if fetched.downloaded else "here already"
    click.echo(f"{fetched.path}: {what}, {fetched.path.stat().st_size / 1e6:.1f} MB.")
    click.echo(f"sha256 {fetched.sha256}: {_COMPARED[fetched.compared]}")
    click.echo(f"Use it: {how_to_use(plugin, release, fetched.path)}")


_COMPARED = {
    "published": "as published.",
    "recorded": "as recorded beside it before.",
    "nothing": "none is published to compare it with, so it is recorded beside it.",
}
