"""Boxes and polygons: reading and writing them as text, and what a mask becomes as one.

A line of a file is a region: one number is a code, four are a box `x,y,w,h`, six or more are a
polygon `x1,y1,x2,y2,...`. Coordinates are pixels; a box ends before x + w.
"""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vostool.errors import DataError, DatasetError
from vostool.types import Floats, Regions


def parse_regions(
    text: str, path: Path, error: type[DataError], *, absent: bool = False
) -> Regions:
    """Read one region a line.

    Args:
        text: contents of the file; numbers stand between commas, or between blanks if there is no
            comma, as in some folders of OTB.
        path: where it is from, for messages.
        error: what is raised.
        absent: a region with a NaN means that the object is not there; otherwise that is an error.

    Raises:
        DataError: a line is no region; of the given kind.
    """
    lines = text.rstrip().split("\n") if text.strip() else []
    if text.count(",") < 3 * len(lines):  # some line has blanks, tabs or semicolons instead
        lines = [line if "," in line else _with_commas(line) for line in lines]
    counts = np.array([line.count(",") + 1 for line in lines], np.intp)
    numbers = _numbers(lines, int(counts.sum()), path, error)
    _check_counts(lines, counts, path, error)
    values = np.full((len(lines), int(counts.max(initial=1))), np.nan)
    values[np.arange(values.shape[1]) < counts[:, None]] = numbers
    missing = np.isnan(values).sum(axis=1) > values.shape[1] - counts
    if missing.any() and not absent:
        line = int(np.flatnonzero(missing)[0])
        hint = "Write 0 for a frame without one in results of VOT, and 0,0,0,0 in those of OTB."
        if error is DatasetError:
            hint = "Unpack the dataset again."
        raise error(f"{path}, line {line + 1}: the region is NaN ({_shown(lines[line])}). {hint}")
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        line = int(np.flatnonzero(infinite)[0])
        raise error(f"{path}, line {line + 1}: {_shown(lines[line])} is no region of finite size.")
    return Regions(values, np.where(missing, 0, counts))


def _with_commas(line: str) -> str:
    return ",".join(line.replace(";", " ").split())


def _numbers(lines: list[str], count: int, path: Path, error: type[DataError]) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old numpy's way to say: no number
        try:
            numbers = np.fromstring(",".join(lines), np.float64, sep=",")
        except ValueError:
            numbers = np.zeros(0)
    if len(numbers) == count and count:
        return numbers
    for number, line in enumerate(lines):
        try:
            [float(field) for field in line.split(",")]
        except ValueError:
            raise error(
                f"{path}, line {number + 1}: {_shown(line)} are not numbers with commas between."
            ) from None
    # Python reads what numpy does not, such as 1_000.
    return np.array([float(field) for line in lines for field in line.split(",")])


def _check_counts(
    lines: list[str], counts: NDArray[np.intp], path: Path, error: type[DataError]
) -> None:
    odd = (counts % 2 == 1) & (counts != 1)
    wrong = np.flatnonzero(odd | (counts == 2))
    if len(wrong):
        line = int(wrong[0])
        raise error(
            f"{path}, line {line + 1} has {counts[line]} numbers ({_shown(lines[line])}). A region "
            "is a code, a box of 4 numbers, or a polygon of 6, 8 or more, two for each corner."
        )


def _shown(line: str) -> str:
    return repr(line if len(line) <= 40 else line[:37] + "...")


def format_region(values: Floats) -> str:
    """Return numbers as a line of a result file, with four digits as the toolkits write them."""
    return ",".join(f"{value:.4f}" for value in values.tolist())
