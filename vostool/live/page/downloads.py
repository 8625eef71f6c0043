"""What the page lets people download: the masks that are there, written as `vostool track` does."""

import json
import zipfile
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from vostool.errors import UsageError
from vostool.io.label_maps import read_labels
from vostool.live.outputs import Output, Setting, outputs_of
from vostool.live.page.session import Session
from vostool.live.tracking import Tracked
from vostool.report.pictures.styles import Style

_NAMES = {
    "video": "{}.tracked.mp4",
    "cutout": "{}.cutout.webm",
    "coco": "{}.coco.json",
    "boxes": "{}.boxes.csv",
    "masks": "{}.masks.zip",
    "prompts": "{}.prompts.json",
}
KINDS = tuple(_NAMES)


def file_name(session: Session, kind: str) -> str:
    """Return what a download is called."""
    return _NAMES[kind].format(session.source.name)


def write_download(
    session: Session, kind: str, style: Style, folder: Path, on_frame: Callable[[int], None]
) -> Path:
    """Write one download.

    Args:
        session: whose masks it is made of.
        kind: one of `KINDS`.
        style: how objects are drawn in a video.
        folder: where the file goes.
        on_frame: called with the number of frames done.

    Raises:
        UsageError: nothing was tracked yet.
    """
    path = folder / file_name(session, kind)
    if kind == "prompts":
        video = session.source.path.name if session.source.path else session.source.name
        path.write_text(json.dumps({video: session.prompts()}, indent=1), encoding="utf-8")
        return path
    if session.mask(0) is None:
        raise UsageError("There are no masks yet. Press Track first.")
    if kind == "masks":
        with zipfile.ZipFile(path, "w") as archive:  # PNGs are compressed already
            index = 0
            while (mask := session.mask(index)) is not None:
                archive.write(mask, f"{session.source.name}/{mask.name}")
                index += 1
                on_frame(index)
        return path
    setting = Setting(session.source, (session.tracker,), dict(session.names), style)
    (output,) = outputs_of([str(path)], setting)
    _write(session, output, on_frame)
    return path


def _write(session: Session, output: Output, on_frame: Callable[[int], None]) -> None:
    try:
        with closing(_tracked(session)) as frames:
            for tracked in frames:
                output.put(tracked, [None])
                on_frame(tracked.frame.index + 1)
    finally:
        output.close()


def _tracked(session: Session) -> Generator[Tracked]:
    for frame in session.source.frames():
        mask = session.mask(frame.index)
        if mask is None:
            return
        yield Tracked(frame, (read_labels(mask),), ())
