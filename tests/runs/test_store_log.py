"""Files of a store that grow by lines: what is sent for a line does not depend on how many are."""

import uuid
from pathlib import Path

import pytest

from vostool.io.listing import files_below
from vostool.io.storage import place, write_text
from vostool.runs import store_log as module
from vostool.runs.store_log import PART, StoreLog

HEADING = "sequence,frame\n"


@pytest.fixture
def path() -> Path:
    return place(f"memory://{uuid.uuid4().hex}/run/times.csv", listed=False)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of what is sent from now on."""
    sizes: list[int] = []

    def counted(where: Path, text: str) -> None:
        sizes.append(len(text))
        write_text(where, text)

    monkeypatch.setattr(module, "write_text", counted)
    return sizes


def lines(first: int, count: int) -> list[str]:
    return [f"sequence-{number:06d},00000\n" for number in range(first, first + count)]


def test_nothing_is_there(path: Path) -> None:
    log = StoreLog(path, HEADING)
    assert log.read() is None
    log.settle()
    assert files_below(path.parent) == {}


def test_what_is_sent_is_bounded(path: Path, sent: list[int]) -> None:
    log, many = StoreLog(path, HEADING), lines(0, 9000)
    for line in many:
        log.append(line)
    assert len(sent) == 9000
    assert max(sent) < PART + len(many[0])
    parts = len(many[0]) * 9000 // PART
    assert parts >= 3
    assert len(files_below(path.parent)) == pytest.approx(parts, abs=1)
    assert StoreLog(path, HEADING).read() == HEADING + "".join(many)


def test_at_rest_it_is_one_object(path: Path) -> None:
    log = StoreLog(path, HEADING)
    for line in lines(0, 3):
        log.append(line)
    log.settle()
    assert set(files_below(path.parent)) == {"times.csv"}
    assert path.read_text() == HEADING + "".join(lines(0, 3)) == log.read()
    log.append(*lines(3, 1))
    assert log.read() == HEADING + "".join(lines(0, 4))


def test_another_writer_replaces_no_part(path: Path) -> None:
    first, second = StoreLog(path), StoreLog(path)
    first.append(*lines(0, 1))
    second.append(*lines(1, 1))
    first.forget()  # as when the run is locked again
    first.append(*lines(2, 1))
    assert StoreLog(path).read() == "".join(lines(0, 3))


def test_killed_before_the_parts_are_removed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = StoreLog(path, HEADING)
    for line in lines(0, 3):
        log.append(line)

    def killed(where: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            log.settle()
    assert len(files_below(path.parent)) == 2
    again = StoreLog(path, HEADING)
    assert again.read() == HEADING + "".join(lines(0, 3))
    again.append(*lines(3, 1))
    again.settle()
    assert path.read_text() == HEADING + "".join(lines(0, 4))
