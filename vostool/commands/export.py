"""`vostool export`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vostool.commands.options import LOCAL_FOLDER, ROOT
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.exchange.onnx import Written


@click.command()
@click.argument("tracker", metavar="TRACKER[/CONFIG]")
@click.option("--format", "_", type=click.Choice(["onnx"]), default="onnx", show_default=True)
@click.option(
    "--out", type=LOCAL_FOLDER, help="Where the files go; <workspace>/results/export if not given."
)
@click.option("--weights", type=click.Path(path_type=Path), help="File with the weights.")
@click.option(
    "--random-weights", is_flag=True, help="Use random weights (to inspect speed and layers)."
)
@click.option("-o", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a setting.")
@click.option(
    "--batch",
    type=click.IntRange(1, 254),
    default=1,
    show_default=True,
    help="Objects in one pass, where the network fixes that.",
)
@click.option("--dataset", help="Compare on crops of its sequences, not on drawn ones.")
@click.option("--root", type=ROOT, help="Folder that holds JPEGImages/ and Annotations/.")
@click.option("--split", help="Of the dataset; its usual one if not given.")
@click.pass_obj
def export(
    workspace: Workspace,
    /,
    tracker: str,
    _: str,
    out: Path | None,
    weights: Path | None,
    random_weights: bool,
    overrides: tuple[str, ...],
    batch: int,
    dataset: str | None,
    root: Path | None,
    split: str | None,
) -> None:
    """Write a tracker's networks for other programs.

    NAME_template.onnx, NAME_search.onnx ... and NAME.json, which says what goes in and comes out.
    If onnxruntime is installed, its answers are compared with torch's before anything is written.
    """
    from vostool.errors import UsageError
    from vostool.exchange.onnx import export_onnx, require_packages
    from vostool.exchange.onnx_scenes import drawn_scenes, real_scenes
    from vostool.tracking.job import RunRequest, default_name, prepare

    if dataset is None and (root or split):
        raise UsageError("--root and --split say more of a dataset: name it with --dataset.")
    require_packages()
    request = RunRequest(tracker, None, overrides, "cpu", "fp32", weights)
    job = prepare(request, workspace, random_weights=random_weights)
    if job.random_weights:
        click.echo(f"{job.tracker} has no weights here: random ones are drawn, seed 0.", err=True)
    if dataset is None:
        scenes = drawn_scenes(batch, job.init)
    else:
        from vostool.datasets.catalog import open_masks

        opened = open_masks(dataset, root=root, split=split, workspace=workspace)
        scenes = real_scenes(opened, batch, job.init)
    written = export_onnx(job, scenes, out or workspace.results / "export", default_name(tracker))
    _say(written, dataset or "synthetic")


def _say(written: "Written", source: str) -> None:
    *networks, description = written.files
    for path in networks:
        click.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    click.echo(f"{description}: what goes in and comes out")
    if written.differences is None:
        click.echo(
            "Not compared with torch: onnxruntime is not installed (pip install onnxruntime)."
        )
        return
    for network, outputs in written.differences.items():
        each = ", ".join(f"{name} {difference:.1e}" for name, difference in outputs.items())
        click.echo(f"{network}, largest relative difference between onnxruntime and torch: {each}")
    worst = max(d for outputs in written.differences.values() for d in outputs.values())
    click.echo(f"They agree to {worst:.1e} on {written.scenes} scenes of {source}.")
