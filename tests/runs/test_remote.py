"""Run folders on a store: a sequence is recorded last, and only what is recorded counts."""

import uuid
from pathlib import Path

import pytest

from vostool.errors import ResultError
from vostool.io.storage import place, read_bytes, remove, staged, write_bytes
from vostool.runs.folder import Finished, Manifest, RunFolder, SequenceStatus
from vostool.runs.layouts import BOXES, RESTARTS, Layout
from vostool.runs.lookup import all_runs, find_run, remove_run
from vostool.tracking.box_files import file_name
from vostool.tracking.timing import StepTime


def manifest() -> Manifest:
    return Manifest(
        run="r",
        tracker="t",
        config_name="default",
        config={},
        code="c",
        init="mask",
        weights=None,
        dataset="D",
        split="val",
        root="s3://bucket/D",
        device="cpu",
        device_name="CPU",
        precision="fp32",
        fps_protocol="step-wall",
        seed=0,
        versions={},
        git=None,
        created="2026-01-01",
    )


def status(frames: int = 3) -> SequenceStatus:
    return SequenceStatus("f", "m", frames, 1, 1.0, 1, "CPU", None)


def finished(run: RunFolder, name: str, files: int = 3) -> Finished:
    """Track a sequence as a worker does: into a folder of this machine that is sent."""
    partial = run.partial(name)
    with staged(partial) as local:
        for index in range(files):
            (local / f"{index:05d}.png").write_bytes(name.encode())
    steps = [StepTime(name, f"{index:05d}", 1, int(index == 0), 0.5) for index in range(files)]
    return Finished(name, partial, status(files), steps)


@pytest.fixture
def results() -> Path:
    return place(f"memory://{uuid.uuid4().hex}/results", listed=False)


@pytest.fixture
def run(results: Path) -> RunFolder:
    return RunFolder(results / "D/r")


def test_what_is_sent_counts_when_it_is_recorded(run: RunFolder) -> None:
    made = manifest()
    with run.locked():
        run.tidy(made)
        run.begin(made)
        first = finished(run, "bear")
        assert run.is_begun()
        assert not run.exists()
        run.commit_all(made, [first])
        assert run.complete(run.manifest()) == {"bear"}
        second, third = finished(run, "video/001"), finished(run, "goat")
        run.commit_all(made, [second, third])
    assert run.complete(run.manifest()) == {"bear", "video/001", "goat"}
    assert [step.sequence for step in run.times()] == 3 * ["bear"] + 3 * ["video/001"] + 3 * [
        "goat"
    ]
    assert run.has_masks()


def test_the_next_start_removes_what_is_not_recorded(run: RunFolder) -> None:
    made = manifest()
    with run.locked():
        run.tidy(made)
        run.commit_all(made, [finished(run, "bear")])
        finished(run, "goat")  # killed before it was recorded
    with run.locked():
        again = run.manifest()
        run.tidy(again)
        assert run.complete(again) == {"bear"}
    assert not run.masks.joinpath("goat").is_dir()


def test_a_recorded_sequence_that_lost_masks_is_recorded_no_more(run: RunFolder) -> None:
    made = manifest()
    with run.locked():
        run.tidy(made)
        run.commit_all(made, [finished(run, "bear"), finished(run, "goat")])
    remove(run.masks / "bear/00001.png")
    assert run.complete(run.manifest()) == {"goat"}
    with run.locked():
        run.tidy(run.manifest())
        # Killed here, while masks are sent again, and all three are there by chance.
        finished(run, "bear")
    assert run.complete(run.manifest()) == {"goat"}
    assert {step.sequence for step in run.times()} == {"goat"}


def test_a_writer_that_lost_its_lock_records_nothing(run: RunFolder) -> None:
    made = manifest()
    with run.locked():
        run.tidy(made)
        run.commit_all(made, [finished(run, "bear")])
        late = finished(run, "goat")
        lock = read_bytes(run.path / ".lock")
        write_bytes(run.path / ".lock", lock.replace(b'"token": "', b'"token": "other'))
        with pytest.raises(ResultError, match="was taken over"):
            run.commit_all(made, [late])
    assert set(run.manifest().sequences) == {"bear"}


def test_a_torn_table_of_times_is_read(run: RunFolder) -> None:
    write_bytes(run.times_path, b"sequence,frame,objects,prompts,ms\nbear,00000,1,1,0.5\nbear,000")
    assert [step.frame for step in run.times()] == ["00000"]


def test_runs_are_found_and_removed(results: Path) -> None:
    for name in ("one", "two"):
        run = RunFolder(results / f"D/{name}")
        with run.locked():
            made = manifest()
            run.tidy(made)
            run.commit_all(made, [finished(run, "bear")])
    write_bytes(results / "D/scores/theirs/masks.txt", b"")
    assert [run.name for run in all_runs(results)] == ["one", "two"]
    remove_run(find_run(results, "one"))
    assert [run.name for run in all_runs(results)] == ["two"]


@pytest.mark.parametrize("layout", [BOXES, RESTARTS])
def test_results_of_boxes(results: Path, layout: Layout) -> None:
    run = RunFolder(results / "OTB/r", layout)
    made = manifest()
    name = "Ball.txt" if layout is BOXES else file_name("Ball", 1)
    with run.locked():
        run.tidy(made)
        for sequence in ("Ball", "Cup"):
            partial = run.partial(sequence)
            with staged(partial) as local:
                (local / name.replace("Ball", sequence)).write_text("1,2,3,4\n")
            if sequence == "Ball":
                run.commit_all(made, [Finished("Ball", partial, status(), [])])
    assert run.complete(run.manifest()) == {"Ball"}
    assert run.has_masks()
    with run.locked():
        run.tidy(run.manifest())
    names = [path.name for path in run.masks.rglob("*.txt")]
    assert names == [name]
