"""`vostool weights`: fetching from a server on this machine that behaves, and that misbehaves."""

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from vostool.errors import WeightsError
from vostool.tracking.base import Release
from vostool.tracking.download import BrokenOff, browser_only, download
from vostool.tracking.plugins import Plugin, load_tracker, tracker_names
from vostool.tracking.weights import fetch
from vostool.workspace import Workspace

CONTENT = np.random.default_rng(0).bytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TRACKER = """
import numpy as np
from vostool import Tracker
from vostool.tracking.base import Release

class Mine(Tracker):
    weights = "required"
    releases = ({releases},)
    def reset(self): ...
    def step(self, frame, prompts=()):
        return np.zeros(frame.shape[:2], np.uint8)
"""


class Server(ThreadingHTTPServer):
    """Serves CONTENT; attributes say how badly."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.status, self.kind, self.length = 200, "application/octet-stream", True
        self.ranges, self.etag = True, '"one"'
        self.stop_after: int | None = None  # bytes of an answer, then the connection ends
        self.asked: list[str | None] = []  # the Range of every request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/files/Mine_DAVIS.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        body, status = server.content, server.status
        ranged = asked is not None and server.ranges
        start = int(asked.removeprefix("bytes=").rstrip("-")) if ranged else 0
        self.send_response(206 if ranged else status)
        self.send_header("Content-Type", server.kind)
        if server.length:
            self.send_header("Content-Length", str(len(body) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        if server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        with contextlib.suppress(OSError):  # of a client that has seen enough
            self.wfile.write(body[start:][: server.stop_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def tracker(tmp_path: Path, server: Server) -> Callable[..., Path]:
    """Return a function that writes a tracker with one release; returns where that will be."""

    def write(url: str = "", sha256: str | None = None, config: str | None = "davis") -> Path:
        release = (
            f"Release(name='Mine_DAVIS', url={url or server.url!r}, config={config!r}, "
            f"file='Mine_DAVIS.pth', sha256={sha256!r}, licence='MIT', about='mine, on DAVIS')"
        )
        folder = tmp_path / "trackers" / "mine"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tracker.py").write_text(TRACKER.format(releases=release))
        (folder / "davis.toml").write_text("")
        return tmp_path / "weights" / "mine" / "Mine_DAVIS.pth"

    return write


def left_in(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.name != ".lock"} if folder.is_dir() else set()


# --- it works ---


def test_a_published_checksum_is_compared(cli, tracker, server) -> None:
    path = tracker(sha256=SHA256)
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 0, done.output
    assert path.read_bytes() == CONTENT
    assert "downloaded, 0.7 MB" in done.output
    assert f"sha256 {SHA256}: as published." in done.output
    assert f"vostool run mine/davis --dataset DAVIS2016 --weights {path}" in done.output
    assert left_in(path.parent) == {"Mine_DAVIS.pth", "Mine_DAVIS.pth.sha256"}
    again = cli("weights", "mine", "Mine_DAVIS.pth")
    assert "here already" in again.output
    assert len(server.asked) == 1


def test_without_a_published_one_the_first_is_recorded_and_compared_later(
    cli, tracker, server
) -> None:
    path = tracker()
    first = cli("weights", "mine", "Mine_DAVIS")
    assert f"sha256 {SHA256}: none is published" in first.output
    assert path.with_name("Mine_DAVIS.pth.sha256").read_text() == f"{SHA256}  Mine_DAVIS.pth\n"
    assert "as recorded beside it before" in cli("weights", "mine", "Mine_DAVIS").output
    path.unlink()
    server.content = CONTENT[::-1]
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 2
    assert f"{SHA256} is in {path}.sha256" in done.output
    assert left_in(path.parent) == {"Mine_DAVIS.pth.sha256"}


def test_a_file_address(cli, tracker, tmp_path) -> None:
    source = tmp_path / "elsewhere.pth"
    source.write_bytes(CONTENT)
    path = tracker(url=source.as_uri(), sha256=SHA256, config=None)
    done = cli("weights", "mine", "Mine_DAVIS")
    assert f"vostool run mine --dataset DAVIS2016 --weights {path}" in done.output
    assert path.read_bytes() == CONTENT
    source.unlink()
    path.unlink()
    assert "cannot be downloaded" in cli("weights", "mine", "Mine_DAVIS").output


def test_the_list(cli, tracker) -> None:
    path = tracker()
    for state, checksum in (("no", "none"), ("here", "recorded")):
        done = cli("weights", "mine")
        assert done.exit_code == 0, done.output
        (row,) = [line for line in done.output.splitlines() if "mine, on DAVIS. MIT." in line]
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert cells == ["Mine_DAVIS", state, "", checksum, "mine/davis", "mine, on DAVIS. MIT."]
        cli("weights", "mine", "Mine_DAVIS")
    assert path.is_file()


def test_names(cli, tracker) -> None:
    tracker()
    done = cli("weights", "mine", "Mine_DAVS")
    assert done.exit_code == 2
    assert "no release 'Mine_DAVS' of mine. Did you mean 'Mine_DAVIS'" in done.output
    assert (
        "no published weights for copy_first; it needs none" in cli("weights", "copy_first").output
    )
    assert cli("weights", "copy_frist").exit_code == 2


# --- the server misbehaves ---


def test_a_connection_that_breaks_off_goes_on(cli, tracker, server) -> None:
    path = tracker(sha256=SHA256)
    server.stop_after = 300_000
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 2
    assert "broke off after 0.3 of 0.7 MB. Run the same command again to go on." in done.output
    assert not path.exists()
    assert "begun" in cli("weights", "mine").output
    server.stop_after = None
    assert cli("weights", "mine", "Mine_DAVIS").exit_code == 0
    assert server.asked == [None, None, "bytes=300000-"]
    assert path.read_bytes() == CONTENT
    assert left_in(path.parent) == {"Mine_DAVIS.pth", "Mine_DAVIS.pth.sha256"}


@pytest.mark.parametrize("lacking", ["ranges", "etag"])
def test_what_cannot_go_on_starts_again(cli, tracker, server, lacking) -> None:
    path = tracker(sha256=SHA256)
    setattr(server, lacking, None)
    server.stop_after = 300_000
    assert "again to start again" in cli("weights", "mine", "Mine_DAVIS").output
    assert left_in(path.parent) == set()
    server.stop_after = None
    assert cli("weights", "mine", "Mine_DAVIS").exit_code == 0
    assert server.asked == [None, None]


def test_the_halves_of_two_files_are_never_joined(cli, tracker, server) -> None:
    path = tracker()
    server.stop_after = 300_000
    cli("weights", "mine", "Mine_DAVIS")
    server.stop_after, server.content, server.etag = None, CONTENT[::-1], '"two"'
    assert cli("weights", "mine", "Mine_DAVIS").exit_code == 0
    assert path.read_bytes() == CONTENT[::-1]
    assert server.asked == [None, None]
    assert left_in(path.parent) == {"Mine_DAVIS.pth", "Mine_DAVIS.pth.sha256"}


def test_a_server_that_ignores_where_to_go_on(tmp_path, server) -> None:
    path = tmp_path / "Mine_DAVIS.pth"
    server.stop_after = 300_000
    with pytest.raises(BrokenOff):
        download(server.url, path)
    server.stop_after = None
    answer = Handler.do_GET

    def whole(self: Handler) -> None:
        del self.headers["Range"]
        answer(self)

    Handler.do_GET = whole  # type: ignore[method-assign]
    try:
        assert download(server.url, path).read_bytes() == CONTENT
    finally:
        Handler.do_GET = answer  # type: ignore[method-assign]


def test_a_length_that_is_not_said(cli, tracker, server) -> None:
    path = tracker(sha256=SHA256)
    server.length = False
    assert cli("weights", "mine", "Mine_DAVIS").exit_code == 0
    assert path.read_bytes() == CONTENT


def test_interrupting_keeps_what_has_arrived(tmp_path, server) -> None:
    def stop(here: int, total: int | None) -> None:
        if here:
            raise KeyboardInterrupt

    path = tmp_path / "Mine_DAVIS.pth"
    with pytest.raises(KeyboardInterrupt):
        download(server.url, path, stop)
    (kept,) = tmp_path.iterdir()
    assert 0 < kept.stat().st_size < len(CONTENT)
    assert CONTENT.startswith(kept.read_bytes())
    assert download(server.url, path).read_bytes() == CONTENT
    assert server.asked[2] is not None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": 404}, "The server answers 404 Not Found."),
        ({"kind": "text/html; charset=utf-8"}, "web page"),
        ({"content": b"\n <!DOCTYPE html><p>Too many people"}, "web page"),
    ],
)
def test_what_cannot_be_had_says_what_to_do_by_hand(cli, tracker, server, changes, reason) -> None:
    path = tracker()
    for name, value in changes.items():
        setattr(server, name, value)
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 2
    assert reason in done.output
    assert f"Open this address in a browser: {server.url}" in done.output
    assert f"Save the file as: {path}" in done.output
    assert "Verify it: vostool weights mine Mine_DAVIS" in done.output
    assert left_in(path.parent) == set()


def test_no_connection(cli, tracker, server) -> None:
    server.shutdown()
    server.server_close()
    path = tracker(sha256=SHA256)
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 2
    assert "There is no connection to it" in done.output
    assert f"it must say that the sha256 is {SHA256}" in done.output
    assert left_in(path.parent) == set()


def test_a_page_for_people_is_not_even_asked(cli, tracker, server) -> None:
    page = "https://drive.google.com/file/d/1a2b3c/view"
    path = tracker(url=page)
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 2
    assert "on a page for people only" in done.output
    assert page in done.output
    path.write_bytes(CONTENT)  # the person has done it
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 0
    assert "here already" in done.output
    assert not browser_only(server.url)


def test_another_file_never_gets_the_name(cli, tracker, server) -> None:
    path = tracker(sha256=SHA256)
    server.content = CONTENT[:-1] + b"x"
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 2
    assert hashlib.sha256(server.content).hexdigest() in done.output
    assert f"{SHA256} is published" in done.output
    assert left_in(path.parent) == set()


@pytest.mark.parametrize("content", [b"another file", b"<html>Sorry</html>"])
def test_a_wrong_file_put_there_by_hand_loses_the_name(cli, tracker, content) -> None:
    path = tracker(sha256=SHA256)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    done = cli("weights", "mine", "Mine_DAVIS")
    assert done.exit_code == 2
    assert f"It is now called {path}.wrong." in done.output
    assert left_in(path.parent) == {"Mine_DAVIS.pth.wrong"}
    assert cli("weights", "mine", "Mine_DAVIS").exit_code == 0


def test_an_address_that_is_none(tmp_path) -> None:
    release = Release(name="a", url="ftp://here/a.pth", licence="MIT", about="a")
    plugin = Plugin("copy_first", load_tracker("copy_first", Workspace(tmp_path)).cls, tmp_path)
    with pytest.raises(WeightsError, match="begins with http, https, file"):
        fetch(plugin, release, Workspace(tmp_path))


# --- the rest of the tool knows ---


def test_running_without_weights_says_where_they_are(cli, tracker, plain_folder) -> None:
    path = tracker()
    run = ("run", "mine/davis", "--dataset", f"folder:{plain_folder()}")
    assert "`vostool weights mine` lists the published ones" in cli(*run).output
    assert cli("weights", "mine", "Mine_DAVIS").exit_code == 0
    assert f"Here is Mine_DAVIS: --weights {path}" in cli(*run).output
    done = cli(*run, "--weights", path)
    assert done.exit_code == 0, done.output


def test_running_with_a_file_that_has_changed_since_is_refused(cli, tracker, plain_folder) -> None:
    path = tracker()
    assert cli("weights", "mine", "Mine_DAVIS").exit_code == 0
    path.write_bytes(CONTENT[:-1])
    done = cli("run", "mine", "--dataset", f"folder:{plain_folder()}", "--weights", path)
    assert done.exit_code == 2
    assert "is not the file whose checksum is in Mine_DAVIS.pth.sha256" in done.output


def test_releases_of_the_trackers_here_name_configurations_they_have(tmp_path) -> None:
    workspace = Workspace(tmp_path)
    for name in tracker_names(workspace):
        plugin = load_tracker(name, workspace)
        names = [release.name for release in plugin.cls.releases]
        assert len(set(names)) == len(names)
        for release in plugin.cls.releases:
            assert release.config is None or release.config in plugin.configs


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"file": "../a.pth"}, "plain file name"),
        ({"url": "https://drive.google.com/"}, "plain file name"),
        ({"sha256": "abc"}, "64 hexadecimal"),
    ],
)
def test_a_release_that_cannot_be_meant(wrong, message) -> None:
    about = {"name": "a", "url": "https://x.org/a.pth", "licence": "MIT", "about": "a"}
    assert Release(**about).file == "a.pth"
    with pytest.raises(ValueError, match=message):
        Release(**about | wrong)
