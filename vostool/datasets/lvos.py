"""LVOS, versions 1 and 2, in the layout of its archives (Hong et al., ICCV 2023 and TPAMI 2025).

    <root>/valid/valid_meta.json                         the folder may be called val/, too
    <root>/valid/JPEGImages/<video>/00000001.jpg
    <root>/valid/Annotations/<video>/00000001.png        every fifth frame
    <root>/unseen_videos.txt                             or inside the split; of lvos-evaluation

The meta file gives each object a range of frames, whose first and last do not count. Whether a
video is seen or unseen is said by a list that comes with the evaluator, not with the dataset.
"""

from pathlib import Path
from typing import Any

from vostool.datasets.dataset import Contents, ObjectInfo
from vostool.datasets.layout import read_sequence, read_sequences
from vostool.errors import DatasetError
from vostool.io.text import lines_of, read_json, read_outside
from vostool.types import Sequence

FOLDERS = {"valid": ("valid", "val"), "train": ("train",), "test": ("test",)}
UNSEEN = "unseen_videos.txt"
STEP = 5  # annotated frames are so many apart


def meta_names(split: str) -> tuple[str, ...]:
    """Return where the meta file of a split may be, below the root."""
    folders = FOLDERS[split]
    return tuple(
        f"{at}{name}_meta.json" for at in (*(f"{f}/" for f in folders), "") for name in folders
    )


def read_lvos(root: Path, split: str, *, need_frames: bool) -> Contents:
    """Read one split of LVOS, its videos by name.

    Args:
        root: folder of the splits, or the folder of the split itself, which holds its meta file.
        split: `valid`, `train` or `test`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing or damaged, and where it was looked for.
    """
    meta = next((root / name for name in meta_names(split) if (root / name).is_file()), None)
    if meta is None:
        raise DatasetError(
            f"{root} holds no {meta_names(split)[0]}. The meta files of LVOS are downloads of "
            "their own: put it beside JPEGImages/ and Annotations/ of the split."
        )
    objects, starts = read_meta(meta)
    folder = meta.parent

    def read(name: str) -> Sequence:
        return read_sequence(
            name,
            folder / "JPEGImages" / name,
            folder / "Annotations" / name,
            dense=False,
            need_frames=need_frames,
            start=starts[name],
        )

    sequences = read_sequences(sorted(objects), folder, read)
    lists = [path for path in (folder / UNSEEN, root / UNSEEN) if path.is_file()]
    if split == "train":
        return Contents(sequences, root=folder, objects=objects)
    if not lists:
        note = (
            f"{root / UNSEEN} is not there, so seen and unseen videos are not told apart. Copy it "
            "from github.com/LingyiHongfd/lvos-evaluation."
        )
        return Contents(sequences, root=folder, objects=objects, notes=(note,))
    unseen = set(lines_of(read_outside(lists[0], DatasetError)))
    if len(unseen) == 1 and not unseen & objects.keys():
        unseen = set(next(iter(unseen)).split())
    notes: tuple[str, ...] = ()
    if not unseen & objects.keys():
        notes = (f"{lists[0]} names no video of this split, so all count as seen.",)
    seen = frozenset(name for name in objects if name not in unseen)
    return Contents(sequences, root=folder, objects=objects, seen=seen, notes=notes)


def read_meta(path: Path) -> tuple[dict[str, dict[int, ObjectInfo]], dict[str, str]]:
    """Read a meta file.

    Returns:
        Video -> object id -> the frames that count for it, with the video as its category; and
        video -> its first frame with an object.

    Raises:
        DatasetError: it is damaged or of another form.
    """
    objects: dict[str, dict[int, ObjectInfo]] = {}
    starts: dict[str, str] = {}
    try:
        for name, video in read_json(path, DatasetError, "meta file of LVOS")["videos"].items():
            ranges = {int(i): each["frame_range"] for i, each in video["objects"].items()}
            objects[name] = {i: ObjectInfo(name, _counting(about)) for i, about in ranges.items()}
            starts[name] = _stem(min(int(about["start"]) for about in ranges.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} is no meta file of LVOS ({type(error).__name__}: {error}). Download it again."
        ) from None
    if not objects:
        raise DatasetError(f"{path} lists no videos. Download it again.")
    return objects, starts


def _counting(about: dict[str, Any]) -> frozenset[str]:
    """Return the frames of an object that count: `frame_nums` from `start` on, without the ends."""
    start, end, count = (int(about[key]) for key in ("start", "end", "frame_nums"))
    # The evaluator goes through range(start, end, STEP) and leaves out number `frame_nums`.
    if count - len(range(start, end, STEP)) not in (0, 1):
        raise ValueError(f"{count} frames do not fit from {start} to {end}")
    return frozenset(_stem(start + STEP * i) for i in range(1, count - 1))


def _stem(frame: int) -> str:
    return f"{frame:08d}"
