"""Result files that cannot be meant end with a sentence that says which line and why."""

from pathlib import Path

import numpy as np
import pytest

from vostool.errors import ResultError
from vostool.tracking.box_files import read_repetitions, read_trajectory
from vostool.types import Regions, RegionSequence

BOX = "1.0,1.0,5.0,5.0"


def sequence(length: int = 5) -> RegionSequence:
    truth = Regions(np.tile([1.0, 1, 5, 5], (length, 1)), np.full(length, 4))
    frames = tuple(Path(f"{index}.jpg") for index in range(length))
    return RegionSequence("bag", frames, truth, {}, (64, 48))


def write(folder: Path, lines: list[str], number: int = 1) -> Path:
    path = folder / "bag" / f"bag_{number:03d}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


GOOD = ["1", BOX, BOX, "2", "0"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (GOOD[:3], "is cut short: it has 3 lines, and sequence 'bag' has 5 frames"),
        ([], "is cut short: it has 0 lines"),
        ([*GOOD, "0"], "is of other data: it has 6 lines"),
        ([*GOOD[:2], "1,2,3,4,5", *GOOD[3:]], "line 3 has 5 numbers"),
        ([*GOOD[:2], "1.0,1.0,5", *GOOD[3:]], "line 3 has 3 numbers"),
        ([*GOOD[:2], "nan,nan,nan,nan", *GOOD[3:]], "line 3: the region is NaN"),
        (["1", "3", BOX, BOX, BOX], "line 2 has the code 3"),
        ([BOX, BOX, BOX, BOX, BOX], "does not begin with 1"),
        (["1", "2", "0", BOX, BOX], "line 4 is a region, though the target was lost before"),
        (["1", "2", BOX, BOX, BOX], "line 3 is a region, though the target was lost before"),
    ],
)
def test_one_file(tmp_path: Path, lines: list[str], message: str) -> None:
    path = write(tmp_path, lines)
    with pytest.raises(ResultError) as error:
        read_trajectory(path, sequence())
    assert str(path) in str(error.value)
    assert message in str(error.value)


def test_what_is_good(tmp_path: Path) -> None:
    found = read_trajectory(write(tmp_path, GOOD), sequence())
    assert found.counts.tolist() == [1, 4, 4, 1, 1]


def test_binary_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag/bag_001.bin").write_bytes(b"\0\1")
    with pytest.raises(ResultError, match="binary"):
        read_repetitions(tmp_path, sequence())


def test_repetitions(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"no result of sequence 'bag'.*bag_001\.txt"):
        read_repetitions(tmp_path, sequence())
    for number in (1, 2, 4):
        write(tmp_path, GOOD, number)
    (tmp_path / "bag/bag_001_confidence.value").write_text("0.5\n")
    with pytest.raises(ResultError, match="Repetition 3 of 4 of sequence 'bag' is missing"):
        read_repetitions(tmp_path, sequence())
    write(tmp_path, GOOD, 3)
    assert len(read_repetitions(tmp_path, sequence())) == 4
