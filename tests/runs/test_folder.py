"""The run folder: what is written is read back, and whatever was damaged or killed is noticed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vostool.errors import ResultError
from vostool.io.label_maps import write_labels
from vostool.io.storage import write_text
from vostool.runs.folder import Manifest, RunFolder, SequenceStatus, runs_in
from vostool.tracking.timing import StepTime

MANIFEST = Manifest(
    run="mine",
    tracker="copy_first",
    config_name="default",
    config={"alpha": 0.5, "scales": [1, 2]},
    code="c0de",
    init="mask",
    weights={"path": "/somewhere/w.pth", "sha256": "abc"},
    dataset="DAVIS2016",
    split="val",
    root="/data/DAVIS",
    device="cpu",
    device_name="A processor",
    precision="fp32",
    fps_protocol="step-wall",
    seed=0,
    versions={"python": "3.11"},
    git=None,
    created="2025-01-01T00:00:00+00:00",
)
STATUS = SequenceStatus("0123456789abcdef", "fedcba9876543210", 1, 1, 0.75, 1, "A processor", None)


def steps(sequence: str = "bear", count: int = 2) -> list[StepTime]:
    return [StepTime(sequence, f"{i:05d}", 1, int(i == 0), 1 / 3 + i) for i in range(count)]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "results/DAVIS2016/mine")


@pytest.fixture
def commit(run: RunFolder) -> Callable[..., Manifest]:
    """Return a function that makes sequences part of the run."""
    manifest = replace(MANIFEST, sequences={})

    def commit_all(*names: str) -> Manifest:
        for name in names:
            partial = run.partial(name)
            write_labels(partial / "00000.png", np.zeros((2, 2), np.uint8))
            run.commit(manifest, name, partial, STATUS, steps(name))
        return manifest

    return commit_all


# --- run.json ---


def test_a_manifest_is_read_back(run: RunFolder) -> None:
    manifest = replace(MANIFEST, sequences={"bear": STATUS, "goat": STATUS})
    run.write_manifest(manifest)
    assert run.manifest() == manifest


def test_no_manifest(run: RunFolder) -> None:
    assert not run.exists()
    with pytest.raises(ResultError, match=r"mine is no run folder: it has no run\.json"):
        run.manifest()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"schema": 1}',
        b'{"schema": 1, "sequences": []}',
        b'{"schema": 1, "sequences": {"a": {"frames": 3}}}',
        b'{"schema": 2}',
        b'{"schema": 2, "surprise": 1}',
        b"\xff\xfe\x00",
    ],
)
def test_a_damaged_manifest(run: RunFolder, content: bytes) -> None:
    run.write_manifest(MANIFEST)
    run.manifest_path.write_bytes(content)
    with pytest.raises(ResultError, match=r"run\.json (is damaged|has the schema)"):
        run.manifest()


@pytest.mark.parametrize("change", [{"frames": 1}, {"surprise": 1}])
def test_a_status_of_other_keys(run: RunFolder, change: dict[str, int]) -> None:
    run.write_manifest(replace(MANIFEST, sequences={"bear": STATUS, "goat": STATUS}))
    lines = run.records_path.read_text().splitlines()
    lines[1] = json.dumps({"sequence": "goat", **change})
    run.records_path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ResultError, match=r"sequences\.jsonl, line 2, is damaged"):
        run.manifest()


def test_a_newer_schema(run: RunFolder) -> None:
    run.write_manifest(MANIFEST)
    values = {**json.loads(run.manifest_path.read_text()), "schema": 3, "news": True}
    run.manifest_path.write_text(json.dumps(values))
    with pytest.raises(ResultError, match=r"has the schema 3, this vostool reads 1 and 2.*Use the"):
        run.manifest()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tracker": "box_fill"}, "tracker (copy_first -> box_fill)"),
        (
            {"config": {"alpha": 0.7, "scales": [1, 2]}},
            "configuration (alpha: 0.5 -> 0.7)",
        ),
        ({"config": {}}, "configuration (alpha: 0.5 -> None, scales: [1, 2] -> None)"),
        ({"weights": {"path": "/w.pth", "sha256": "def"}}, "weights (abc -> def)"),
        ({"weights": None}, "weights (abc -> none)"),
        ({"split": "train"}, "split (val -> train)"),
        ({"device": "cuda"}, "device (cpu -> cuda)"),
        ({"precision": "fp16"}, "precision (fp32 -> fp16)"),
        ({"seed": 1}, "seed (0 -> 1)"),
    ],
)
def test_what_makes_another_run(change: dict[str, object], words: str) -> None:
    assert MANIFEST.differences(replace(MANIFEST, **change)) == [words]


@pytest.mark.parametrize(
    "change",
    [
        {"weights": {"path": "/elsewhere/w.pth", "sha256": "abc"}},
        {"root": "/other", "created": "later", "versions": {}, "git": "123", "run": "yours"},
        {"sequences": {"bear": STATUS}},
    ],
)
def test_what_does_not(change: dict[str, object]) -> None:
    assert MANIFEST.differences(replace(MANIFEST, **change)) == []


# --- sequences ---


def test_a_sequence_is_complete_or_absent(run: RunFolder, commit) -> None:
    manifest = commit("bear")
    growing = run.partial("goat")
    write_labels(growing / "00000.png", np.zeros((2, 2), np.uint8))
    assert run.complete(manifest) == {"bear"}
    assert run.complete(run.manifest()) == {"bear"}
    assert (run.masks / "bear/00000.png").is_file()


def test_killed_before_the_rename(run: RunFolder, commit) -> None:
    """Times and status are written, the masks still hidden: the sequence is done again."""
    manifest = commit("bear", "goat")
    (run.masks / "goat").rename(run.masks / ".goat.partial")
    assert run.complete(run.manifest()) == {"bear"}
    run.tidy(manifest)
    assert [path.name for path in run.masks.iterdir()] == ["bear"]
    assert run.times() == steps("bear")


def test_a_new_start_of_a_sequence_begins_with_nothing(run: RunFolder) -> None:
    write_labels(run.partial("bear") / "00000.png", np.zeros((2, 2), np.uint8))
    assert list(run.partial("bear").iterdir()) == []


def test_masks_that_were_removed_are_missing(run: RunFolder, commit) -> None:
    manifest = commit("bear", "goat")
    (run.masks / "bear/00000.png").unlink()
    (run.masks / "bear").rmdir()
    assert run.complete(manifest) == {"goat"}


# --- times.csv ---


def test_times_are_read_back_to_the_last_bit(run: RunFolder, commit) -> None:
    commit("bear", "goat")
    assert run.times() == steps("bear") + steps("goat")


def test_no_times_yet(run: RunFolder) -> None:
    assert run.times() == []


@pytest.mark.parametrize("kept", range(1, 16))
def test_a_last_row_left_unfinished(run: RunFolder, commit, kept: int) -> None:
    """Cut the last row, `goat,00001,1,0,1.3333333333333333`, anywhere before its time."""
    commit("bear", "goat")
    text = run.times_path.read_text()
    row = text.splitlines()[-1]
    run.times_path.write_text(text[: text.rindex(row) + kept])
    assert run.times() == [*steps("bear"), *steps("goat", 1)]


def test_rows_added_after_an_unfinished_one(run: RunFolder, commit) -> None:
    """Killed while writing the times of `goat`, then resumed: nothing is lost or doubled."""
    manifest = commit("bear")
    with run.times_path.open("a") as file:
        file.write("goat,00000,1,1,12.5\ngoat,000")
    run.tidy(manifest)
    commit("goat")
    assert run.times() == steps("bear") + steps("goat")


def test_tidy_of_a_whole_run_changes_nothing(run: RunFolder, commit) -> None:
    manifest = commit("bear", "goat")
    before = run.times_path.read_bytes()
    run.tidy(manifest)
    assert run.times_path.read_bytes() == before
    assert run.complete(manifest) == {"bear", "goat"}


# --- one process at a time ---


def test_a_run_is_written_by_one_process(run: RunFolder) -> None:
    with (
        run.locked(),
        pytest.raises(ResultError, match=r"Another vostool is writing .*mine"),
        RunFolder(run.path).locked(),
    ):
        pytest.fail("both hold the lock")


def test_the_lock_is_free_afterwards(run: RunFolder) -> None:
    for _ in range(2):
        with run.locked():
            assert run.masks.is_dir()


def test_an_error_frees_the_lock(run: RunFolder) -> None:
    with pytest.raises(ZeroDivisionError), run.locked():
        raise ZeroDivisionError
    with run.locked():
        pass


# --- files ---


def test_text_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep/a.txt"
    write_text(path, "first")

    def full_disk(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "second")
    assert path.read_bytes() == b"first"


def test_runs_are_the_folders_with_a_manifest(tmp_path: Path) -> None:
    for name in ("b", "a"):
        RunFolder(tmp_path / name).write_manifest(MANIFEST)
    (tmp_path / "scores").mkdir()
    (tmp_path / "summary.csv").write_text("")
    assert [run.name for run in runs_in(tmp_path)] == ["a", "b"]
    assert runs_in(tmp_path / "absent") == []
