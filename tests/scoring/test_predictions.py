"""A folder that is not what should be scored: a sentence that names it, and never a number."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vostool import evaluate
from vostool.errors import ResultError

NAMES = tuple("abcdef")


@pytest.fixture
def truth(plain_folder) -> Path:
    return plain_folder(NAMES)


@pytest.fixture
def masks(plain_folder) -> Path:
    return plain_folder(NAMES, folder="predicted", seed=5) / "Annotations"


@pytest.fixture
def refused(cli, truth: Path, tmp_path: Path) -> Callable[..., str]:
    """Return a function that evaluates masks that must be refused, and returns the sentence."""

    def run(masks: Path, *options: object) -> str:
        done = cli("eval", "--dataset", f"folder:{truth}", "--masks", masks, *options)
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output
        assert done.output.rstrip().endswith("."), done.output
        assert not list((tmp_path / "results").rglob("*.csv"))
        return " ".join(done.output.split())

    return run


def change(masks: Path, paint: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in masks.glob("*/*.png"):
        Image.fromarray(paint(np.array(Image.open(path)))).save(path)


# --- sequences ---


def test_half_of_the_sequences(refused, masks: Path) -> None:
    for name in "bdf":
        shutil.rmtree(masks / name)
    sentence = refused(masks)
    assert f"{masks} lacks 3 of 6 sequences: b, d, f." in sentence
    assert "--sequences" in sentence


@pytest.mark.parametrize("name", ["Annotations", "480p"])
def test_one_folder_too_high(refused, masks: Path, tmp_path: Path, name: str) -> None:
    inner = tmp_path / "upload" / name
    shutil.move(masks, inner)
    assert f"{inner} has: name that folder." in refused(tmp_path / "upload")


def test_one_folder_too_low(refused, masks: Path) -> None:
    assert f"one sequence: name {masks}, with --sequences b." in refused(masks / "b")


def test_another_dataset(refused, plain_folder) -> None:
    other = plain_folder(("bear", "camel"), folder="other") / "Annotations"
    sentence = refused(other)
    assert f"{other} has no folder for any of the 6 sequences" in sentence
    assert "It has bear, camel." in sentence


def test_an_empty_folder(refused, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "It has no folders." in refused(tmp_path / "empty")


# --- frames ---


def test_only_first_masks(refused, masks: Path) -> None:
    for path in (masks / "a").iterdir():
        if path.stem != "00000":
            path.unlink()
    sentence = refused(masks)
    assert f"{masks / 'a'} lacks 4 of 4 masks (00001.png, 00002.png, 00003.png, ...)" in sentence
    assert "It has 00000.png." in sentence


@pytest.mark.parametrize("workers", [1, 2])
def test_frames_counted_from_one(refused, masks: Path, workers: int) -> None:
    for path in sorted((masks / "c").iterdir(), reverse=True):
        path.rename(path.with_name(f"frame{int(path.stem) + 1}.png"))
    sentence = refused(masks, "--workers", workers)
    assert f"{masks / 'c'} lacks 4 of 4 masks" in sentence
    assert "It has frame1.png, frame2.png, frame3.png, ...." in sentence
    assert "named like the frames" in sentence


def test_masks_saved_as_jpeg(refused, masks: Path) -> None:
    for path in sorted((masks / "a").iterdir()):
        Image.open(path).convert("L").save(path.with_suffix(".jpg"))
        path.unlink()
    assert "It has 00000.jpg: masks are PNG files" in refused(masks)


def test_a_folder_more_in_a_sequence(refused, masks: Path) -> None:
    inner = masks / "a" / "480p"
    inner.mkdir()
    for path in (masks / "a").glob("*.png"):
        path.rename(inner / path.name)
    assert "It has the folder 480p." in refused(masks)


# --- scores that mistakes look like ---


def test_the_ground_truth_itself(refused, truth: Path, tmp_path: Path) -> None:
    annotations = truth / "Annotations"
    assert f"{annotations} holds the ground truth itself ({annotations / 'a'})" in refused(
        annotations
    )
    (tmp_path / "link").symlink_to(annotations)
    assert "holds the ground truth itself" in refused(tmp_path / "link")


def test_a_copy_of_the_ground_truth(refused, truth: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(truth / "Annotations", tmp_path / "copy")
    sentence = refused(copy)
    assert f"The masks in {copy} equal the ground truth in {truth / 'Annotations'}" in sentence
    assert "--allow-trivial" in sentence


@pytest.mark.parametrize("workers", [1, 2])
def test_empty_masks(refused, truth: Path, masks: Path, workers: int) -> None:
    change(masks, np.zeros_like)
    sentence = refused(masks, "--workers", workers)
    assert (
        f"No predicted mask overlaps its object ({masks} against {truth / 'Annotations'})."
        in sentence
    )
    assert "empty" in sentence


def test_empty_masks_where_objects_leave(refused, truth: Path, masks: Path) -> None:
    """On a frame without the object an empty mask is right, and J is 1 there, not 0."""
    change(masks, np.zeros_like)
    for path in (truth / "Annotations").glob("*/00003.png"):
        Image.fromarray(np.zeros_like(np.array(Image.open(path)))).save(path)
    assert "overlaps its object" in refused(masks)
    scores = evaluate(f"folder:{truth}", masks, allow_trivial=True)
    assert set(scores.frames["J"]) == {0.0, 1.0}


def test_masks_with_swapped_ids(refused, truth: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(truth / "Annotations", tmp_path / "copy")
    change(copy, lambda labels: np.array([0, 2, 1], np.uint8)[labels])
    assert "renumbered" in refused(copy)


def test_trivial_scores_are_kept_but_not_shown(refused, masks: Path) -> None:
    """The second evaluation, from kept scores, says the same."""
    change(masks, np.zeros_like)
    assert refused(masks) == refused(masks)


def test_what_is_meant_is_scored(cli, truth: Path, masks: Path, tmp_path: Path) -> None:
    data = ("--dataset", f"folder:{truth}", "--allow-trivial")
    done = cli("eval", *data, "--masks", truth / "Annotations")
    assert done.exit_code == 0, done.output
    assert "100.0" in done.output
    change(masks, np.zeros_like)
    assert cli("eval", *data, "--masks", masks).exit_code == 0


def test_the_function_raises_too(truth: Path, masks: Path) -> None:
    with pytest.raises(ResultError, match="holds the ground truth itself"):
        evaluate(f"folder:{truth}", truth / "Annotations")
    change(masks, np.zeros_like)
    with pytest.raises(ResultError, match="overlaps its object"):
        evaluate(f"folder:{truth}", masks)


def test_a_single_score_says_nothing(truth: Path, plain_folder) -> None:
    copy = plain_folder(("a",), 3, objects=1, folder="copy") / "Annotations"
    one = plain_folder(("a",), 3, objects=1, folder="one")
    assert len(evaluate(f"folder:{one}", copy).frames) == 1


def test_a_lost_sequence_among_others_counts(truth: Path, masks: Path) -> None:
    for path in (masks / "a").iterdir():
        Image.fromarray(np.zeros_like(np.array(Image.open(path)))).save(path)
    scores = evaluate(f"folder:{truth}", masks).sequences.set_index("sequence")
    assert scores.loc["a", "J_mean"] == 0
    assert scores.loc["b", "J_mean"] > 0


def test_one_trivial_run_does_not_stop_the_others(cli, truth: Path, tmp_path: Path) -> None:
    data = ("--dataset", f"folder:{truth}")
    for name in ("fine", "blank"):
        assert cli("run", "copy_first", *data, "--name", name).exit_code == 0
    (runs,) = (tmp_path / "results").iterdir()
    change(runs / "blank" / "masks", np.zeros_like)
    done = cli("eval", *data)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert (
        f"Not scored: No predicted mask overlaps its object ({runs / 'blank' / 'masks'} against"
        in said
    )
    assert (runs / "fine/scores/davis/summary.csv").is_file()
    assert not (runs / "blank/scores/davis").exists()


# --- a worker that dies ---


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            command = stat.with_name("cmdline").read_bytes()
        except (OSError, IndexError):  # it has ended meanwhile
            continue
        if parent == pid and b"spawn_main" in command:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs /proc to find the workers")
def test_a_killed_worker_ends_with_a_sentence(truth: Path, masks: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vostool", "--home", str(tmp_path), "eval"]
    command += ["--dataset", f"folder:{truth}", "--masks", str(masks), "--workers", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    until = time.monotonic() + 60
    while not (workers := workers_of(process.pid)) and time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    os.kill(workers[0], signal.SIGKILL)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 2, output + errors
    assert "A worker process died while scoring" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert not list((tmp_path / "results").rglob("*.csv"))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0


# --- names of other frames ---


def renamed(folder: Path, name: Callable[[int], str]) -> None:
    """Give the masks of a sequence other names, by their place."""
    paths = sorted(folder.glob("*.png"))
    for path in paths:
        path.rename(path.with_suffix(".old"))
    for index, path in enumerate(paths):
        path.with_suffix(".old").rename(folder / f"{name(index)}.png")


@pytest.mark.parametrize("first", [1, 2, 3])
@pytest.mark.parametrize("frames", [True, False])
def test_masks_with_another_first_number(
    refused, truth: Path, masks: Path, first: int, frames: bool
) -> None:
    if not frames:
        shutil.rmtree(truth / "JPEGImages")
    count = len(list((masks / "c").glob("*.png")))
    renamed(masks / "c", lambda index: f"{index + first:05d}")
    sentence = refused(masks)
    assert f"{first + count - 1:05d}" in sentence or first > 1
    assert f"fit all {count} frames" in sentence


@pytest.mark.parametrize("name", ["{:d}", "frame_{:05d}", "{:06d}", "c_{:05d}"])
def test_masks_with_names_of_another_form(refused, masks: Path, name: str) -> None:
    renamed(masks / "c", lambda index: name.format(index))
    sentence = refused(masks)
    assert "fit all" in sentence
    assert name.format(0) in sentence


def test_masks_of_a_whole_video_whose_truth_is_sparse(cli, truth: Path, masks: Path) -> None:
    """Every second frame is annotated; the result has all but the first, as most tools write it."""
    shutil.rmtree(truth / "JPEGImages")
    for folder in [*(truth / "Annotations").iterdir()]:
        renamed(folder, lambda index: f"{2 * index:05d}")
    for folder in [*masks.iterdir()]:
        renamed(folder, lambda index: f"{2 * index:05d}")
        for path in sorted(folder.glob("*.png")):
            shutil.copy(path, folder / f"{int(path.stem) + 1:05d}.png")
        (folder / "00000.png").unlink()
    done = cli("eval", "--dataset", f"folder:{truth}", "--masks", masks)
    assert done.exit_code == 0, done.output


def test_a_mask_of_no_frame_is_told(cli, truth: Path, masks: Path) -> None:
    last = max((masks / "c").glob("*.png"))
    shutil.copy(last, last.with_name(f"{int(last.stem) + 1:05d}.png"))
    done = cli("eval", "--dataset", f"folder:{truth}", "--masks", masks)
    assert done.exit_code == 0, done.output
    assert f"{int(last.stem) + 1:05d}.png" in done.output


@pytest.mark.parametrize("ends", [(0,), (-1,), (0, -1)])
def test_masks_of_the_ends_may_be_missing(cli, truth: Path, masks: Path, ends) -> None:
    for folder in masks.iterdir():
        paths = sorted(folder.glob("*.png"))
        for end in ends:
            paths[end].unlink()
    done = cli("eval", "--dataset", f"folder:{truth}", "--masks", masks)
    assert done.exit_code == 0, done.output
