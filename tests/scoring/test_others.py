"""Protocols lvos and sav give the figures of lvos-evaluation, the SA-V evaluator, vos-benchmark.

The figures below were printed by the evaluators themselves for the masks that are drawn here:
lvos-evaluation @ 25cb02d (its 1-element arrays made floats, which newer numpy asks for) and
sav_benchmark.py of facebookresearch/sam2 @ 2b90b9f.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vostool import evaluate
from vostool.datasets.dataset import Dataset
from vostool.datasets.layout import read_sequence
from vostool.datasets.protocols import PROTOCOLS
from vostool.errors import DataError
from vostool.scoring.masks import score
from vostool.scoring.tables import object_table

EXACT = 1e-9
SAV = PROTOCOLS["sav"]


def disc(labels: np.ndarray, x: int, y: int, radius: int, value: int) -> None:
    rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]]
    labels[(columns - x) ** 2 + (rows - y) ** 2 <= radius**2] = value


# --- LVOS ---

# object -> first and last frame of its range; `late` videos begin later with object 2
RANGES = {1: (0, 11), 2: (0, 11), 3: (5, 9)}


def lvos_pair(video: int, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ground truth and prediction: object 1 is away for a while, one mask has void."""
    truth, prediction = np.zeros((2, 60, 80), np.uint8)
    for i, (start, end) in lvos_ranges(video).items():
        if start <= frame <= end and not (i == 1 and frame in (6, 7)):
            disc(truth, 10 + frame * 4 + i * 4, 13 * i + 3, 5 + i, i)
        if start <= frame and not (i == 2 and frame == 8):
            x, y = (frame * (3 + i + video)) % 5 - 2, (frame * (2 + i) + video) % 5 - 2
            disc(prediction, 10 + frame * 4 + i * 4 + x, 13 * i + 3 + y, 4 + i, i)
    if (video, frame) == (0, 4):
        truth[:5, :5] = 255
    return truth, prediction


def lvos_ranges(video: int) -> dict[int, tuple[int, int]]:
    late = 3 if video % 2 else 0
    return {**RANGES, 2: (late, 11)}


def draw_lvos(root: Path, save_mask: Callable[..., Path], folder: str = "valid") -> None:
    videos = {}
    for video in range(3):
        objects = {}
        for i, (start, end) in lvos_ranges(video).items():
            beyond = 5 if video == 2 else 0  # the end may be the last frame, or the one after it
            about = {"start": 1 + 5 * start, "end": 1 + 5 * end + beyond}
            about["frame_nums"] = end - start + 1
            objects[str(i)] = {"frame_range": {k: str(v) for k, v in about.items()}}
        videos[f"vid{video}"] = {"objects": objects}
        for frame in range(12):
            truth, prediction = lvos_pair(video, frame)
            name = f"vid{video}/{1 + 5 * frame:08d}.png"
            save_mask(root / folder / "Annotations" / name, truth)
            save_mask(root / "masks" / name, prediction)
    (root / folder / "valid_meta.json").write_text(json.dumps({"videos": videos}))


LVOS_OBJECTS = {
    "vid0_1": (0.48212073592038307, 0.4834030367275881),
    "vid0_2": (0.5306890431254708, 0.45366214913487857),
    "vid0_3": (0.6582832485745107, 0.5661144513170985),
    "vid1_1": (0.4325151527478338, 0.407770731209785),
    "vid1_2": (0.542232209007601, 0.4946154060287418),
    "vid1_3": (0.708452420036631, 0.6378215699208444),
    "vid2_1": (0.4762512858031453, 0.4729775907121109),
    "vid2_2": (0.5963369402586385, 0.5705549030429862),
    "vid2_3": (0.7307673352717954, 0.6758879781420765),
}
LVOS_SUMMARY = {
    "G": 0.5476609864972315,
    "J_seen": 0.5790747648256572,
    "J_unseen": 0.5610665939306886,
    "F_seen": 0.5371000181794564,
    "F_unseen": 0.5134025690531238,
}


@pytest.fixture
def lvos(tmp_path: Path, save_mask) -> Path:
    draw_lvos(tmp_path, save_mask)
    (tmp_path / "unseen_videos.txt").write_text("vid1\n")
    return tmp_path


def test_lvos_equals_its_evaluator(lvos: Path) -> None:
    scores = evaluate("LVOSv2", lvos / "masks", root=lvos)
    ours = {
        f"{row['sequence']}_{row['object']}": (row["J_mean"], row["F_mean"])
        for row in scores.objects.to_dict("records")
    }
    assert set(ours) == set(LVOS_OBJECTS)
    for name, theirs in LVOS_OBJECTS.items():
        assert ours[name] == pytest.approx(theirs, abs=EXACT)
    for column, value in LVOS_SUMMARY.items():
        assert scores.summary.loc[0, column] == pytest.approx(value, abs=EXACT)
    assert scores.notes == ()


def test_lvos_leaves_out_the_ends_of_each_object(lvos: Path) -> None:
    frames = evaluate("LVOSv1", lvos / "masks", root=lvos, sequences=["vid1"]).frames
    spans = {
        int(i): (rows["frame"].iloc[0], rows["frame"].iloc[-1], len(rows))
        for i, rows in frames.groupby("object")
    }
    assert spans == {
        1: ("00000006", "00000051", 10),
        2: ("00000021", "00000051", 7),
        3: ("00000031", "00000041", 3),
    }


# --- SA-V ---


def sav_pair(video: int, each: int, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ground truth and prediction; object 1 is away, and found again before it is there."""
    truth, prediction = np.zeros((2, 60, 80), np.uint8)
    if not ((each == 1 and frame in (1, 2, 3)) or (each == 2 and frame >= 7)):
        disc(truth, 15 + frame * 4, 20 + 10 * each, 8 + each, 1)
    if not (each == 1 and frame in (1, 2)):
        x, y = (frame * (3 + each)) % 7 - 3, (frame * 2 + each + video) % 5 - 2
        disc(prediction, 15 + frame * 4 + x, 20 + 10 * each + y, 7 + each, 1)
    return truth, prediction


def draw_sav(root: Path, save_mask: Callable[..., Path]) -> None:
    for video in range(2):
        for each in range(3):
            for frame in range(10):
                name = f"sav_00000{video}/{each:03d}/{4 * frame:05d}.png"
                truth, prediction = sav_pair(video, each, frame)
                value = 255 if video else 1
                save_mask(root / "sav_val/Annotations_6fps" / name, truth * value, "L")
                save_mask(root / "masks" / name, prediction * value, "L")
    (root / "sav_val/sav_val.txt").write_text("sav_000000\nsav_000001\n")


SAV_OBJECTS = {
    "sav_000000/000": (0.6575364122551051, 0.5742970336576226),
    "sav_000000/001": (0.5677714998226462, 0.444699363087612),
    "sav_000000/002": (0.534156666764083, 0.40071298057158344),
    "sav_000001/000": (0.6575364122551051, 0.5742970336576226),
    "sav_000001/001": (0.5592063648282118, 0.4311617124876346),
    "sav_000001/002": (0.5296755530833135, 0.40939773820447767),
}


def test_sav_equals_its_evaluator(tmp_path: Path, save_mask) -> None:
    draw_sav(tmp_path, save_mask)
    scores = evaluate("SA-V", tmp_path / "masks", root=tmp_path)
    ours = {
        row["sequence"]: (row["J_mean"], row["F_mean"]) for row in scores.objects.to_dict("records")
    }
    assert list(ours) == list(SAV_OBJECTS)
    for name, theirs in SAV_OBJECTS.items():
        assert ours[name] == pytest.approx(theirs, abs=EXACT)
    frames = dict(zip(scores.objects["sequence"], scores.objects["frames"], strict=True))
    assert [frames[f"sav_000000/00{i}"] for i in range(3)] == [8, 6, 8]


# vos-benchmark takes 255 for an object, reads JPEGs, and leaves ids out that the ground truth lacks
REFUSED = {
    "enc_pred_L255": r"holds the ids \[255\]",
    "enc_pred_16bit_big_id": "16-bit PNG with the value 300",
    "enc_jpeg_named_png": "is a JPEG image",
    "extra_id": r"holds the ids \[4\]",
    "nonconsecutive_ids_pred_uses_ghost": r"holds the ids \[2\]",
    "void_pred_semi": r"holds the ids \[255\]",
    "void_gt_255_only_binary": "has no object on the frames",
    "one_frame": "leaves none of them to score",
    "two_frames": "leaves none of them to score",
}
KEYS = {"True": "1"}  # what it calls the object of a 1-bit mask


def cases() -> Iterator[Any]:
    path = Path(os.environ.get("VOSTOOL_TEST_DATA", "")) / "fixtures/adversarial/expected.json"
    if not os.environ.get("VOSTOOL_TEST_DATA") or not path.is_file():
        absent = pytest.mark.skip(reason="VOSTOOL_TEST_DATA is not set: no adversarial masks")
        yield pytest.param(None, marks=absent)
        return
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        if case["task"] == "semi-supervised" and case["vos_benchmark"]["status"] == "ok":
            yield pytest.param(case, id=case["name"])


@pytest.mark.parametrize("case", list(cases()))
def test_sav_is_the_rule_of_vos_benchmark(case: dict, shared: Path) -> None:
    folder, name = shared / "fixtures/adversarial", case["name"]
    masks = folder / "DAVIS/Annotations/480p" / name
    sequence = read_sequence(name, masks, masks, dense=False, need_frames=False)
    dataset = Dataset("folder", "folder", "all", folder, (sequence,), SAV)
    if name in REFUSED:
        with pytest.raises(DataError, match=REFUSED[name]):
            score(dataset, folder / "results", SAV, allow_trivial=True)
        return
    frames, _ = score(dataset, folder / "results", SAV, allow_trivial=True)
    ours = {
        str(row["object"]): [100 * row["J_mean"], 100 * row["F_mean"]]
        for row in object_table(frames).to_dict("records")
    }
    theirs = {KEYS.get(i, i): v for i, v in case["vos_benchmark"]["objects_JF_percent"].items()}
    theirs.pop("255", None)
    assert set(ours) == set(theirs)
    for object_id, values in theirs.items():
        assert ours[object_id] == pytest.approx(values, abs=100 * EXACT)
