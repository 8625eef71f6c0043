"""`vostool show`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.commands.options import of_run_options, results_option
from vostool.errors import UsageError
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.datasets.dataset import Dataset
    from vostool.report.pictures.overlay import Picture
    from vostool.report.pictures.show import Exhibit, Scene

_WIDTHS = {".png": (480, 320), ".gif": (480, 320), ".mp4": (854, 480)}  # alone, side by side
_SHEET = 2000  # pixels that a contact sheet is wide at most
_SLIDES = 2.0  # worst frames per second


@click.command()
@click.argument("run", metavar="RUN")
@of_run_options
@click.option("--sequence", "sequences", multiple=True, help="Only this one. May be repeated.")
@click.option("--against", metavar="RUN2|gt", help="Show another run, or the ground truth, too.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A .png (contact sheet), .gif or .mp4; a .png beside the run if not given.",
)
@click.option("--worst", is_flag=True, help="The frames with the lowest J, the lowest first.")
@click.option("--frames", type=click.IntRange(1), help="How many frames of a sheet, or worst ones.")
@click.option("--every", type=click.IntRange(1), help="Every so many frames of a .gif or .mp4.")
@click.option("--fps", type=click.FloatRange(0.1, 120), help="Frames per second of it.")
@click.option("--width", type=click.IntRange(64, 4096), help="Of one picture, in pixels.")
@click.option("--protocol", help="Whose J is shown; the dataset's own if not given.")
@results_option
@click.pass_obj
def show(
    workspace: Workspace,
    /,
    run: str,
    sequences: tuple[str, ...],
    against: str | None,
    out: Path | None,
    worst: bool,
    frames: int | None,
    every: int | None,
    fps: float | None,
    width: int | None,
    protocol: str | None,
    results: Path | None,
    **where: Any,
) -> None:
    """Draw the masks of a run on the frames.

    RUN is a run, a folder of <sequence>/<frame>.png, or gt for the ground truth. With --against
    two are shown side by side, and where they differ.
    """
    from vostool.io.listing import sizes
    from vostool.report.pictures.layers import layers_of
    from vostool.report.pictures.show import Exhibit

    kind = out.suffix.lower() if out else ".png"
    if kind not in _WIDTHS:
        raise UsageError(f"--out ends with {', '.join(_WIDTHS)}; not with '{kind}'.")
    names = [run] if against is None else [run, against]
    found = layers_of(
        names, results or workspace.results, workspace, sequences, worst, protocol, **where
    )
    width = width or _WIDTHS[kind][against is not None]
    exhibit = Exhibit(found.dataset, found.first, found.second, width)
    columns = max(1, _SHEET // ((width + 8) * (1 if against is None else 3)))
    if kind != ".png" and not worst and frames:
        raise UsageError("--frames is for sheets and --worst; a film is thinned with --every.")
    scenes = _scenes(exhibit, kind, worst, frames, every, columns)
    to = out or found.home / f"{_file_name(names, sequences, worst)}.png"
    fps = fps or (_SLIDES if worst else {".gif": 12.0}.get(kind, 24.0))
    _write(exhibit, scenes, kind, columns, fps, to)
    megabytes = sizes([to])[0] / 1e6
    click.echo(f"{to}: {len(scenes)} frames, {megabytes:.1f} MB")


def _scenes(
    exhibit: "Exhibit",
    kind: str,
    worst: bool,
    frames: int | None,
    every: int | None,
    columns: int,
) -> "list[Scene]":
    """Choose what is shown."""
    from vostool.report.pictures import show as choices

    dataset: Dataset = exhibit.dataset
    if worst:
        return choices.worst(dataset.sequences, exhibit.first.scores, frames or 12)
    if kind != ".png":
        return choices.every(dataset.sequences, every or (2 if kind == ".gif" else 1))
    usual = 3 * columns if len(dataset.sequences) == 1 else columns
    # Rows begin with a sequence only if all have as many frames.
    count = min(frames or usual, *map(len, dataset.sequences), 10**9)
    return choices.evenly(dataset.sequences, count)


def _write(
    exhibit: "Exhibit", scenes: "list[Scene]", kind: str, columns: int, fps: float, to: Path
) -> None:
    from vostool.report.pictures.files import write_gif, write_sheet, write_video
    from vostool.report.terminal.console import frame_progress

    with frame_progress("show", len(scenes)) as advance:

        def drawn() -> "Iterator[Picture]":
            for scene in scenes:
                yield exhibit.picture(scene)
                advance(1, scene.sequence.name)

        if kind == ".png":
            write_sheet(drawn(), len(scenes), min(columns, len(scenes)), to)
        elif kind == ".gif":
            write_gif(drawn(), len(scenes), fps, to)
        else:
            write_video(drawn(), fps, to)


def _file_name(names: list[str], sequences: tuple[str, ...], worst: bool) -> str:
    """Return what the file is called if nobody says: of plain names, whatever was given."""
    parts = [Path(name).name for name in names] + ["worst"] * worst
    parts += [name.replace("/", "+") for name in sequences[:3]]
    return "-".join(parts)
