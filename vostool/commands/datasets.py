"""`vostool datasets`, `split` and `pack`."""

from pathlib import Path
from typing import Any

import click

from vostool.commands.options import LOCAL_FOLDER, results_option, where_options
from vostool.workspace import Workspace


@click.group(invoke_without_command=True)
@click.pass_context
def datasets(ctx: click.Context) -> None:
    """List the datasets and how to get them."""
    if ctx.invoked_subcommand is None:
        from vostool.report.terminal.masks import show_datasets

        show_datasets(ctx.obj)


@datasets.group()
def make() -> None:
    """Draw a dataset."""


@make.command()
@click.argument("directory", type=LOCAL_FOLDER)
@click.option("--seed", default=0, show_default=True)
@click.option("--size", default="424x240", show_default=True, help="WIDTHxHEIGHT.")
@click.option("--frames", type=click.IntRange(3), default=40, show_default=True)
def synthetic(directory: Path, seed: int, size: str, frames: int) -> None:
    """Draw the synthetic dataset into DIRECTORY; the same seed gives the same files."""
    from vostool.datasets.synthetic import make as draw
    from vostool.tracking.speed import parse_size

    draw(directory, seed, size=parse_size(size), frames=frames)
    click.echo(f"Drawn into {directory}: use it with --dataset folder:{directory}")


@make.command()
@click.argument("directory", type=LOCAL_FOLDER)
@click.option("--seed", default=0, show_default=True)
@click.option("--size", default="424x240", show_default=True, help="WIDTHxHEIGHT.")
@click.option("--frames", type=click.IntRange(3), default=120, show_default=True)
def vot(directory: Path, seed: int, size: str, frames: int) -> None:
    """Draw the synthetic sequences into DIRECTORY as VOT has them, with a box for each frame."""
    from vostool.datasets.synthetic.boxes import make_boxes
    from vostool.tracking.speed import parse_size

    make_boxes(directory, seed, size=parse_size(size), frames=frames)
    click.echo(f"Drawn into {directory}: use it with --dataset vot:{directory}")


@click.command()
@click.argument("out", type=LOCAL_FOLDER)
@click.option(
    "--dataset",
    type=click.Choice(["YouTubeVOS2019", "YouTubeVOS2018"]),
    default="YouTubeVOS2019",
    show_default=True,
    help="Where to look for its split train.",
)
@click.option("--root", type=LOCAL_FOLDER, help="Folder that holds train/, or that folder itself.")
@click.option(
    "--part",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Share of the videos to set aside.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--copy", is_flag=True, help="Copy the files instead of linking to them.")
@click.pass_obj
def split(
    workspace: Workspace,
    /,
    out: Path,
    dataset: str,
    root: Path | None,
    part: float,
    seed: int,
    copy: bool,
) -> None:
    """Set a part of YouTube-VOS train aside.

    It becomes a split with ground truth, which the official ones lack.

    OUT gets train/ and valid/. All videos of some categories are set aside, so that valid/ has
    categories which train/ has not. The same seed chooses the same videos.
    """
    from vostool.datasets.catalog import CATALOG, find_root
    from vostool.datasets.holdout import write_hold_out
    from vostool.errors import DatasetError

    entry = CATALOG[dataset]
    source = root or find_root(entry, workspace)
    if source is None:
        raise DatasetError(f"{dataset} not found. {entry.how_to_get} Or name it with --root.")
    chosen = write_hold_out(source, out, part=part, seed=seed, copy=copy)
    click.echo(
        f"{out}: {len(chosen.train)} videos in train, {len(chosen.valid)} in valid, with "
        f"{len(chosen.seen)} seen and {len(chosen.unseen)} unseen categories "
        f"({', '.join(chosen.unseen)})."
    )
    click.echo(f"Use it with --dataset {dataset} --root {out}")


@click.command()
@click.argument("run", metavar="RUN")
@where_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The zip to write; RUN.zip in the dataset's results if not given.",
)
@results_option
@click.pass_obj
def pack(
    workspace: Workspace, /, run: str, out: Path | None, results: Path | None, **where: Any
) -> None:
    """Make the zip that an evaluation server takes.

    RUN is a run, or a folder of <sequence>/<frame>.png. Names, counts, sizes and ids are checked
    first, and nothing is written if anything is wrong.
    """
    from vostool.datasets.catalog import CATALOG, open_masks
    from vostool.exchange.packing import find_masks
    from vostool.exchange.packing import pack as write
    from vostool.exchange.verification import frames_wanted
    from vostool.io.listing import sizes
    from vostool.report.terminal.console import frame_progress

    name = where.pop("dataset")
    servers = CATALOG[name].servers.values() if name in CATALOG else ()
    images = not all(server.listed_only for server in servers)
    dataset = open_masks(name, **where, need_frames=images, workspace=workspace)
    runs = (results or workspace.results) / dataset.key
    label, masks = find_masks(run, runs, dataset)
    count = sum(len(frames_wanted(dataset, sequence)) for sequence in dataset.sequences)
    with frame_progress("pack", 2 * count) as advance:
        packed = write(dataset, masks, out or runs / f"{label}.zip", advance)
    megabytes = sizes([packed.path])[0] / 1e6
    assert dataset.server is not None
    click.echo(
        f"{packed.path}: {packed.sequences} sequences, {packed.frames} masks, {megabytes:.1f} MB. "
        f"Send it to {dataset.server.where}"
    )
    if packed.sequences < dataset.count:
        click.echo(
            f"The split has {dataset.count} sequences, and {dataset.root} only these: the server "
            "wants all.",
            err=True,
        )
