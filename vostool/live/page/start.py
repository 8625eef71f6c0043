"""Opening the page for a video: printed, and shown in a browser where there is a display."""

import contextlib
import os
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vostool.errors import UsageError
from vostool.live.page.server import Page, bind, serve
from vostool.live.page.session import Build, Session
from vostool.video.images import Camera
from vostool.video.reader import VideoFile
from vostool.video.source import Source
from vostool.video.writer import VideoWriter


def open_page(
    source: Source,
    trackers: Sequence[str],
    build: Build,
    say: Callable[[str], None],
    *,
    port: int | None = None,
    browser: bool = True,
    more: Callable[[], Sequence[str]] = tuple,
) -> None:
    """Serve the page of a video until Ctrl-C.

    Args:
        source: the video; a camera is recorded first, for as long as it is told to.
        trackers: names to choose from, the usual one first.
        build: makes a tracker of a name.
        say: tells people the address.
        port: any free one if None.
        browser: show the page, where there is a display.
        more: finds further trackers to choose from; it may take seconds.

    Raises:
        UsageError: the port is taken, or the server is not installed.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise UsageError(
            "The page needs a server: pip install 'vostool[video]'. Or say where the object is "
            "with --box X,Y,W,H."
        ) from None
    there = bind(port)
    with there, tempfile.TemporaryDirectory(prefix="vostool-") as name:
        masks, written = Path(name, "masks"), Path(name, "out")
        masks.mkdir()
        written.mkdir()
        if isinstance(source, Camera):
            say("Recording.")
            source = _recorded(source, Path(name) / f"{source.name}.mp4")
        if isinstance(source, VideoFile):
            source.seekable()
        session = Session(source, trackers, build, masks)
        page = Page(session, there.getsockname()[1], written)
        threading.Thread(target=lambda: session.offer(more()), daemon=True).start()
        say(f"Draw the objects on {page.address}")
        say("It is for this machine only. Ctrl-C ends it; what was not downloaded is gone then.")
        if browser and _has_display():
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(page.address)
        with _until_interrupted():
            serve(page, there)


@contextlib.contextmanager
def _until_interrupted() -> Iterator[None]:
    with contextlib.suppress(KeyboardInterrupt):
        yield


def _has_display() -> bool:
    """Return whether a browser would have a window; one in the terminal would take it over."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _recorded(camera: Camera, path: Path) -> VideoFile:
    """Return what a camera sees as a file, of which any frame can be shown."""
    if camera.seconds is None:
        raise UsageError(
            "Say for how long the camera is recorded, such as --seconds 10, and draw objects on "
            "the page then; or say where they are with --box X,Y,W,H."
        )
    with VideoWriter(path, camera.fps) as writer:
        for frame in camera.frames():
            writer.put(frame.image, frame.time)
    return VideoFile(path)
