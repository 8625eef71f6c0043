"""A local hold-out of YouTube-VOS: videos of train set aside, with seen and unseen categories.

The server keeps the ground truth of `valid`, so methods are compared on a part of train. Unseen
categories are those that no training video is left with: all videos that show one are set aside.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vostool.datasets.dataset import Objects
from vostool.datasets.youtube_vos import META, RECORD, read_youtube_vos
from vostool.errors import DatasetError
from vostool.io.storage import require_local
from vostool.io.text import read_json

_UNSEEN_SHARE = 0.5  # of the hold-out, at most, are chosen for their unseen categories


@dataclass(frozen=True, slots=True)
class HoldOut:
    """Videos of train, shared out.

    Args:
        train: names of the videos that training may use.
        valid: names of the videos set aside.
        seen: categories of `valid` that are in `train`.
        unseen: categories of `valid` that are not.
    """

    train: tuple[str, ...]
    valid: tuple[str, ...]
    seen: tuple[str, ...]
    unseen: tuple[str, ...]


def choose(objects: Objects, part: float, seed: int) -> HoldOut:
    """Choose the videos to set aside; the same seed chooses the same.

    Args:
        objects: video -> object id -> what `meta.json` says about it.
        part: share of the videos, above 0 and below 1.

    Raises:
        DatasetError: there are too few videos to have seen and unseen categories.
    """
    of_video = {name: {each.category for each in ids.values()} for name, ids in objects.items()}
    showing: dict[str, set[str]] = {}
    for name, categories in of_video.items():
        for category in categories:
            showing.setdefault(category, set()).add(name)
    count = round(part * len(of_video))
    aside: set[str] = set()
    for category in _shuffled(showing, seed):
        wanted = aside | showing[category]
        if len(wanted) <= _UNSEEN_SHARE * count:
            aside = wanted
    rarest = min(map(len, showing.values()))
    if not aside and rarest <= count:
        aside = next(showing[c] for c in _shuffled(showing, seed) if len(showing[c]) == rarest)
    others = _shuffled(set(of_video) - aside, seed)
    aside = aside | set(others[: count - len(aside)])
    train = tuple(sorted(set(of_video) - aside))
    left = {category for name in train for category in of_video[name]}
    held = {category for name in aside for category in of_video[name]}
    if not held & left or not held - left:
        raise DatasetError(
            f"{count} of {len(of_video)} videos cannot hold seen and unseen categories: the rarest "
            f"category takes {rarest} of them. Change --part."
        )
    seen, unseen = tuple(sorted(held & left)), tuple(sorted(held - left))
    return HoldOut(train, tuple(sorted(aside)), seen, unseen)


def _shuffled(names: Iterable[str], seed: int) -> list[str]:
    """Return names in an order that is the same on every machine."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def write_hold_out(
    root: Path,
    out: Path,
    *,
    part: float = 0.1,
    seed: int = 0,
    copy: bool = False,
) -> HoldOut:
    """Write `train/` and `valid/` in the layout of YouTube-VOS; they appear whole or not at all.

    Args:
        root: folder of YouTube-VOS, or of its split train.
        out: folder to write; absent or empty.
        part: share of the videos to set aside, above 0 and below 1.
        seed: another one sets others aside.
        copy: copy the files; otherwise folders of videos are symbolic links, or, where those
            cannot be made, folders of hard links.

    Raises:
        DatasetError: train is not there or damaged, `out` holds something, or there are too few
            videos.
    """
    require_local(root, "videos are linked or copied from a folder of this machine")
    contents = read_youtube_vos(root, "train", need_frames=True)
    assert contents.root is not None
    source = contents.root.resolve()
    chosen = choose(contents.objects, part, seed)
    videos = read_json(source / META, DatasetError)["videos"]
    _refuse_to_overwrite(out)
    target = out.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for split, names in (("train", chosen.train), ("valid", chosen.valid)):
            _write_split(building / split, source, {n: videos[n] for n in names}, copy)
        record = {
            "generator": "vostool split",
            "source": str(source),
            "part": part,
            "seed": seed,
            "seen": chosen.seen,
            "unseen": chosen.unseen,
        }
        (building / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        building.chmod(0o755)  # mkdtemp's folders are private
        _refuse_to_overwrite(out)  # somebody else may have been quicker
        os.replace(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return chosen


def _write_split(
    folder: Path,
    source: Path,
    videos: dict[str, Any],
    copy: bool,
) -> None:
    for kind in ("JPEGImages", "Annotations"):
        (folder / kind).mkdir(parents=True)
    for name in videos:
        for kind in ("JPEGImages", "Annotations"):
            _place(source / kind / name, folder / kind / name, copy)
    (folder / META).write_text(json.dumps({"videos": videos}) + "\n", encoding="utf-8")


def _place(source: Path, target: Path, copy: bool) -> None:
    """Make a folder of files appear at another place, without a copy where that can be."""
    if copy:
        shutil.copytree(source, target)
        return
    try:
        target.symlink_to(source.resolve(), target_is_directory=True)
    except (OSError, NotImplementedError):  # a file system or user without symbolic links
        shutil.copytree(source, target, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _refuse_to_overwrite(out: Path) -> None:
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise DatasetError(
            f"{out} exists and is not an empty folder. Name another folder for the hold-out, or "
            "remove this one first."
        )
