"""Files of an object store that grow by lines: a store replaces objects whole and adds to none.

Lines are added to a small object, `.parts/<file>/<number>`, which is replaced until it is of
`PART` bytes; then the next one is begun. So what is sent for a line is bounded, whatever the file
holds. When a run comes to rest its parts become one object, `<file>`, and are removed.
"""

from pathlib import Path

from vostool.io.appending import whole_lines
from vostool.io.listing import entries
from vostool.io.storage import each_at_once, is_read_only, read_bytes, remove, write_text

PART = 1 << 16  # bytes of an object after which the next one is begun


class StoreLog:
    """A text file to which lines are added, on a store.

    Args:
        path: of the file at rest.
        heading: its first line with the end, empty if it has none.
    """

    def __init__(self, path: Path, heading: str = "") -> None:
        self._path = path
        self._heading = heading
        self._parts = path.parent / ".parts" / path.name
        self.forget()

    def forget(self) -> None:
        """Expect that others may have written: the next line begins an object."""
        self._number: int | None = None
        self._text = ""

    def read(self) -> str | None:
        """Return its whole lines, heading included; None if nothing of it is there."""
        # Parts are read first: those that become part of the file meanwhile are found there.
        added = each_at_once(_text, self._there())
        whole = _text(self._path)
        if whole is None and all(text is None for text in added):
            return None
        whole = self._heading if whole is None else whole_lines(whole)
        if not any(added):
            return whole
        known = set(whole.split("\n"))  # killed before the parts of the file were removed
        lines = (line for text in added if text for line in text.split("\n")[:-1])
        return whole + "".join(f"{line}\n" for line in lines if line not in known)

    def append(self, lines: str) -> None:
        """Add lines, each with its end, by one request; they appear together or not at all."""
        if self._number is None:
            self._number = max((int(path.name) for path in self._there()), default=0) + 1
        elif len(self._text) >= PART:
            self._number, self._text = self._number + 1, ""
        write_text(self._parts / f"{self._number:08d}", self._text + lines)
        self._text += lines

    def write(self, lines: str) -> None:
        """Replace all lines by others, which do not include the heading."""
        write_text(self._path, self._heading + lines)
        remove(self._parts)
        self.forget()

    def settle(self) -> None:
        """Make one object of the parts."""
        if self._there():
            self.write((self.read() or "").removeprefix(self._heading))

    def clear(self) -> None:
        """Remove all of it."""
        remove(self._parts)
        remove(self._path)
        self.forget()

    def _there(self) -> list[Path]:
        if is_read_only(self._path):  # at rest, and a server may not list
            return []
        return sorted(entry.path for entry in entries(self._parts) if entry.path.name.isdigit())


def _text(path: Path) -> str | None:
    try:
        return read_bytes(path).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
