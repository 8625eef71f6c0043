"""The server: what it answers, and to whom."""

import http.client
import json
import socket
import time
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from vostool.errors import UsageError
from vostool.io.label_maps import read_labels
from vostool.live.page.server import Page, bind
from vostool.live.page.session import Session

BOX = [8, 120, 24, 24]


def ask(
    page: Page, path: str, body: Any = None, headers: dict[str, str] | None = None, root: str = ""
) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Send one request and return status, body and headers."""
    where = urlsplit(page.address)
    assert where.hostname is not None
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    data = None if body is None else json.dumps(body)
    connection.request(
        "GET" if body is None else "POST", (root or where.path) + path, data, headers or {}
    )
    with closing(connection), connection.getresponse() as answer:
        return answer.status, answer.read(), answer.headers


def act(page: Page, what: str, **body: Any) -> dict[str, Any]:
    status, data, _ = ask(page, f"do/{what}", body)
    answer = json.loads(data)
    assert status == 200, answer
    return answer


def finished(page: Page) -> dict[str, Any]:
    end = time.monotonic() + 60
    while True:
        state = json.loads(ask(page, "state")[1])
        if not state["running"] and not state["render"].get("running"):
            return state
        assert time.monotonic() < end
        time.sleep(0.05)


def test_only_this_machine_is_answered() -> None:
    with bind(None) as there:
        assert there.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_pages_and_names_are_refused(served: Page, headers: dict[str, str]) -> None:
    assert ask(served, "state")[0] == 200
    for path, body in (("state", None), ("", None), ("do/stop", {})):
        assert ask(served, path, body, headers)[0] == 403


@pytest.mark.parametrize("root", ["/", "/x/", "//", "/..%2f/", "/state/"])
def test_without_the_secret_nothing_is_told(served: Page, root: str) -> None:
    status, body, _ = ask(served, "state", root=root)
    assert (status, body) == (403, b"Forbidden")


@pytest.mark.parametrize(
    "path",
    [
        "../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/session.py",
        "session.py",
        "../server.py",
        "//etc/passwd",
        "download/..%2f..%2fclip.mp4",
        "download/video",
        "frame/../../clip.mp4",
        "frame/-1",
        "frame/99999",
        "frame/0?style=../../x",
    ],
)
def test_no_path_of_the_disk_is_reached(served: Page, path: str) -> None:
    status, body, _ = ask(served, path)
    assert status in (403, 404)
    assert b"root:" not in body
    assert b"import" not in body


def test_headers(served: Page) -> None:
    _, body, headers = ask(served, "")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    page = body.decode()
    assert "<script>" not in page
    assert "style=" not in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("what", "body", "fact"),
    [
        ("draw", {"frame": 0, "box": [900, 900, 5, 5]}, "outside"),
        ("draw", {"frame": 99, "box": BOX}, "40 frames"),
        ("draw", {"frame": 0, "id": 7, "box": BOX}, "no object 7"),
        ("draw", {"frame": 0, "box": [1, 2]}, "cannot be read"),
        ("draw", {"box": BOX}, "cannot be read"),
        ("draw", [1], "cannot be read"),
        ("start", {"tracker": "optical_flow"}, "Draw a box"),
        ("start", {"tracker": "../x"}, "not one of the trackers"),
        ("render", {"kind": "../x"}, "cannot be read"),
        ("erase", {"id": "x"}, "cannot be read"),
        ("format", {}, "cannot be read"),
        ("draw", {"box": BOX, "frame": 0, "more": "x" * 20_000}, "too large"),
    ],
)
def test_requests_that_cannot_be_meant(served: Page, what: str, body: Any, fact: str) -> None:
    status, data, _ = ask(served, f"do/{what}", body)
    assert status == 400
    assert fact in json.loads(data)["error"]


def test_draw_track_correct_and_download(served: Page, tmp_path: Path) -> None:
    assert act(served, "draw", frame=0, box=BOX)["drawn"] == 1
    act(served, "rename", id=1, name=" ball ")
    act(served, "start", tracker="optical_flow")
    state = finished(served)
    assert (state["valid"], state["error"]) == (40, "")
    before = [read_labels(served.session.mask(i)).copy() for i in range(40)]
    truth = np.zeros((240, 320), bool)
    truth[120:144, 28:52] = True
    assert ((before[10] == 1) & truth).sum() > 0.7 * ((before[10] == 1) | truth).sum()

    plain = ask(served, "frame/10?style=contour")[1]
    with Image.open(BytesIO(plain)) as image:
        assert image.size == (320, 240)

    state = act(served, "draw", frame=20, id=1, box=[0, 0, 60, 50])
    assert state["valid"] == 20
    assert ask(served, "frame/30")[2]["x-masks"] == "0"
    act(served, "start", tracker="optical_flow")
    assert finished(served)["valid"] == 40
    after = [read_labels(served.session.mask(i)) for i in range(40)]
    assert all(np.array_equal(a, b) for a, b in zip(before[:20], after[:20], strict=True))
    assert (after[20] == 1)[:50, :60].sum() > 0.9 * (after[20] == 1).sum()
    for kind in ("video", "masks", "cutout", "coco", "boxes", "prompts"):
        act(served, "render", kind=kind, style="fill")
        assert finished(served)["render"]["error"] == ""
        status, data, headers = ask(served, f"download/{kind}")
        assert status == 200
        assert "clip" in headers["content-disposition"]
        if kind == "masks":
            with zipfile.ZipFile(BytesIO(data)) as archive:
                assert len(archive.namelist()) == 40
        if kind == "prompts":
            (tmp_path / "p.json").write_bytes(data)


def test_the_command_line_gives_the_same_masks(served: Page, cli, tmp_path: Path) -> None:
    """Also after corrections, stops and a change of mind."""
    act(served, "draw", frame=0, box=BOX)
    act(served, "draw", frame=5, box=[200, 20, 40, 40])
    act(served, "start", tracker="optical_flow")
    time.sleep(0.3)
    act(served, "stop")
    position = json.loads(ask(served, "state")[1])["position"]
    act(served, "draw", frame=max(position, 2), id=1, box=[30, 100, 30, 30])
    act(served, "draw", frame=38, id=2, box=[180, 20, 40, 40])
    act(served, "start", tracker="optical_flow")
    finished(served)
    act(served, "render", kind="prompts")
    finished(served)
    (tmp_path / "p.json").write_bytes(ask(served, "download/prompts")[1])
    options = ("--tracker", "optical_flow", "--out", tmp_path / "again")
    done = cli("track", tmp_path / "clip.mp4", "--prompts", tmp_path / "p.json", *options)
    assert done.exit_code == 0, done.output
    for index in range(40):
        mask = served.session.mask(index)
        assert mask is not None
        assert mask.read_bytes() == (tmp_path / f"again/{index:05d}.png").read_bytes()


def test_a_stopped_tracker_goes_on_where_it_is(session: Session) -> None:
    seen = []
    kept = session.source.frames

    def counted(start: int = 0) -> Any:
        seen.append(start)
        return kept(start)

    session.source.frames = counted  # type: ignore[method-assign]
    from vostool.types import Box

    session.draw(0, None, Box(*map(float, BOX)))
    session.start("box_fill")
    session.stop()
    at = session.state()["position"]
    assert at < 39
    session.draw(39, None, Box(100.0, 20.0, 30.0, 30.0))
    session.start("box_fill")
    assert session._thread is not None
    session._thread.join()
    assert session.state()["valid"] == 40
    assert seen == [0]
    last = session.mask(39)
    assert last is not None
    assert set(np.unique(read_labels(last))) == {0, 1, 2}


def test_nothing_changes_while_it_tracks(served: Page) -> None:
    act(served, "draw", frame=0, box=BOX)
    act(served, "start", tracker="optical_flow")
    status, data, _ = ask(served, "do/draw", {"frame": 0, "box": BOX})
    assert status == 400
    assert "Stop it first" in json.loads(data)["error"]
    act(served, "stop")


def test_removing_objects(served: Page) -> None:
    act(served, "draw", frame=0, box=BOX)
    act(served, "draw", frame=3, box=[100, 20, 30, 30])
    act(served, "start", tracker="box_fill")
    finished(served)
    state = act(served, "erase", id=2)
    assert [each["id"] for each in state["objects"]] == [1]
    assert state["valid"] == 3
    state = act(served, "erase", id=1)
    assert (state["objects"], state["valid"]) == ([], 0)


def test_a_port_that_is_taken(cli, clip: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} is taken"):
            bind(port)
        options = ("--no-browser", "--port", port, "--tracker", "box_fill")
        done = cli("track", clip, *options)
    assert done.exit_code == 2
    assert f"Port {port} is taken" in done.output
