"""Downloading one file: it goes on where it broke off, or it leaves nothing.

What has arrived is kept in `.NAME.<tag>.partial` beside the file. The tag stands for the address
and for what the server says of the file (length, ETag, date), so that the halves of two files are
never put together. Where the server says nothing that would tell them apart, nothing is kept.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vostool.errors import ResourceError, VostoolError

_CHUNK = 1 << 18
_TIMEOUT = 30.0  # s without a byte
_SCHEMES = ("http", "https", "file")
# Pages for people: a program gets a form, a warning or a login there instead of the file.
_PAGES = ("drive.google.com", "docs.google.com", "pan.baidu.com", "onedrive.live.com", "1drv.ms")

Advance = Callable[[int, int | None], None]  # bytes that are here, of how many if that is known


class NotDownloaded(VostoolError):
    """The file cannot be had from its address by a program; the message says why."""


class BrokenOff(ResourceError):
    """The connection ended before the file did; a second try may go on."""


def browser_only(url: str) -> bool:
    """Return whether an address is a page on which only a person can download."""
    return (urlsplit(url).hostname or "") in _PAGES


def download(url: str, path: Path, advance: Advance = lambda here, total: None) -> Path:
    """Download a file, whole, into a partial file beside `path`, which is left alone.

    Args:
        url: http, https or file.
        path: what the file is to be called; its folder must be there.
        advance: called as bytes arrive.

    Returns:
        The partial file, for the caller to check and to rename.

    Raises:
        NotDownloaded: there is no connection, no such file, or a page instead of it.
        BrokenOff: the connection ended too early.
    """
    with _opened(url) as answer:
        _refuse_page(url, answer)
        total, tag, resumable = _described(url, answer)
        partial = path.with_name(f".{path.name}.{tag}.partial")
        remove_partials(path, but=partial)
        here = partial.stat().st_size if partial.is_file() and resumable else 0
        if not here or total is None or here > total:
            _receive(answer, partial, 0, total, resumable, advance)
            return partial
    if here < total:
        with _opened(url, here) as answer:
            start = here if _continues(answer, here) else 0
            _receive(answer, partial, start, total, resumable, advance)
    return partial


def remove_partials(path: Path, but: Path | None = None) -> None:
    """Remove what other downloads have left of a file."""
    for left in partials(path):
        if left != but:
            left.unlink(missing_ok=True)


def partials(path: Path) -> list[Path]:
    """Return what downloads have left of a file."""
    start, end = f".{path.name}.", ".partial"
    if not path.parent.is_dir():
        return []
    return [p for p in path.parent.iterdir() if p.name.startswith(start) and p.name.endswith(end)]


@contextmanager
def _opened(url: str, start: int = 0) -> Iterator[Any]:
    """Open an address, from a byte on if the server can do that."""
    if urlsplit(url).scheme not in _SCHEMES:
        raise NotDownloaded(f"{url} is no address that begins with {', '.join(_SCHEMES)}.")
    headers = {"User-Agent": "vostool", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=_TIMEOUT
        )
    except urllib.error.HTTPError as error:
        error.close()
        raise NotDownloaded(f"The server answers {error.code} {error.reason}.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise NotDownloaded(f"There is no connection to it ({reason}).") from error
    with answer:
        yield answer


def _refuse_page(url: str, answer: Any) -> None:
    kind = (answer.headers.get("Content-Type") or "").partition(";")[0].strip()
    if kind in ("text/html", "application/xhtml+xml") and not url.startswith("file:"):
        raise NotDownloaded("The server sends a web page instead of the file.")


def _described(url: str, answer: Any) -> tuple[int | None, str, bool]:
    """Return how long the file is, a tag of what it is, and whether it can be gone on with."""
    length = answer.headers.get("Content-Length") or ""
    total = int(length) if length.isdigit() else None
    stamps = [answer.headers.get(name) or "" for name in ("ETag", "Last-Modified")]
    tag = hashlib.sha256("\n".join([url, length, *stamps]).encode()).hexdigest()[:8]
    ranges = answer.headers.get("Accept-Ranges") == "bytes"
    return total, tag, ranges and total is not None and any(stamps)


def _continues(answer: Any, here: int) -> bool:
    """Return whether an answer begins at the byte that was asked for."""
    ranged = answer.headers.get("Content-Range") or ""
    return answer.status == 206 and ranged.startswith(f"bytes {here}-")


def _receive(
    answer: Any, partial: Path, start: int, total: int | None, resumable: bool, advance: Advance
) -> None:
    """Write what comes into the partial file, which is removed if there is no going on."""
    here = start
    whole = False
    try:
        with partial.open("r+b" if start else "wb") as file:
            file.seek(start)
            advance(here, total)
            while chunk := _read(answer):
                file.write(chunk)
                here += len(chunk)
                advance(here, total)
            file.flush()
            os.fsync(file.fileno())
        whole = here == total if total is not None else here > 0
    finally:
        if not whole and not resumable:
            partial.unlink(missing_ok=True)
    if not whole:
        of = f" of {total / 1e6:.1f}" if total is not None else ""
        again = "go on" if resumable else "start again"
        raise BrokenOff(
            f"The connection broke off after {here / 1e6:.1f}{of} MB. Run the same command again "
            f"to {again}."
        )


def _read(answer: Any) -> bytes:
    """Return what comes next, nothing at the end or where the connection ends."""
    try:
        return bytes(answer.read(_CHUNK))
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException):
        return b""
