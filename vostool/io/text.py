"""All text that comes from outside: lists, tables of numbers, JSON, whoever's editor wrote it.

Editors of Windows put a byte order mark in front, write UTF-16, or end lines with CR LF. None of
that is part of the text, and a name or number that keeps a piece of it is silently another one.
"""

import codecs
import json
from pathlib import Path
from typing import Any

from vostool.errors import DataError
from vostool.io.kinds import kind_of, stand_in
from vostool.io.storage import is_remote, read_bytes

MOST_TEXT = 64 * 2**20  # bytes of a list or of regions; the largest are a few hundred kB
MOST_JSON = 2**30  # bytes; a dataset's annotations as run-length encoded masks
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARK = "\ufeff"


def read_outside(path: Path, error: type[DataError], most: int = MOST_TEXT) -> str:
    """Return the text of a file.

    Args:
        path: of this machine or of a store.
        error: what is raised.
        most: bytes it may have.

    Returns:
        Lines end with `\\n`; there is no byte order mark, not even inside, where files were joined.

    Raises:
        FileNotFoundError: it is not there.
        DataError: it is no text, too large, or not the file that it should be; of the given kind.
    """
    return decoded(bytes_of(path, error, most), path, error)


def read_json(path: Path, error: type[DataError], what: str = "JSON") -> Any:
    """Return what a JSON file holds, see `read_outside`.

    Args:
        path: of this machine or of a store.
        error: what is raised.
        what: the file should be, for messages.

    Raises:
        FileNotFoundError: it is not there.
        DataError: it is no JSON.
    """
    return parsed_json(bytes_of(path, error, MOST_JSON), path, error, what)


def parsed_json(data: bytes, path: Path, error: type[DataError], what: str = "JSON") -> Any:
    """Return what the bytes of a JSON file hold, see `read_json`."""
    text = decoded(data, path, error)
    try:
        return json.loads(text)
    except RecursionError:
        raise error(f"{path} is no {what}: it is nested too deeply.") from None
    except ValueError as wrong:  # also of a number with thousands of digits
        raise error(f"{path} is no {what} ({wrong}). Copy or download it again.") from None


def bytes_of(path: Path, error: type[DataError], most: int) -> bytes:
    """Return the contents of a file that has no more bytes than it may, see `read_outside`."""
    try:
        if not is_remote(path):
            if path.exists() and not path.is_file():
                raise error(f"{path} cannot be read: it is no file.")
            if path.stat().st_size > most:
                raise error(_too_large(path, path.stat().st_size, most))
        data = read_bytes(path)
    except FileNotFoundError:
        raise
    except OSError as wrong:
        raise error(f"{path} cannot be read: {wrong.strerror}.") from wrong
    if len(data) > most:
        raise error(_too_large(path, len(data), most))
    return data


def decoded(data: bytes, path: Path, error: type[DataError]) -> str:
    """Return bytes as text, see `read_outside`.

    Args:
        data: the whole file.
        path: named in the error.
        error: what is raised.
    """
    instead = stand_in(data)
    if instead:
        raise error(f"{path} {instead}.")
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as wrong:
        raise error(
            f"{path} is not UTF-8 text ({_what(data)}byte {wrong.start}). Save it as UTF-8."
        ) from None
    text = text.replace(_MARK, "").replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a\0")
    if "\0" in text:
        raise error(f"{path} is not text ({_what(data)}it has zero bytes). Copy it again.")
    return text


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without blanks around them, empty ones omitted.

    `str.splitlines` also splits at characters that names may have.
    """
    return [line.strip() for line in text.split("\n") if line.strip()]


def _encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    start = data[:1000]
    if len(data) % 2 == 0 and start.count(0) * 3 > len(start):
        # Every other byte of UTF-16 is 0 where there are digits and Latin letters.
        return "utf-16-be" if start[::2].count(0) > start[1::2].count(0) else "utf-16-le"
    return "utf-8"


def _what(data: bytes) -> str:
    kind = kind_of(data)
    return f"it is {kind}, " if kind else ""


def _too_large(path: Path, size: int, most: int) -> str:
    return (
        f"{path} has {size / 2**20:.0f} MB, and at most {most // 2**20} MB are read of such a file."
    )
