"""Datasets and results on a real S3-compatible server, moto's, on loopback."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vostool.datasets.catalog import CATALOG, open_dataset
from vostool.io.listing import files_below
from vostool.io.storage import place, read_bytes, remove, write_bytes
from vostool.runs.folder import RunFolder

DATA = ("--dataset", "DAVIS2017")


@contextmanager
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Collect the operations that are asked of the store, with key or prefix."""
    from s3fs import S3FileSystem

    asked: list[tuple[str, str]] = []
    real = S3FileSystem._call_s3

    async def counted(self: object, method: str, *args: object, **options: object) -> object:
        asked.append((method, str(options.get("Key") or options.get("Prefix"))))
        return await real(self, method, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(S3FileSystem, "_call_s3", counted)
        yield asked


def contents(folder: str | Path, below: str = "") -> dict[str, bytes]:
    """Return the bytes of all files below a folder, by relative path."""
    at = place(folder, listed=False) if isinstance(folder, str) else folder
    return {name: read_bytes(at / name) for name in files_below(at) if name.startswith(below)}


def times(run: Path) -> list[tuple[object, ...]]:
    """Return `times.csv` but for the milliseconds."""
    steps = RunFolder(run).times()
    return [(step.sequence, step.frame, step.objects, step.prompts) for step in steps]


@pytest.mark.slow
def test_everything_equals_what_is_done_here(does, davis_folder, bucket, upload, tmp_path) -> None:
    root = davis_folder(names=("bear", "goat", "cow"))
    url = upload(root, f"{bucket}/data/DAVIS")
    results = f"{bucket}/results"
    here = ("--root", root, "--results", tmp_path / "results")
    there = ("--root", url, "--results", results)
    for where in (here, there):
        for tracker in ("copy_first", "box_fill"):
            does("run", tracker, *DATA, *where)
        does("eval", *DATA, *where)
    for run in ("copy_first", "box_fill"):
        local, remote = tmp_path / f"results/DAVIS2017/{run}", f"{results}/DAVIS2017/{run}"
        assert contents(remote, "masks/") == contents(local, "masks/")
        assert len(contents(remote, "masks/")) == 18
        for table in ("frames", "objects", "sequences", "intervals"):
            name = f"scores/davis/{table}.csv"
            assert contents(remote, name) == contents(local, name) != {}
        assert times(place(remote)) == times(local)
        assert not [name for name in contents(remote) if name.startswith(".")]
    both = (tmp_path / "results/DAVIS2017/box_fill", f"{results}/DAVIS2017/box_fill")
    recorded = [
        [
            json.loads(line)
            for line in contents(at, "sequences.jsonl")["sequences.jsonl"].split(b"\n")[:-1]
        ]
        for at in both
    ]
    for status in recorded[0] + recorded[1]:
        del status["seconds"], status["peak_mb"]
    assert recorded[0] == recorded[1]
    assert len(recorded[0]) == 3
    assert json.loads(contents(both[1], "run.json")["run.json"])["root"] == url

    assert "all tracked before" in does("run", "box_fill", *DATA, *there)
    listed = does("results", "list", "--results", results)
    assert {"copy_first", "box_fill"} <= set(listed.split())
    assert "ok" in does("results", "check", "--results", results)
    ranked = does("leaderboard", "--results", results)
    page = contents(results, "leaderboard.html")["leaderboard.html"].decode()
    assert "box_fill" in page
    assert "with pictures of 3 sequences" in ranked
    does("show", "box_fill", "--against", "gt", "--results", results)
    assert contents(results, "DAVIS2017/box_fill/show/")
    does("compare", "copy_first", "box_fill", "--results", results)
    does("results", "rm", "copy_first", "--yes", "--results", results)
    assert not contents(results, "DAVIS2017/copy_first/")
    assert contents(results, "DAVIS2017/box_fill/run.json")


@pytest.mark.slow
def test_workers_send_what_they_tracked(does, davis_folder, bucket, upload, tmp_path) -> None:
    root = davis_folder(names=("bear", "goat"))
    url = upload(root, f"{bucket}/DAVIS")
    results = f"{bucket}/results"
    does("run", "box_fill", *DATA, "--root", url, "--results", results, "--workers", "2")
    does("run", "box_fill", *DATA, "--root", root)
    local = contents(tmp_path / "results/DAVIS2017/box_fill", "masks/")
    assert contents(f"{results}/DAVIS2017/box_fill", "masks/") == local
    does("eval", *DATA, "--root", url, "--results", results, "--workers", "2")


SLOW = """
import time
from vostool_trackers.box_fill.tracker import BoxFill

class Slow(BoxFill):
    summary = "box_fill that takes its time"

    def step(self, frame, prompts=()):
        time.sleep(0.05)
        return super().step(frame, prompts)
"""


@pytest.mark.slow
def test_a_killed_run_is_finished_by_the_next(does, davis_folder, bucket, upload, tmp_path) -> None:
    (tmp_path / "trackers/slow").mkdir(parents=True)
    (tmp_path / "trackers/slow/tracker.py").write_text(SLOW)
    names = ("bear", "goat", "cow", "dog")
    root = davis_folder(names=names, frames=8)
    url = upload(root, f"{bucket}/DAVIS")
    where = ("slow", *DATA, "--root", url, "--results", f"{bucket}/results")
    command = [sys.executable, "-m", "vostool", "--home", str(tmp_path), "run", *where]
    run = RunFolder(place(f"{bucket}/results/DAVIS2017/slow", listed=False))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (run.exists() and run.manifest().sequences):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    done = run.complete(run.manifest())
    assert 0 < len(done) < len(names)
    # What was sent of a sequence that is not recorded is not taken for whole.
    left = next(name for name in names if name not in done)
    write_bytes(run.masks / left / "00000.png", b"half")
    assert run.complete(run.manifest()) == done
    assert ".lock" in files_below(run.path)

    resumed = does("run", *where)  # the writer is gone, so its lock is taken over at once
    assert f"{len(names) - len(done)} tracked now" in resumed
    does("run", "slow", *DATA, "--root", root)
    local = tmp_path / "results/DAVIS2017/slow"
    assert contents(str(run.path), "masks/") == contents(local, "masks/")
    assert sorted(times(run.path)) == sorted(times(local))
    assert ".lock" not in files_below(run.path)


def test_a_sequence_that_lost_masks_is_tracked_again(
    does, refuses, davis_folder, bucket, upload
) -> None:
    url = upload(davis_folder(), f"{bucket}/DAVIS")
    where = (*DATA, "--root", url, "--results", f"{bucket}/results")
    does("run", "copy_first", *where)
    run = RunFolder(place(f"{bucket}/results/DAVIS2017/copy_first", listed=False))
    remove(run.masks / "bear/00003.png")
    assert "lacks 1 of 2 sequences (bear)" in refuses("eval", *where)
    assert "1 tracked now" in does("run", "copy_first", *where)
    assert run.complete(run.manifest()) == {"bear", "goat"}


def test_folders_are_listed_and_files_are_not_asked_for(
    davis_folder, bucket, upload, monkeypatch
) -> None:
    names = [f"clip{number}" for number in range(12)]
    url = upload(davis_folder(names=names), f"{bucket}/DAVIS")
    with requests(monkeypatch) as asked:
        dataset = open_dataset("DAVIS2017", root=place(url))
        prints = [dataset.fingerprint(sequence) for sequence in dataset.sequences]
    assert len(set(prints)) == 12
    listed = [key for method, key in asked if method == "list_objects_v2"]
    assert len(listed) == len(set(listed)) <= 2 * 12 + 6
    others = [(method, key) for method, key in asked if method != "list_objects_v2"]
    # The split file, one mask for each fingerprint, and whether two optional files are there.
    assert len(others) <= 12 + 6, others


def test_imported_masks_and_packed_ones(
    does, refuses, davis_folder, bucket, upload, tmp_path
) -> None:
    root = davis_folder(names=("bear", "goat"))
    url = upload(root, f"{bucket}/DAVIS")
    masks = upload(root / "Annotations/480p", f"{bucket}/theirs/masks")
    results = ("--results", f"{bucket}/results")
    does(
        "results", "import", masks, "--name", "theirs", *DATA, "--root", url, *results,
        "--init", "mask",
    )  # fmt: skip
    assert len(contents(f"{bucket}/results/DAVIS2017/theirs", "masks/")) == 12
    said = refuses("results", "import", masks, "--name", "theirs", *DATA, "--root", url, *results)
    assert "exists. Choose another --name" in said
    assert "100.0" in does("eval", *DATA, "--root", url, *results, "--allow-trivial")
    does("eval", *DATA, "--root", url, "--masks", masks, "--allow-trivial", *results)
    assert contents(f"{bucket}/results/DAVIS2017/scores/theirs")


def test_the_zip_for_a_server(does, davis_folder, bucket, upload, monkeypatch) -> None:
    root = davis_folder(names=("sheep", "horse"), split="test-dev", folder="dev")
    for sequence in ("sheep", "horse"):  # of these splits first masks alone are public
        for path in sorted((root / "Annotations/480p" / sequence).iterdir())[1:]:
            path.unlink()
    # As if they were all sequences of the official split.
    monkeypatch.setitem(CATALOG["DAVIS2017"].official, "test-dev", ("sheep", "horse"))
    where = ("--dataset", "DAVIS2017", "--split", "test-dev", "--results", f"{bucket}/results")
    at = ("--root", upload(root, f"{bucket}/dev"))
    does("run", "copy_first", *where, *at)
    does("pack", "copy_first", *where, *at)
    name = "DAVIS2017-test-dev/copy_first.zip"
    data = contents(f"{bucket}/results", name)[name]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 12
        first = contents(f"{bucket}/results/DAVIS2017-test-dev/copy_first/masks/sheep")
        assert archive.read("sheep/00000.png") == first["00000.png"]


def test_converting_reads_from_a_store(does, davis_folder, bucket, upload, tmp_path) -> None:
    root = davis_folder()
    url = upload(root, f"{bucket}/DAVIS")
    for at, out in ((url, "there"), (root, "here")):
        does("convert", "davis2coco", "--year", "2017", "--root", at, "--out", tmp_path / out)
    written = contents(tmp_path / "there")
    assert written == contents(tmp_path / "here") != {}


def test_what_goes_wrong_is_a_sentence(refuses, davis_folder, bucket, upload) -> None:
    url = upload(davis_folder(), f"{bucket}/DAVIS")
    for where, said in (
        (("--root", "s3://no-such-bucket/DAVIS"), "there is no such bucket"),
        (("--root", f"{bucket}/nowhere"), "is not a folder"),
        (("--root", url, "--results", "s3://no-such-bucket/r"), "there is no such bucket"),
    ):
        assert said in refuses("run", "copy_first", *DATA, *where)
    remove(place(url, listed=False) / "JPEGImages/480p/bear/00002.jpg")
    said = refuses("run", "copy_first", *DATA, "--root", url, "--results", f"{bucket}/r")
    assert "00002.png" in said
    assert "no frame" in said


def refusal(*arguments: object, **environment: str) -> str:
    """Return what `vostool` says in a process with another environment."""
    done = subprocess.run(
        [sys.executable, "-m", "vostool", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_absent_credentials_are_a_sentence(bucket: str, tmp_path: Path) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "1"}
    said = refusal("--home", tmp_path, "run", "copy_first", *DATA, "--root", f"{bucket}/d", **none)
    assert "there are no credentials" in said
    assert "AWS_PROFILE" in said


TINY = {
    "train.steps": 2,
    "train.batch": 2,
    "train.validate_every": 0,
    "train.picture_every": 0,
    "train.validation": "",
    "train.validation_sequences": "[]",
}


@pytest.mark.slow
def test_training_learns_the_same_as_from_a_disk(
    does, davis_folder, bucket, upload, tmp_path, monkeypatch
) -> None:
    root = davis_folder(names=("bear", "boat"), split="train")
    url = upload(root, f"{bucket}/DAVIS")
    cut = tmp_path / "datasets/.cache"
    settings = [part for name, value in TINY.items() for part in ("-o", f"{name}={value}")]
    command = ("train", "siampolar/car", "--data", "DAVIS2017:train", "--device", "cpu", *settings)
    does(*command, "--root", root, "--name", "disk")
    shutil.rmtree(cut)
    with requests(monkeypatch) as asked:
        does(*command, "--root", url, "--name", "store")
    trained = tmp_path / "results/train"
    disk, store = (load_file(trained / f"{name}/last.safetensors") for name in ("disk", "store"))
    assert disk.keys() == store.keys()
    assert all(torch.equal(tensor, store[name]) for name, tensor in disk.items())
    assert [method for method, key in asked if key.endswith(".jpg")].count("get_object") == 12
