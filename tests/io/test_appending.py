"""Files that grow by lines: what a kill leaves of one is not read, and does not spoil the next."""

from pathlib import Path

import pytest

from vostool.io import appending as module
from vostool.io.appending import AppendedFile

HEADING, LINES = "name,value\n", "bär,1\ngoat,22\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_nothing_is_there(path: Path) -> None:
    file = AppendedFile(path, HEADING)
    assert file.read() is None
    file.settle()
    file.clear()
    assert not path.exists()


def test_lines_are_added_below_one_heading(path: Path) -> None:
    for line in LINES.splitlines(keepends=True):
        AppendedFile(path, HEADING).append(line)
    assert path.read_bytes() == (HEADING + LINES).encode()
    assert AppendedFile(path, HEADING).read() == HEADING + LINES


@pytest.mark.parametrize("kept", range(len((HEADING + LINES).encode()) + 1))
def test_cut_anywhere(path: Path, kept: int) -> None:
    left = (HEADING + LINES).encode()[:kept]
    whole = left[: left.rfind(b"\n") + 1].decode()
    for settle in (False, True):
        path.write_bytes(left)
        file = AppendedFile(path, HEADING)
        assert file.read() == whole
        if settle:
            file.settle()
            assert path.read_bytes() == whole.encode()
        file.append("cat,3\n")
        assert file.read() == (whole or HEADING) + "cat,3\n"
        assert path.read_bytes() == ((whole or HEADING) + "cat,3\n").encode()


def test_a_full_disk_leaves_none_of_the_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = AppendedFile(path, HEADING)
    file.append(LINES)
    before = path.read_bytes()

    def half(opened, data):
        opened.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write", half)
        with pytest.raises(OSError, match="No space"):
            file.append("cat,3\ncow,4\n")
    assert path.read_bytes() == before


def test_all_lines_are_replaced(path: Path) -> None:
    file = AppendedFile(path, HEADING)
    file.append(LINES)
    file.write("cat,3\n")
    assert path.read_text() == HEADING + "cat,3\n"
