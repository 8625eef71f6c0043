"""Masks in the forms of other programs score what the same masks score as label maps."""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from vostool.io.label_maps import davis_palette

H, W, T = 48, 64, 5
VIDEOS = ("goat", "my dog")


def disk(y: int, x: int, radius: int = 8) -> np.ndarray:
    rows, columns = np.mgrid[:H, :W]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius * radius


def truth(t: int) -> np.ndarray:
    labels = np.zeros((H, W), np.uint8)
    labels[disk(12, 14 + 5 * t)], labels[disk(34, 14 + 5 * t)] = 1, 2
    return labels


def predicted(video: str, t: int) -> dict[int, np.ndarray]:
    """Object 2 is shifted down so far that it never meets object 1."""
    return {1: disk(12, 16 + 5 * t + VIDEOS.index(video)), 2: disk(36, 14 + 5 * t)}


def labels_of(video: str, t: int) -> np.ndarray:
    masks = predicted(video, t)
    return (masks[1] * 1 + masks[2] * 2).astype(np.uint8)


def rle(mask: np.ndarray) -> dict[str, Any]:
    packed = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(packed["size"]), "counts": packed["counts"].decode()}


def put(path: Path, data: bytes | np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, bytes):
        path.write_bytes(data)
    else:
        Image.fromarray(data).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for video in VIDEOS:
        for t in range(T):
            put(tmp_path / f"d/JPEGImages/{video}/{t:05d}.jpg", np.zeros((H, W, 3), np.uint8))
            put(tmp_path / f"d/Annotations/{video}/{t:05d}.png", truth(t))
    return tmp_path


# --- the forms ---


def label_maps(to: Path) -> None:
    for video in VIDEOS:
        for t in range(T):
            put(to / f"{video}/{t:05d}.png", labels_of(video, t))


def per_object(to: Path) -> None:
    for video in VIDEOS:
        for t in range(T):
            for i, mask in predicted(video, t).items():
                put(to / f"{video}/{i:03d}/{t:05d}.png", mask * np.uint8(255))


def flat(to: Path) -> None:
    for video in VIDEOS:
        for t in range(T):
            put(to / f"{video}_{t:05d}.png", labels_of(video, t))


def colored(to: Path) -> None:
    colors = np.array(davis_palette(), np.uint8).reshape(-1, 3)
    for video in VIDEOS:
        for t in range(T):
            put(to / f"{video}/{t:05d}.png", colors[labels_of(video, t)])


def save_npz(to: Path, video: str, **arrays: np.ndarray) -> None:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    put(to / f"{video}.npz", file.getvalue())


def npz_label_maps(to: Path) -> None:
    for video in VIDEOS:
        save_npz(to, video, masks=np.stack([labels_of(video, t) for t in range(T)]))


def npz_by_frame(to: Path) -> None:
    for video in VIDEOS:
        save_npz(to, video, **{f"{t:05d}": labels_of(video, t) for t in range(T)})


def npz_by_object(to: Path) -> None:
    for video in VIDEOS:
        masks = [predicted(video, t) for t in range(T)]
        save_npz(to, video, **{f"obj_{i}": np.stack([m[i] for m in masks]) for i in (1, 2)})


def npz_with_ids(to: Path) -> None:
    for video in VIDEOS:
        masks = np.stack([[predicted(video, t)[i] for i in (2, 1)] for t in range(T)])
        save_npz(to, video, masks=masks, obj_ids=np.array([2, 1]))


def npy_label_maps(to: Path) -> None:
    for video in VIDEOS:
        to.mkdir(parents=True, exist_ok=True)
        np.save(to / f"{video}.npy", np.stack([labels_of(video, t) for t in range(T)], dtype="i8"))


def npy_objects_first(to: Path) -> None:
    for video in VIDEOS:
        to.mkdir(parents=True, exist_ok=True)
        masks = np.stack([[predicted(video, t)[i] for t in range(T)] for i in (1, 2)])
        np.save(to / f"{video}.npy", masks.astype(np.float32))


def npy_channel(to: Path) -> None:
    for video in VIDEOS:
        to.mkdir(parents=True, exist_ok=True)
        np.save(to / f"{video}.npy", np.stack([labels_of(video, t)[None] for t in range(T)]))


def npy_fortran(to: Path) -> None:
    for video in VIDEOS:
        to.mkdir(parents=True, exist_ok=True)
        maps = np.stack([labels_of(video, t) for t in range(T)])
        np.save(to / f"{video}.npy", np.asfortranarray(maps))


def json_of(build: Callable[[str], Any]) -> Callable[[Path], None]:
    """Return a writer of one JSON with every video."""

    def write(to: Path) -> None:
        document = {video: build(video) for video in VIDEOS}
        put(to / "all.json", json.dumps(document).encode())

    return write


def burst(to: Path) -> None:
    sequences = [
        {
            "seq_name": video,
            "height": H,
            "width": W,
            "annotated_image_paths": [f"{t:05d}.jpg" for t in range(T)],
            "segmentations": [
                {str(i): {"rle": rle(m)["counts"]} for i, m in predicted(video, t).items()}
                for t in range(T)
            ],
        }
        for video in VIDEOS
    ]
    put(to / "burst.json", json.dumps({"sequences": sequences}).encode())


def coco_images(to: Path) -> None:
    images, annotations = [], []
    for video in VIDEOS:
        for t in range(T):
            images.append({"id": len(images) + 7, "file_name": f"{video}/{t:05d}.jpg"})
            for i, mask in predicted(video, t).items():
                about = {"id": len(annotations), "image_id": images[-1]["id"], "track_id": i}
                annotations.append({**about, "segmentation": rle(mask)})
    document = {"images": images, "annotations": annotations}
    put(to / "coco.json", json.dumps(document).encode("utf-16"))


def results_list(to: Path) -> None:
    records = [
        {"image_id": f"{video}/{t:05d}", "object_id": i, "segmentation": rle(mask), "score": 1}
        for video in VIDEOS
        for t in range(T)
        for i, mask in predicted(video, t).items()
    ]
    put(to / "list.json", json.dumps(records).encode())


def youtube_vis(to: Path) -> None:
    videos = [
        {"id": n, "file_names": [f"{video}/{t:05d}.jpg" for t in range(T)]}
        for n, video in enumerate(VIDEOS)
    ]
    annotations = [
        {
            "id": i,
            "video_id": n,
            "segmentations": [rle(predicted(video, t)[i]) for t in range(T)],
        }
        for n, video in enumerate(VIDEOS)
        for i in (1, 2)
    ]
    put(to / "ytvis.json", json.dumps({"videos": videos, "annotations": annotations}).encode())


def sav(to: Path) -> None:
    for video in VIDEOS:
        masks = [[rle(predicted(video, t)[i]) for i in (1, 2)] for t in range(T)]
        about = {"video_id": video, "masklet_id": [1, 2], "masklet": masks}
        put(to / f"{video}_manual.json", json.dumps(about).encode())


def frames_then_objects(video: str) -> dict[str, Any]:
    return {f"{t:05d}": {str(i): rle(m) for i, m in predicted(video, t).items()} for t in range(T)}


def objects_then_frames(video: str) -> dict[str, Any]:
    return {str(i): {f"{t:05d}.jpg": rle(predicted(video, t)[i]) for t in range(T)} for i in (1, 2)}


def objects_then_list(video: str) -> dict[str, Any]:
    return {str(i): [rle(predicted(video, t)[i]) for t in range(T)] for i in (1, 2)}


def numbers(video: str) -> list[Any]:
    """Runs as plain numbers, which COCO calls uncompressed."""

    def runs(mask: np.ndarray) -> dict[str, Any]:
        flat = mask.T.reshape(-1)
        edges = np.flatnonzero(np.diff(flat, prepend=False)).tolist()
        counts = np.diff([0, *edges, flat.size]).tolist()
        return {"size": [H, W], "counts": counts}

    return [{str(i): runs(m) for i, m in predicted(video, t).items()} for t in range(T)]


def json_per_video(to: Path) -> None:
    for video in VIDEOS:
        put(to / f"{video}.json", json.dumps(objects_then_frames(video)).encode("utf-8-sig"))


FORMS: dict[str, Callable[[Path], None]] = {
    "label maps": label_maps,
    "per object": per_object,
    "flat": flat,
    "colored": colored,
    "npz of label maps": npz_label_maps,
    "npz by frame": npz_by_frame,
    "npz by object": npz_by_object,
    "npz with ids": npz_with_ids,
    "npy of label maps": npy_label_maps,
    "npy, objects first": npy_objects_first,
    "npy with a channel": npy_channel,
    "npy in Fortran order": npy_fortran,
    "burst": burst,
    "coco": coco_images,
    "list of results": results_list,
    "youtube-vis": youtube_vis,
    "sa-v": sav,
    "video, frame, object": json_of(frames_then_objects),
    "video, object, frame": json_of(objects_then_frames),
    "video, object, list": json_of(objects_then_list),
    "runs as numbers": json_of(numbers),
    "json per video": json_per_video,
}


def zipped(folder: Path, top: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, top + file.relative_to(folder).as_posix())
        archive.writestr(f"__MACOSX/{top}._goat.png", b"x")
        archive.writestr(f"{top}.DS_Store", b"x")
    return path


def wanted() -> dict[str, float]:
    """J by hand: every object on the frames between the first and the last."""
    scores = {}
    for video in VIDEOS:
        js = []
        for t in range(1, T - 1):
            for i, mask in predicted(video, t).items():
                both = truth(t) == i
                js.append((both & mask).sum() / (both | mask).sum())
        scores[video] = float(np.mean(js))
    return scores


def scores_in(folder: Path) -> dict[str, float]:
    with (folder / "sequences.csv").open(newline="") as file:
        return {row["sequence"]: float(row["J_mean"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("pack", [None, "", "results/of mine/"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_scores_the_same(cli, root: Path, form: str, pack: str | None) -> None:
    source = root / "theirs"
    FORMS[form](source)
    if pack is not None:
        source = zipped(source, pack)
        shutil.rmtree(root / "theirs")
    data = ["--dataset", f"folder:{root / 'd'}", "--results", root / "r"]
    done = cli("eval", *data, "--masks", source)
    assert done.exit_code == 0, done.output
    assert scores_in(root / "r/folder-d/scores/theirs/davis") == pytest.approx(wanted())
    done = cli("results", "import", source, "--name", "brought", *data)
    assert done.exit_code == 0, done.output
    for video in VIDEOS:
        for t in range(T):
            path = root / f"r/folder-d/brought/masks/{video}/{t:05d}.png"
            np.testing.assert_array_equal(np.asarray(Image.open(path)), labels_of(video, t))
    assert not list((root / "r").rglob(".masks-*"))


def test_scores_of_other_forms_are_cached_and_compared(cli, root: Path, monkeypatch) -> None:
    per_object(root / "theirs")
    json_per_video(root / "others")
    data = ["--dataset", f"folder:{root / 'd'}", "--results", root / "r"]
    for name in ("theirs", "others"):
        assert cli("eval", *data, "--masks", root / name).exit_code == 0
    monkeypatch.setattr("vostool.scoring.masks.score_sequence", None)  # nothing is scored again
    done = cli("eval", *data, "--masks", root / "others")
    assert done.exit_code == 0, done.output
    done = cli("compare", "theirs", "others", *data)
    assert done.exit_code == 0, done.output
    assert "do not differ" in done.output


def test_overlaps_are_resolved_and_told(cli, root: Path) -> None:
    per_object(root / "theirs")
    twice = predicted("goat", 2)[1] | disk(36, 30, 3)
    put(root / "theirs/goat/001/00002.png", twice * np.uint8(255))
    data = ["--dataset", f"folder:{root / 'd'}", "--results", root / "r"]
    done = cli("results", "import", root / "theirs", "--name", "brought", *data)
    assert done.exit_code == 0, done.output
    pixels = int((twice & predicted("goat", 2)[2]).sum())
    assert pixels > 20
    assert f"({pixels} pixels, first in goat/00002)" in " ".join(done.output.split())
    brought = np.asarray(Image.open(root / "r/folder-d/brought/masks/goat/00002.png"))
    assert (brought[twice] == 1).all()


def test_masks_of_sa_v_keep_their_overlaps(cli, root: Path) -> None:
    """Each object of SA-V is scored by itself, and JSON gives each its whole mask."""
    for t in range(T):
        put(root / f"S/sav_val/JPEGImages_24fps/goat/{t:05d}.jpg", np.zeros((H, W, 3), np.uint8))
        for i in (0, 1):
            mask = disk(20, 20 + 4 * t + 6 * i, 9).astype(np.uint8)
            put(root / f"S/sav_val/Annotations_6fps/goat/{i:03d}/{t:05d}.png", mask)
    (root / "S/sav_val/sav_val.txt").write_text("goat\n")
    found = [[rle(disk(20, 21 + 4 * t + 6 * i, 9)) for i in (0, 1)] for t in range(T)]
    about = {"video_id": "goat", "masklet_id": [0, 1], "masklet": found}
    put(root / "theirs/goat_auto.json", json.dumps(about).encode())
    data = ["--dataset", "SA-V", "--root", root / "S", "--results", root / "r"]
    done = cli("eval", *data, "--masks", root / "theirs", "--out", root / "out")
    assert done.exit_code == 0, done.output
    a, b = disk(20, 20, 9), disk(20, 21, 9)
    j = (a & b).sum() / (a | b).sum()
    assert scores_in(root / "out") == pytest.approx({"goat/000": j, "goat/001": j})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda to: np.save(to / "goat.npy", np.zeros((T + 2, H, W), np.uint8)), "7 frames.*5"),
        (lambda to: np.save(to / "goat.npy", np.zeros((T, H, W + 1), np.uint8)), "65x48.*64x48"),
        (lambda to: np.save(to / "goat.npy", np.full((T, H, W), 0.5)), "not whole numbers"),
        (lambda to: np.save(to / "goat.npy", np.full((T, H, W), 300)), "300"),
        (lambda to: np.save(to / "goat.npy", np.zeros((T, H, W), bool)), "2 objects"),
        (lambda to: np.save(to / "goat.npy", np.array([{}])), "Python objects"),
        (lambda to: (to / "goat.npy").write_bytes(b"\x93NUMPY"), "cannot be read as NumPy"),
        (lambda to: (to / "goat.npz").write_bytes(b"PK\x03\x04"), "cannot be read as NumPy"),
        (lambda to: put(to / "a.json", b'{"goat": {"1": ["x", "x", "x", "x", "x"]}}'), "goat"),
        (lambda to: put(to / "a.json", b'{"goat": {"1": [null]}}'), "1 frames"),
        (lambda to: put(to / "a.json", b'{"goat": 3}'), "no masks of video"),
        (lambda to: put(to / "a.json", b"[" * 100000), "nested too deeply"),
        (lambda to: put(to / "a.json", b"<!DOCTYPE html>"), "web page"),
        (lambda to: put(to / "a.json", b'{"sheep": {}}'), "goat"),
        (lambda to: put(to / "a.json", b'[{"video_id": 3, "segmentations": []}]'), "videos"),
        (lambda to: put(to / "sheep.npy", b"x"), "sheep.npy"),
        (lambda to: put(to / "goat/000/00000.png", truth(0)), "Object 0"),
    ],
)
def test_what_does_not_fit_ends_in_a_sentence(cli, root: Path, damage: Any, words: str) -> None:
    source = root / "theirs"
    source.mkdir()
    damage(source)
    data = ["--dataset", f"folder:{root / 'd'}", "--sequences", "goat", "--results", root / "r"]
    for command in (
        ["eval", *data, "--masks", source],
        ["results", "import", source, "--name", "brought", *data],
    ):
        done = cli(*command)
        assert done.exit_code == 2, (done.output, done.exception)
        import re

        assert re.search(words, " ".join(done.output.split())), done.output


def test_a_file_that_is_a_pointer(cli, root: Path) -> None:
    source = root / "masks.zip"
    source.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n")
    done = cli("eval", "--dataset", f"folder:{root / 'd'}", "--masks", source)
    assert done.exit_code == 2
    assert "git lfs pull" in " ".join(done.output.split())
