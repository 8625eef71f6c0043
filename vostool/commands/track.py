"""`vostool track`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vostool.commands.options import FILE, of_run_options, tracking_options
from vostool.errors import UsageError
from vostool.workspace import Workspace

if TYPE_CHECKING:
    from vostool.live.tracking import LiveTracker
    from vostool.video.prompts import Given
    from vostool.video.source import Source

_STYLES = ("contour", "fill", "spotlight", "blur-background")


@click.command()
@click.argument("videos", nargs=-1, metavar="[VIDEO]...")
@click.option("--box", "boxes", multiple=True, metavar="X,Y,W,H[@WHEN]", help="Pixels, or %.")
@click.option("--mask", "masks", multiple=True, metavar="FILE.png[@WHEN]", help="A label map.")
@click.option("--points", metavar="X,Y...", help="For trackers that take points.")
@click.option("--prompts", type=FILE, help="JSON or CSV: frame, id, box or mask; of many videos.")
@click.option("--tracker", "trackers", multiple=True, help="NAME or NAME/CONFIG; several compare.")
@click.option("--out", "outs", multiple=True, help="May be repeated; see above.")
@click.option("--overlay", type=click.Choice(_STYLES), default="contour", show_default=True)
@click.option("--codec", type=click.Choice(["h264", "vp9"]), default="h264", show_default=True)
@click.option("--camera", type=click.IntRange(0), metavar="N", help="Track what a camera sees.")
@click.option("--seconds", type=click.FloatRange(0.1), help="How long a camera is used.")
@click.option("--fps", type=click.FloatRange(0.1, 240), help="Of images, which have no times.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Of the page; any free one if not given."
)
@click.option("--no-browser", is_flag=True, help="Only print the address of the page.")
@of_run_options
@tracking_options
@click.pass_obj
def track(
    workspace: Workspace,
    /,
    videos: tuple[str, ...],
    boxes: tuple[str, ...],
    masks: tuple[str, ...],
    points: str | None,
    prompts: Path | None,
    trackers: tuple[str, ...],
    outs: tuple[str, ...],
    overlay: Any,
    codec: Any,
    camera: int | None,
    seconds: float | None,
    fps: float | None,
    port: int | None,
    no_browser: bool,
    **options: Any,
) -> None:
    """Track objects in a video of your own.

    VIDEO is an .mp4, .mov, .webm, .mkv or .gif, a folder of images, a glob in quotes, or with
    --dataset a sequence of it. WHEN is a frame, such as @120, or a time, such as @12.5s; ID:X,Y,W,H
    names the object, and corrects it if it was given before. Without any object a page opens where
    they are drawn.

    --out is a .mp4, .gif or .webp with the objects drawn, a folder for label maps, a .webm or
    cutout:FOLDER with the objects alone, a .json in the format of COCO, a .csv of boxes or a .txt
    in the format of MOT. VIDEO.tracked.mp4 if not given.
    """
    if points is not None:
        raise UsageError("No tracker here takes points. Draw a box with --box X,Y,W,H instead.")
    where = {key: options.pop(key) for key in ("dataset", "root", "split", "resolution")}
    found = _sources(workspace, videos, camera, seconds, fps, where)
    given = _given(found, boxes, masks, prompts)
    if not all(given):
        _page(workspace, found, trackers, options, port, no_browser)
        return
    if len(found) > 1 and outs:
        raise UsageError("--out is for one video; several are written beside their originals.")
    from vostool.live.tracking import build, default_tracker

    made: dict[str, LiveTracker] = {}
    for (source, _), objects in zip(found, given, strict=True):
        names = trackers or (default_tracker(objects),)
        for name in names:
            made.setdefault(name, build(name, workspace, **options))
        _track(source, objects, [made[name] for name in dict.fromkeys(names)], outs, overlay, codec)


def _sources(
    workspace: Workspace,
    videos: tuple[str, ...],
    camera: int | None,
    seconds: float | None,
    fps: float | None,
    where: dict[str, Any],
) -> "list[tuple[Source, list[Given]]]":
    """Open what is to be tracked, with the prompts that come along with it."""
    from vostool.live import sources

    if camera is not None:
        from vostool.video.images import Camera

        if videos or where["dataset"]:
            raise UsageError("--camera is the video; name no other one.")
        return [(Camera(camera, seconds), [])]
    if seconds is not None:
        raise UsageError("--seconds is for --camera.")
    if not videos:
        raise UsageError("Name a video: vostool track clip.mp4, or --camera 0.")
    if where["dataset"] is None:
        if any(where.values()):
            raise UsageError("Name the --dataset that --root, --split and --resolution belong to.")
        return [(sources.open_source(video, fps), []) for video in videos]
    from vostool.commands.run_one import opened

    dataset = opened(workspace, where)
    return [sources.of_dataset(dataset, video, fps) for video in videos]


def _given(
    found: "list[tuple[Source, list[Given]]]",
    boxes: tuple[str, ...],
    masks: tuple[str, ...],
    prompts: Path | None,
) -> "list[list[Given]]":
    """Return the objects of each video: those of the options, else those that come along."""
    from vostool.video.prompt_files import PromptFile
    from vostool.video.prompts import parse_box, parse_mask

    if len(found) > 1 and (boxes or masks):
        raise UsageError("--box and --mask are for one video; for several write a --prompts file.")
    own = [*map(parse_box, boxes), *map(parse_mask, masks)]
    file = PromptFile(prompts) if prompts is not None else None
    asked = []
    for source, along in found:
        objects = own + (file.of(source.path or source.name) if file else [])
        asked.append(objects or along)
    return asked


def _track(
    source: "Source",
    given: "list[Given]",
    trackers: "list[LiveTracker]",
    outs: tuple[str, ...],
    overlay: Any,
    codec: Any,
) -> None:
    """Track one video into its outputs."""
    from vostool.live.outputs import Setting, Writing, outputs_of
    from vostool.live.tracking import follow
    from vostool.report.terminal.console import frame_progress
    from vostool.video.prompts import Prompts

    prompts = Prompts(given, source.size, source.count)
    for note in _about_prompts(prompts, trackers):
        click.echo(note, err=True)
    names = tuple(tracker.name for tracker in trackers)
    setting = Setting(source, names, prompts.names, overlay, codec)
    outputs = outputs_of(outs or (_usual(source),), setting)
    for tracker in trackers:
        tracker.restart()
    stopped = False
    with frame_progress(source.name, source.length) as advance, Writing(outputs) as writing:
        try:
            for tracked in follow(source, prompts, trackers):
                writing.put(tracked, [tracker.fps for tracker in trackers])
                advance(1, "")
        except KeyboardInterrupt:
            stopped = True
    for note in source.notes:
        click.echo(note, err=True)
    speeds = ", ".join(
        tracker.name + ("" if tracker.fps is None else f" {tracker.fps:.1f} fps")
        for tracker in trackers
    )
    for output in outputs:
        click.echo(f"{output.path}: {writing.frames} frames, {speeds}{_size(output.path)}")
    if stopped:
        click.echo(f"Stopped after {writing.frames} frames, which were kept.", err=True)
        raise SystemExit(130)


def _usual(source: "Source") -> str:
    """Return the video that is written if nothing else is asked for: beside the clip."""
    from vostool.video.images import Images

    if source.path is not None:
        return str(source.path.with_name(f"{source.path.stem}.tracked.mp4"))
    if isinstance(source, Images) and source.beside:
        return str(source.paths[0].resolve().parent.parent / f"{source.name}.tracked.mp4")
    return str(Path() / f"{source.name}.tracked.mp4")


def _about_prompts(prompts: Any, trackers: "list[LiveTracker]") -> list[str]:
    """Say what becomes of prompts that are not what a tracker begins with."""
    notes = []
    boxes = any(prompt.mask is None for prompt in prompts)
    masks = any(prompt.mask is not None for prompt in prompts)
    for tracker in trackers:
        if boxes and tracker.init == "mask":
            notes.append(
                f"{tracker.name} begins with masks: what stands out from its surroundings by color "
                "in each box is taken for the object."
            )
        if masks and tracker.init == "box":
            notes.append(f"{tracker.name} begins with boxes: it gets those around the masks.")
    return notes


def _size(path: Path) -> str:
    return f", {path.stat().st_size / 1e6:.1f} MB" if path.is_file() else ""


def _page(
    workspace: Workspace,
    found: "list[tuple[Source, list[Given]]]",
    trackers: tuple[str, ...],
    options: dict[str, Any],
    port: int | None,
    no_browser: bool,
) -> None:
    """Open the page on which objects are drawn."""
    if len(found) > 1:
        raise UsageError(
            "The page takes one video. For several give a --prompts file, or one after the other."
        )
    from vostool.live.page.start import open_page
    from vostool.live.tracking import FROM_BOX, build
    from vostool.tracking.plugins import runnable_trackers

    open_page(
        found[0][0],
        trackers or (FROM_BOX,),
        lambda name: build(name, workspace, **options),
        click.echo,
        port=port,
        browser=not no_browser,
        more=tuple if trackers else lambda: runnable_trackers(workspace),
    )
