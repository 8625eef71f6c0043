"""Recording by appending: whatever is killed when, a resumed run is an unbroken one."""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.runs.test_folder import MANIFEST, STATUS, steps
from vostool.io import appending, storage
from vostool.io.listing import files_below
from vostool.io.storage import place, read_bytes, staged, write_text
from vostool.runs import folder as module
from vostool.runs.folder import Finished, Manifest, RunFolder
from vostool.runs.shards import FOLDER, alive, gather

NAMES = ("bear", "goat", "video/1", "zebra")


@pytest.fixture(params=["disk", "store"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> RunFolder:
    if request.param == "disk":
        return RunFolder(tmp_path / "run")
    return RunFolder(place(f"memory://{uuid.uuid4().hex}/run", listed=False))


def tracked(run: RunFolder, name: str) -> Finished:
    partial = run.partial(name)
    with staged(partial) as local:
        (local / "00000.png").write_bytes(name.encode())
    return Finished(name, partial, STATUS, steps(name))


def start(run: RunFolder, names: tuple[str, ...] = NAMES) -> None:
    """Do what `vostool run` does: go on with what is there, sequence by sequence."""
    with run.locked():
        manifest = run.manifest() if run.exists() else replace(MANIFEST, sequences={})
        run.tidy(manifest)
        run.begin(manifest)
        for name in names:
            if name not in manifest.sequences:
                run.commit_all(manifest, [tracked(run, name)])
        run.settle()


def contents(run: RunFolder) -> dict[str, bytes]:
    names = files_below(run.path)
    return {name: read_bytes(run.path / name) for name in names if name != ".lock"}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    unbroken = RunFolder(tmp_path / "unbroken")
    start(unbroken)
    return contents(unbroken)


def test_the_files_of_a_run(whole: dict[str, bytes]) -> None:
    masks = {f"masks/{name}/00000.png" for name in NAMES}
    assert set(whole) == {"run.json", "sequences.jsonl", "times.csv", *masks}
    about = json.loads(whole["run.json"])
    assert about["schema"] == 2
    assert about.keys() == asdict(MANIFEST).keys() - {"sequences", "experiment", "imported"}
    lines = [json.loads(line) for line in whole["sequences.jsonl"].splitlines()]
    assert lines == [{"sequence": name, **asdict(STATUS)} for name in NAMES]


def test_a_store_has_the_same_at_rest(run: RunFolder, whole: dict[str, bytes]) -> None:
    start(run)
    assert contents(run) == whole


@pytest.mark.parametrize("count", [0, 1, 3, 4])
@pytest.mark.parametrize(
    "step",
    ["_times.append", "_records.append", "_show", "_place.publish", "_times.write",
     "_records.write", "begin", "_records.settle", "_times.settle"],
)  # fmt: skip
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere(
    run: RunFolder, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch,
    step: str, count: int, after: bool,
) -> None:  # fmt: skip
    """Killed before or after a step is done for the `count`th time; a kill skips what tidies up."""
    owner: object = run
    *path, method = step.split(".")
    for name in path:
        owner = getattr(owner, name)
    real, calls = getattr(owner, method), iter(range(1000))

    def stop(*arguments: object) -> None:
        last = next(calls) == count
        if last and not after:
            raise KeyboardInterrupt
        real(*arguments)
        if last:
            raise KeyboardInterrupt

    monkeypatch.setattr(owner, method, stop) if owner is run else setattr(owner, method, stop)
    monkeypatch.setattr(run, "_leave_nothing", lambda: None)
    try:
        start(run)
    except KeyboardInterrupt:
        start(RunFolder(run.path))
    assert contents(run) == whole


def test_killed_in_the_middle_of_a_line(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """A record and a row of times are cut at every byte, and the masks are hidden."""
    for file in ("sequences.jsonl", "times.csv"):
        line = whole[file].splitlines(keepends=True)[-1]
        for kept in range(len(line)):
            run = RunFolder(tmp_path / f"{file}-{kept}")
            start(run, NAMES[:3])
            manifest = run.manifest()
            tracked(run, "zebra")
            with (run.path / "times.csv").open("ab") as times:
                row = b"".join(whole["times.csv"].splitlines(keepends=True)[-2:])
                times.write(row if file != "times.csv" else row[: len(row) - len(line) + kept])
            if file == "sequences.jsonl":
                with run.records_path.open("ab") as records:
                    records.write(line[:kept])
            assert RunFolder(run.path).manifest() == manifest
            start(RunFolder(run.path))
            assert contents(run) == whole


def test_a_line_added_without_tidying_is_whole(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    start(run, NAMES[:1])
    with run.records_path.open("a") as file:
        file.write('{"sequence": "go')
    manifest = run.manifest()
    run.commit_all(manifest, [tracked(run, "zebra")])
    assert list(run.manifest().sequences) == ["bear", "zebra"]


def test_records_that_are_missing(run: RunFolder) -> None:
    start(run)
    storage.remove(run.records_path)
    with pytest.raises(module.ResultError, match=r"sequences\.jsonl is missing"):
        run.manifest()


@pytest.mark.parametrize("known", [1500, 3000])
def test_a_commit_costs_the_same_in_any_run(
    run: RunFolder, known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Count bytes that are written and files that are opened, not seconds."""
    manifest = replace(MANIFEST, sequences={})
    with run.locked():
        run.tidy(manifest)
        run.begin(manifest)
        run.commit_all(manifest, [tracked(run, f"old-{n:05d}") for n in range(known)])
        run.commit_all(manifest, [tracked(run, "one")])
        more = tracked(run, "more")
        written: list[int] = []
        read: list[Path] = []
        files = run.path.fs if storage.is_remote(run.path) else None

        def counting(real: Callable[..., object]) -> Callable[..., object]:
            def counted(where: object, data: bytes, *rest: object, **named: object) -> object:
                written.append(len(data))
                return real(where, data, *rest, **named)

            return counted

        if files is None:
            monkeypatch.setattr(appending, "_write", counting(appending._write))
            monkeypatch.setattr(Path, "write_bytes", counting(Path.write_bytes))
            monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path))
            monkeypatch.setattr(os, "listdir", lambda path: read.append(path))
        else:
            monkeypatch.setattr(files, "pipe_file", counting(files.pipe_file))
            monkeypatch.setattr(files, "find", lambda path, **_: read.append(path))
            monkeypatch.setattr(files, "ls", lambda path, **_: read.append(path))
        run.commit_all(manifest, [more])
        monkeypatch.undo()
    lines = len(json.dumps({"sequence": "more", **asdict(STATUS)})) + 1
    assert read == []
    assert len(written) == 2
    # On a store the lines of the sequence before are sent once more, see `StoreLog`.
    assert lines < sum(written) < (3 if files else 2) * (lines + 100)
    assert len(run.manifest().sequences) == known + 2


# --- folders of schema 1 ---


def of_schema_1(run: RunFolder, names: tuple[str, ...] = NAMES[:3]) -> None:
    """Leave a run as vostool did before: everything in `run.json`."""
    start(run, names)
    values = json.loads(read_bytes(run.manifest_path))
    records = read_bytes(run.records_path).splitlines()
    statuses = {(each := json.loads(line)).pop("sequence"): each for line in records}
    for status in statuses.values():
        del status["spared"]  # it came later
    write_text(run.manifest_path, json.dumps(values | {"schema": 1, "sequences": statuses}))
    storage.remove(run.records_path)


def test_an_old_folder_is_read(run: RunFolder) -> None:
    of_schema_1(run)
    manifest = run.manifest()
    assert manifest == replace(MANIFEST, sequences=dict.fromkeys(NAMES[:3], STATUS))
    assert run.complete(manifest) == set(NAMES[:3])
    run.require(manifest, NAMES[:3])


def test_an_old_folder_is_resumed(run: RunFolder, whole: dict[str, bytes]) -> None:
    of_schema_1(run)
    start(RunFolder(run.path))
    assert contents(run) == whole


@pytest.mark.parametrize("step", ["_records", "begin", "_times"])
def test_an_old_folder_is_resumed_and_that_killed(
    run: RunFolder, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    of_schema_1(run)
    killed = RunFolder(run.path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    if step == "begin":  # the records are written, run.json is not
        monkeypatch.setattr(killed, step, stop)
    else:  # before the first record is added; before the first row is
        getattr(killed, step).append = stop
    with pytest.raises(KeyboardInterrupt):
        start(killed)
    assert set(run.manifest().sequences) >= set(NAMES[:3])
    start(RunFolder(run.path))
    assert contents(run) == whole


def test_old_folders_and_old_shards_are_gathered(tmp_path: Path, whole: dict[str, bytes]) -> None:
    run = RunFolder(tmp_path / "run")
    of_schema_1(run, NAMES[:1])
    shards = [RunFolder(run.path / FOLDER / f"{n}-of-2.x") for n in (1, 2)]
    for shard, names in zip(shards, (NAMES[1:3], NAMES[3:]), strict=True):
        with alive(shard.path):
            manifest: Manifest = replace(MANIFEST, sequences={})
            shard.begin(manifest)
            for name in names:
                shard.commit_all(manifest, [tracked(shard, name)])
    of_schema_1(shards[0], NAMES[1:3])
    with run.locked():
        gather(run)
    assert contents(run).keys() == whole.keys()
    assert set(run.manifest().sequences) == set(NAMES) == run.complete(run.manifest())
    assert run.times() == [step for name in NAMES for step in steps(name)]


# --- starts that come to nothing ---


def fail(run: RunFolder) -> None:
    """Begin, or go on, and come to nothing in the middle of a sequence."""
    with run.locked():
        manifest = run.manifest() if run.exists() else replace(MANIFEST, sequences={})
        run.tidy(manifest)
        run.begin(manifest)
        assert run.is_begun()
        run.partial("zebra")
        raise ZeroDivisionError


def test_a_start_that_fails_leaves_nothing(run: RunFolder) -> None:
    with pytest.raises(ZeroDivisionError):
        fail(run)
    assert contents(run) == {}
    assert not run.path.exists()


def test_a_start_that_fails_leaves_what_was_recorded(run: RunFolder) -> None:
    start(run, NAMES[:1])
    before = contents(run)
    with pytest.raises(ZeroDivisionError):
        fail(run)
    assert contents(run) == before


def test_a_start_that_is_refused_leaves_masks_of_others(run: RunFolder) -> None:
    tracked(run, "bear")
    before = contents(run)
    assert len(before) == 1
    with run.locked():
        pass
    assert contents(run) == before


def test_a_start_leaves_what_others_put_there(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    (run.path / "scores").mkdir(parents=True)
    (run.path / "scores/notes.txt").write_text("mine")
    with run.locked():
        pass
    assert (run.path / "scores/notes.txt").read_text() == "mine"
