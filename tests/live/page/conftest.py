"""A page that is served: a drawn clip, and a tracker quick enough to test with."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.containers import write
from vostool.live.page.server import Page, bind
from vostool.live.page.session import Session
from vostool.live.tracking import build
from vostool.video.reader import VideoFile
from vostool.workspace import Workspace


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    pytest.importorskip("av")
    return write(tmp_path / "clip.mp4", 40, size=(240, 320), audio="aac")


@pytest.fixture
def session(clip: Path, tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "masks").mkdir()
    source = VideoFile(clip)
    assert source.seekable()
    made = Session(
        source,
        ("optical_flow", "box_fill"),
        lambda name: build(name, Workspace(tmp_path)),
        tmp_path / "masks",
    )
    yield made
    made.close()


@pytest.fixture
def served(session: Session, tmp_path: Path) -> Iterator[Page]:
    """Serve a page in a thread of this process."""
    uvicorn = pytest.importorskip("uvicorn")
    pytest.importorskip("starlette")
    there = bind(None)
    (tmp_path / "out").mkdir()
    page = Page(session, there.getsockname()[1], tmp_path / "out")
    server = uvicorn.Server(uvicorn.Config(page.app(), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [there]}, daemon=True)
    thread.start()
    yield page
    server.should_exit = True
    thread.join(20)
    there.close()


Ask = Callable[..., Any]
