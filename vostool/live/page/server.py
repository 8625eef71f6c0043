"""The server of the page: one secret address of this machine, nothing of the disk but the video."""

import json
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from vostool.errors import UsageError, VostoolError, resource_error
from vostool.live.page.downloads import KINDS, file_name, write_download
from vostool.live.page.pictures import FrameFinder, jpeg
from vostool.live.page.session import Session
from vostool.report.pictures.styles import STYLES
from vostool.types import Box

HOST = "127.0.0.1"
_ASSETS = {
    "": ("track.html", "text/html; charset=utf-8"),
    "track.css": ("track.css", "text/css; charset=utf-8"),
    "api.js": ("api.js", "text/javascript; charset=utf-8"),
    "stage.js": ("stage.js", "text/javascript; charset=utf-8"),
    "main.js": ("main.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_MOST = 10_000  # bytes of a request
Scope = MutableMapping[str, Any]


def bind(port: int | None) -> socket.socket:
    """Return a socket of this machine alone.

    Args:
        port: any free one if None.

    Raises:
        UsageError: the port is taken.
    """
    there = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        there.bind((HOST, port or 0))
        there.listen()  # a browser may be quicker than the server
    except OSError:
        there.close()
        raise UsageError(
            f"Port {port} is taken or not allowed. Choose another --port, or leave it out."
        ) from None
    return there


class Page:
    """The page of one session.

    Args:
        session: what it shows.
        port: where it is served.
        folder: for downloads.
    """

    def __init__(self, session: Session, port: int, folder: Path) -> None:
        self.session, self._folder = session, folder
        self._finder = FrameFinder(session.source)
        self.token = secrets.token_urlsafe(24)
        self.address = f"http://{HOST}:{port}/{self.token}/"
        self._hosts = {f"{HOST}:{port}", f"localhost:{port}"}
        self._render: dict[str, Any] = {}
        self._ready: dict[str, Path] = {}

    def app(self) -> Callable[..., Awaitable[None]]:
        """Return the ASGI application."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        at = f"/{self.token}"
        inner = Starlette(
            routes=[
                Route(f"{at}/state", self._state),
                Route(f"{at}/frame/{{index:int}}", self._frame),
                Route(f"{at}/download/{{kind}}", self._download),
                Route(f"{at}/do/{{what}}", self._do, methods=["POST"]),
                Route(f"{at}/{{name:path}}", self._asset),
            ]
        )

        async def guarded(scope: Scope, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and not self._allowed(scope):
                await _refuse(send)
                return

            async def sent(message: Any) -> None:
                if message["type"] == "http.response.start":
                    extra = [(k.encode(), v.encode()) for k, v in _HEADERS.items()]
                    message = {**message, "headers": [*message.get("headers", []), *extra]}
                await send(message)

            await inner(scope, receive, sent)

        return guarded

    def _allowed(self, scope: Scope) -> bool:
        """Return whether a request may be answered: secret, host, and where it comes from.

        The host is checked because a name of another site may point here, the origin because
        another page may send requests.
        """
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        first = scope["path"].split("/")[1:2]
        return (
            bool(first)
            and secrets.compare_digest(first[0].encode(), self.token.encode())
            and headers.get("host") in self._hosts
            and headers.get("origin", f"http://{headers.get('host')}")
            == f"http://{headers.get('host')}"
            and headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        )

    def _asset(self, request: Any) -> Any:
        from starlette.responses import Response

        found = _ASSETS.get(request.path_params["name"])
        if found is None:
            return Response("Not found", 404)
        name, kind = found
        data = files("vostool.live.page").joinpath("assets", name).read_bytes()
        return Response(data, media_type=kind)

    def _state(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        return JSONResponse({**self.session.state(), "styles": STYLES, "render": self._render})

    def _frame(self, request: Any) -> Any:
        from starlette.responses import PlainTextResponse, Response

        index = request.path_params["index"]
        style = request.query_params.get("style", STYLES[0])
        try:
            if style not in STYLES:
                raise UsageError(f"There is no style {style}.")
            frame = self._finder.find(index)
            mask = self.session.mask(index)
            data = jpeg(frame.image, mask, style, self.session.names)
        except VostoolError as error:
            return PlainTextResponse(str(error), 404)
        headers = {"x-time": f"{frame.time:.3f}", "x-masks": str(int(mask is not None))}
        return Response(data, media_type="image/jpeg", headers=headers)

    def _download(self, request: Any) -> Any:
        from starlette.responses import FileResponse, Response

        path = self._ready.get(request.path_params["kind"])
        if path is None or not path.is_file():
            return Response("Not found", 404)
        return FileResponse(path, filename=path.name)

    async def _do(self, request: Any) -> Any:
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse

        try:
            data = b""
            async for part in request.stream():
                data += part
                if len(data) > _MOST:
                    raise UsageError("The request is too large.")
            answer = await run_in_threadpool(self._act, request.path_params["what"], data)
        except VostoolError as error:
            return JSONResponse({"error": str(error)}, 400)
        except (KeyError, TypeError, ValueError):
            return JSONResponse({"error": "The request cannot be read."}, 400)
        return JSONResponse(
            {**self.session.state(), "styles": STYLES, "render": self._render, **answer}
        )

    def _act(self, what: str, data: bytes) -> dict[str, Any]:
        """Do what somebody has asked for on the page."""
        asked = json.loads(data or b"{}")
        if not isinstance(asked, dict):
            raise ValueError(asked)
        session = self.session
        if what == "draw":
            number = asked.get("id")
            box = Box(*(float(side) for side in asked["box"]))
            drawn = session.draw(int(asked["frame"]), None if number is None else int(number), box)
            return {"drawn": drawn}
        if what == "erase":
            frame = asked.get("frame")
            session.erase(int(asked["id"]), None if frame is None else int(frame))
        elif what == "rename":
            session.rename(int(asked["id"]), str(asked["name"]))
        elif what == "start":
            session.start(str(asked["tracker"]))
        elif what == "stop":
            session.stop()
        elif what == "render":
            self._begin_render(str(asked["kind"]), asked.get("style", STYLES[0]))
        else:
            raise KeyError(what)
        return {}

    def _begin_render(self, kind: str, style: Any) -> None:
        if kind not in KINDS or style not in STYLES:
            raise ValueError(kind)
        if self._render.get("running"):
            raise UsageError("Another file is being written. Wait for it.")
        self._ready.pop(kind, None)
        name = file_name(self.session, kind)
        self._render = {"kind": kind, "name": name, "running": True, "done": 0, "error": ""}
        threading.Thread(target=self._work, args=(kind, style), name="render", daemon=True).start()

    def _work(self, kind: str, style: Any) -> None:
        def count(done: int) -> None:
            self._render["done"] = done

        try:
            self._ready[kind] = write_download(self.session, kind, style, self._folder, count)
        except VostoolError as error:
            self._render["error"] = str(error)
        except Exception as error:  # a page must say it; there is nobody else to raise it to
            self._render["error"] = str(resource_error(error) or error)
        self._render["running"] = False


async def _refuse(send: Any) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b"Forbidden"})


def serve(page: Page, there: socket.socket) -> None:
    """Answer until Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        page.app(), log_level="error", access_log=False, lifespan="off", server_header=False
    )
    try:
        uvicorn.Server(config).run(sockets=[there])
    finally:
        page.session.close()
