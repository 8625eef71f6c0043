"""`vostool convert`."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vostool.commands.options import FOLDER, ROOT, stacked
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.datasets.dataset import Dataset
    from vostool.exchange.coco.writer import Advance, Document

_where = stacked(
    click.option("--root", type=ROOT, help="Folder of the dataset; looked for if not given."),
    click.option(
        "--out", type=FOLDER, help="Folder for the files; <workspace>/datasets/coco if not given."
    ),
)


@click.group()
def convert() -> None:
    """Write masks as COCO JSON."""


@convert.command()
@click.option(
    "--year",
    type=click.Choice(["2016", "2017"]),
    default="2016",
    show_default=True,
    help="2016 merges the objects of a frame, 2017 keeps them apart.",
)
@_where
@click.option(
    "--split",
    "splits",
    type=click.Choice(["train", "val", "trainval"]),
    multiple=True,
    help="May be repeated; all that are there if not given.",
)
@click.option("--resolution", help="480p, full, or the name of a resolution folder.")
@click.option("--legacy", is_flag=True, help="Write the files that SiamPolar's code reads.")
@click.pass_obj
def davis2coco(
    workspace: Workspace,
    /,
    year: str,
    root: Path | None,
    out: Path | None,
    splits: tuple[str, ...],
    resolution: str | None,
    legacy: bool,
) -> None:
    """Convert DAVIS, one file per split.

    There is one annotation per object and frame, with a run-length mask that loses nothing, and
    fields for videos, tracks and frames. With --legacy there is one per image, as polygons: objects
    are merged, holes filled, and empty frames left out.
    """
    from vostool.datasets.catalog import CATALOG, find_root, open_masks
    from vostool.exchange.coco.sources import davis_name, davis_splits
    from vostool.exchange.coco.writer import to_coco, to_json
    from vostool.io.storage import resolved

    name = f"DAVIS{year}"
    root = root or find_root(CATALOG[name], workspace)
    there = davis_splits(root, int(year), resolution or "480p") if root else ("train",)
    opened = [
        open_masks(name, root=root, split=split, resolution=resolution, workspace=workspace)
        for split in dict.fromkeys(splits or there)
    ]
    out = out or workspace.datasets / "coco"
    for dataset in opened:
        if legacy:
            from vostool.exchange.coco.siampolar_2020 import legacy_name, to_legacy, to_legacy_json

            file = out / legacy_name(dataset, int(year))
            _write(file, dataset, partial(to_legacy, dataset, int(year)), to_legacy_json)
        else:
            file = out / davis_name(dataset, resolution)
            _write(file, dataset, partial(to_coco, dataset, "davis2coco", int(year)), to_json)
    root = opened[0].root
    click.echo(f"File names in it start at {root}.")
    if legacy and resolved(out) != resolved(root / "Annotations"):
        click.echo(f"SiamPolar's code looks for it in {root / 'Annotations'}: --out can name that.")


@convert.command()
@click.option("--year", type=click.Choice(["2018", "2019"]), default="2019", show_default=True)
@_where
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    default="train",
    show_default=True,
    help="The masks of the official valid and test are not public; those of `vostool split` are.",
)
@click.pass_obj
def ytvos2coco(
    workspace: Workspace, /, year: str, root: Path | None, out: Path | None, split: str
) -> None:
    """Convert YouTube-VOS, with the categories of its meta.json.

    Frames without a mask are left out.
    """
    from vostool.datasets.catalog import open_masks
    from vostool.exchange.coco.sources import check_youtube, youtube_name
    from vostool.exchange.coco.writer import to_coco, to_json

    dataset = open_masks(f"YouTubeVOS{year}", root=root, split=split, workspace=workspace)
    check_youtube(dataset)
    out = out or workspace.datasets / "coco"
    file = out / youtube_name(dataset)
    _write(file, dataset, partial(to_coco, dataset, "ytvos2coco", int(year)), to_json)
    click.echo(f"File names in it start at {dataset.root}.")


def _write(
    file: Path,
    dataset: "Dataset",
    convert_it: "Callable[[Advance], Document]",
    to_text: "Callable[[Document], str]",
) -> None:
    """Convert a split with a progress bar, write it, and say what was written."""
    from vostool.io.storage import write_text
    from vostool.report.terminal.console import frame_progress

    begun = time.perf_counter()
    masks = sum(len(sequence.annotations) for sequence in dataset.sequences)
    with frame_progress(f"{dataset.name} {dataset.split}", masks) as advance:
        document = convert_it(advance)
    text = to_text(document)
    write_text(file, text)
    megabytes = len(text.encode()) / 1e6
    counts = (f"{len(document[key])} {key}" for key in ("images", "annotations"))
    click.echo(
        f"{file}: {len(dataset.sequences)} videos, {', '.join(counts)}, {megabytes:.1f} MB, "
        f"{time.perf_counter() - begun:.1f} s"
    )
