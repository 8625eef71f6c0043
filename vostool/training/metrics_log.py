"""The training curve: `metrics.csv`, and TensorBoard's files where it is installed."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from vostool.io.storage import write_text

Row = Mapping[str, float | int]


class MetricsLog:
    """Rows by step, appended one by one.

    A later row may add columns, e.g. the first validation; the file is then rewritten. Numbers
    are written so that they read back exactly.

    Args:
        path: of the CSV.
        step: where training resumes; rows that a killed training wrote for later steps are dropped.
    """

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept = [row for row in _read(path) if int(row["step"]) <= step]
        self._columns = list(kept[0]) if kept else []
        if kept:
            self._rewrite(kept)
        else:
            path.unlink(missing_ok=True)

    def add(self, row: Row) -> None:
        """Append a row; it holds `step`."""
        texts = {name: repr(value) for name, value in row.items()}
        new = [name for name in row if name not in self._columns]
        if new:
            before = _read(self.path)
            self._columns += new
            self._rewrite([*before, texts])
            return
        with self.path.open("a", newline="", encoding="utf-8") as file:
            file.write(_csv_line([texts.get(name, "") for name in self._columns]))

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        lines = [[row.get(name, "") for name in self._columns] for row in rows]
        write_text(self.path, "".join(map(_csv_line, [self._columns, *lines])))


def _read(path: Path) -> list[dict[str, str]]:
    """Read the rows; a torn last line is dropped."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]
    rows = []
    for row in csv.DictReader(io.StringIO(whole, newline="")):
        if None in row or None in row.values() or not str(row.get("step", "")).isdigit():
            continue
        rows.append(dict(row))
    return rows


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


class MetricWriter(Protocol):
    """Another writer of the curve."""

    def add(self, row: Row) -> None:
        """Add a row."""


class _TensorBoard:
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add(self, row: Row) -> None:
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(name, value, row["step"])
        self._writer.flush()


def tensorboard(folder: Path, step: int) -> MetricWriter | None:
    """Return a writer of TensorBoard's files, or None where it is not installed.

    Args:
        folder: of the files.
        step: where training resumes; what was written for later steps is hidden.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return _TensorBoard(SummaryWriter(str(folder), purge_step=step + 1))  # type: ignore[no-untyped-call,unused-ignore]
