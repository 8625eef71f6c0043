"""NanoBox: real weights follow a square, wrong or absent ones end in a sentence."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers.nano_networks import write_networks
from vostool.errors import WeightsError
from vostool.tracking.base import Runtime
from vostool.types import Box, Frame, Labels, Prompt
from vostool_trackers.nano_box.networks import load_networks
from vostool_trackers.nano_box.tracker import Config, NanoBox

DATA = Path(os.environ["VOSTOOL_TEST_DATA"]) / "data" if "VOSTOOL_TEST_DATA" in os.environ else None


@pytest.fixture
def real() -> Path:
    """Folder of the published weights."""
    if DATA is None or not (DATA / "weights" / "nanotrack").is_dir():
        pytest.skip("NanoTrack's weights are not at $VOSTOOL_TEST_DATA/data/weights/nanotrack")
    return DATA / "weights" / "nanotrack"


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """Folder of random weights."""
    return write_networks(tmp_path)


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def _clip(count: int = 6) -> tuple[list[Frame], list[Box]]:
    """A textured square that moves by (6, 3) px a frame over a darker, textured ground."""
    rng = np.random.default_rng(5)
    ground = cv2.GaussianBlur(rng.integers(0, 120, (160, 220, 3), np.uint8), (0, 0), 2)
    square = np.kron(rng.integers(90, 255, (4, 4, 3), np.uint8), np.ones((10, 10, 1), np.uint8))
    frames, boxes = [], []
    for i in range(count):
        x, y = 40 + 6 * i, 50 + 3 * i
        frame = ground.copy()
        frame[y : y + 40, x : x + 40] = square
        frame.flags.writeable = False
        frames.append(frame)
        boxes.append(Box(x, y, 40, 40))
    return frames, boxes


def _run(tracker: NanoBox, frames: list[Frame], prompts: dict[int, list[Prompt]]) -> list[Labels]:
    tracker.reset()
    return [tracker.step(frame, prompts.get(i, [])) for i, frame in enumerate(frames)]


def _iou(mine: np.ndarray, box: Box) -> float:
    truth = np.zeros(mine.shape, bool)
    truth[int(box.y) : int(box.y + box.h), int(box.x) : int(box.x + box.w)] = True
    return float((mine & truth).sum() / (mine | truth).sum())


def test_real_weights_follow_a_square(real: Path) -> None:
    frames, boxes = _clip()
    tracker = NanoBox(runtime=Runtime(weights=real))
    labels = _run(tracker, frames, {0: [Prompt(1, 0, boxes[0])]})
    assert _iou(labels[-1] == 1, boxes[-1]) > 0.6


def test_real_weights_on_davis(real: Path) -> None:
    assert DATA is not None
    folder = DATA / "DAVIS" / "JPEGImages" / "480p" / "car-turn"
    if not folder.is_dir():
        pytest.skip("DAVIS is not at $VOSTOOL_TEST_DATA/data/DAVIS")
    frames = [np.array(Image.open(p).convert("RGB")) for p in sorted(folder.glob("*.jpg"))[:6]]
    masks = sorted((DATA / "DAVIS" / "Annotations" / "480p" / "car-turn").glob("*.png"))
    boxes = [cv2.boundingRect(np.array(Image.open(p).convert("L"))) for p in masks[:6]]
    tracker = NanoBox(runtime=Runtime(weights=real / "nanotrack_head_sim.onnx"))
    labels = _run(tracker, frames, {0: [Prompt(1, 0, Box(*boxes[0]))]})
    assert _iou(labels[-1] == 1, Box(*boxes[-1])) > 0.6


def test_absent_weights_are_asked_for(cli) -> None:
    with pytest.raises(WeightsError, match="--weights FOLDER"):
        NanoBox()
    for command in ("check", "speed"):
        done = cli(command, "nano_box")
        assert done.exit_code == 2
        assert "--weights" in done.output
        assert "random" not in done.output


def test_it_repeats_itself(threads: None, drawn: Path) -> None:
    frames, boxes = _clip(4)
    prompts = {0: [Prompt(1, 0, boxes[0])], 2: [Prompt(5, 2, Box(150, 100, 20, 20))]}
    tracker = NanoBox(runtime=Runtime(weights=drawn))
    first = _run(tracker, frames, prompts)
    assert set(np.unique(first[1])) == {0, 1}
    assert set(np.unique(first[2])) == {0, 1, 5}
    cv2.setNumThreads(1)
    np.testing.assert_array_equal(first, _run(tracker, frames, prompts))


def test_another_process_agrees(drawn: Path) -> None:
    frames, boxes = _clip(3)
    here = _run(NanoBox(runtime=Runtime(weights=drawn)), frames, {0: [Prompt(1, 0, boxes[0])]})
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import tests.trackers.test_nano_box as t\n"
        "tracker = t.NanoBox(runtime=t.Runtime(weights=t.Path(sys.argv[2])))\n"
        "frames, boxes = t._clip(3)\n"
        "labels = t._run(tracker, frames, {0: [t.Prompt(1, 0, boxes[0])]})\n"
        "sys.stdout.write(bytes(t.np.stack(labels)).hex())\n"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program, root, drawn], capture_output=True, text=True, check=True
    )
    assert bytes.fromhex(run.stdout) == np.stack(here).tobytes()
    assert run.stderr == ""


def test_both_ways_to_name_the_weights(drawn: Path) -> None:
    by_folder = load_networks(drawn)
    by_file = load_networks(drawn / "my_backbone.onnx")
    assert by_folder == by_file
    assert by_folder.backbone == (drawn / "my_backbone.onnx").read_bytes()


def test_absent_weights_are_a_sentence(drawn: Path) -> None:
    with pytest.raises(WeightsError, match="nowhere does not exist"):
        load_networks(drawn / "nowhere")
    shutil.copy(drawn / "my_head.onnx", drawn / "other_head.onnx")
    with pytest.raises(WeightsError, match=r"2 \.onnx files with 'head'"):
        load_networks(drawn)
    (drawn / "my_backbone.onnx").unlink()
    with pytest.raises(WeightsError, match=r"0 \.onnx files with 'backbone'"):
        load_networks(drawn / "my_head.onnx")


@pytest.mark.parametrize("role", ["backbone", "head"])
@pytest.mark.parametrize("damage", ["empty", "cut", "text", "swapped"])
def test_damaged_weights_are_a_sentence(
    drawn: Path, capfd: pytest.CaptureFixture[str], role: str, damage: str
) -> None:
    path = drawn / f"my_{role}.onnx"
    data = path.read_bytes()
    other = drawn / ("my_head.onnx" if role == "backbone" else "my_backbone.onnx")
    contents = {
        "empty": b"",
        "cut": data[: len(data) // 2],
        "text": b"<html>not found</html>",
        "swapped": other.read_bytes(),
    }
    path.write_bytes(contents[damage])
    with pytest.raises(WeightsError, match=f"my_{role}.onnx is damaged or not NanoTrack's {role}"):
        NanoBox(runtime=Runtime(weights=drawn))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 220, 160), Box(219, 159, 1, 1), Box(40, 40, 1, 1), Box(0, 50, 220, 1)],
    ids=["whole frame", "corner pixel", "one pixel", "one row"],
)
def test_odd_boxes_do_not_hurt(box: Box, drawn: Path) -> None:
    frames, _ = _clip(4)
    for labels in _run(NanoBox(runtime=Runtime(weights=drawn)), frames, {0: [Prompt(1, 0, box)]}):
        assert labels.shape == (160, 220)
        assert set(np.unique(labels)) <= {0, 1}


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 5)])
def test_odd_frames_do_not_hurt(size: tuple[int, int], drawn: Path) -> None:
    frames = [np.zeros((*size, 3), np.uint8)] * 3
    labels = _run(
        NanoBox(runtime=Runtime(weights=drawn)), frames, {0: [Prompt(1, 0, Box(0, 0, 1, 1))]}
    )
    assert labels[-1].shape == size


def test_a_score_below_the_threshold_empties_the_mask(drawn: Path) -> None:
    frames, boxes = _clip(2)
    labels = _run(
        NanoBox(Config(lost_below=1.1), Runtime(weights=drawn)),
        frames,
        {0: [Prompt(1, 0, boxes[0])]},
    )
    assert labels[0].any()
    assert not labels[1].any()
