"""Text files of a disk that grow by lines, whatever is killed in the middle of one.

A line counts once its end is written. What a kill, or a full disk, left behind the last end is not
read, and is cut off before the next line is added.
"""

import os
from io import FileIO
from pathlib import Path

from vostool.io.storage import read_bytes, write_text


def whole_lines(text: str) -> str:
    """Return a text without what follows its last end of a line."""
    return text[: text.rfind("\n") + 1]


class AppendedFile:
    """A text file to which lines are added; adding takes as long whatever it holds.

    Args:
        path: of the file, on a disk.
        heading: its first line with the end, empty if it has none.
    """

    def __init__(self, path: Path, heading: str = "") -> None:
        self._path = path
        self._heading = heading

    def read(self) -> str | None:
        """Return its whole lines, heading included; None if there is no such file."""
        try:
            return whole_lines(read_bytes(self._path).decode("utf-8", "replace"))
        except FileNotFoundError:
            return None

    def append(self, lines: str) -> None:
        """Add lines; if that fails, e.g. because the disk is full, none of them is there.

        Args:
            lines: each with its end.
        """
        with self._path.open("a+b", buffering=0) as file:
            end = _cut(file)
            try:
                _write(file, (lines if end else self._heading + lines).encode())
            except BaseException:
                file.truncate(end)
                raise

    def write(self, lines: str) -> None:
        """Replace all lines at once by others, which do not include the heading."""
        write_text(self._path, self._heading + lines)

    def settle(self) -> None:
        """Cut off what is no whole line."""
        if self._path.exists():
            with self._path.open("a+b", buffering=0) as file:
                _cut(file)

    def clear(self) -> None:
        """Remove the file if it is there."""
        self._path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Expect that others may have written: nothing is remembered anyway."""


def _cut(file: FileIO) -> int:
    """Cut off what is no whole line; returns the bytes that are left."""
    end = file.seek(0, os.SEEK_END)
    if end:
        file.seek(end - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            end = file.readall().rfind(b"\n") + 1
            file.truncate(end)
    return end


def _write(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
