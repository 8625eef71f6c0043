"""Result files of the VOT experiment, as pysot and vot-toolkit write and read them.

    <folder>/baseline/<sequence>/<sequence>_001.txt      a line per frame; 002, ... if repeated

1 is a start, 2 a failure, 0 a frame that was left out after it; any other line is a region.
"""

import re
from pathlib import Path

import numpy as np

from vostool.errors import ResultError
from vostool.io.listing import entries, is_folder
from vostool.io.regions import parse_regions
from vostool.io.text import read_outside
from vostool.metrics.vot import FAILED, SKIPPED, STARTED
from vostool.types import Regions, RegionSequence

BASELINE = "baseline"


def results_root(folder: Path) -> Path:
    """Return the folder of the sequences in a folder of results.

    Raises:
        ResultError: it is no folder.
    """
    if not is_folder(folder):
        raise ResultError(f"{folder} is not a folder of results.")
    return folder / BASELINE if is_folder(folder / BASELINE) else folder


def file_name(sequence: str, repetition: int) -> str:
    """Return the name of a result file; repetitions are counted from 1."""
    return f"{sequence}_{repetition:03d}.txt"


def read_repetitions(root: Path, sequence: RegionSequence) -> list[Regions]:
    """Read all repetitions of a sequence.

    Args:
        root: folder of the sequences.
        sequence: its ground truth.

    Raises:
        ResultError: there is none, one between others is missing, or a file is damaged.
    """
    folder = root / sequence.name
    pattern = re.compile(re.escape(sequence.name) + r"_(\d{3})\.(txt|bin)")
    found: dict[int, Path] = {}
    for place in (folder, root):  # or all results in one folder
        for path in sorted(entry.path for entry in entries(place)) if not found else ():
            match = pattern.fullmatch(path.name)
            if match:
                found[int(match[1])] = path
    if not found:
        raise ResultError(
            f"There is no result of sequence '{sequence.name}': {folder} has no "
            f"{file_name(sequence.name, 1)}. Name the folder that holds {BASELINE}/, or choose "
            "sequences with --sequences."
        )
    for number in range(1, max(found) + 1):
        if number not in found:
            raise ResultError(
                f"Repetition {number} of {max(found)} of sequence '{sequence.name}' is missing: "
                f"{folder / file_name(sequence.name, number)}. Run it again, or remove those after."
            )
    return [read_trajectory(found[number], sequence) for number in sorted(found)]


def read_trajectory(path: Path, sequence: RegionSequence) -> Regions:
    """Read one result file.

    Raises:
        ResultError: it does not have a line for each frame of the sequence, or a line is none.
    """
    if path.suffix == ".bin":
        raise ResultError(
            f"{path} is binary. Set results_binary of vot-toolkit to false, and run again."
        )
    regions = parse_regions(read_outside(path, ResultError), path, ResultError)
    check_length(regions, path, sequence)
    codes = regions.counts == 1
    values = regions.values[:, 0]
    strange = np.flatnonzero(codes & ~np.isin(values, (SKIPPED, STARTED, FAILED)))
    if len(strange):
        raise ResultError(
            f"{path}, line {strange[0] + 1} has the code {values[strange[0]]:g}. Codes are 1 "
            "(start), 2 (failure) and 0 (left out)."
        )
    if not codes[0] or values[0] != STARTED:
        raise ResultError(
            f"{path} does not begin with 1, the code of a start. Is it of another experiment? "
            "Results without restarts are scored with OTB-like datasets."
        )
    _check_order(np.where(codes, values, -1), path)
    return regions


def check_length(regions: Regions, path: Path, sequence: RegionSequence) -> None:
    """Raise ResultError if a result does not have a line for each frame."""
    if len(regions) != len(sequence):
        what = "is cut short" if len(regions) < len(sequence) else "is of other data"
        raise ResultError(
            f"{path} {what}: it has {len(regions)} lines, and sequence '{sequence.name}' has "
            f"{len(sequence)} frames. Run that sequence again."
        )


def _check_order(codes: np.ndarray, path: Path) -> None:
    """Raise ResultError if a tracker goes on after a failure without a start."""
    lost = False
    for index in np.flatnonzero(np.diff(codes, prepend=codes[0] - 1) != 0).tolist():
        code = codes[index]
        if lost and code == -1:
            raise ResultError(
                f"{path}, line {index + 1} is a region, though the target was lost before and "
                "there is no start (1) between."
            )
        lost = code == FAILED or (lost and code != STARTED)
