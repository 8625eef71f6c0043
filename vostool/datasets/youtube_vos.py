"""YouTube-VOS in the layout of its archives (Xu et al., ECCV 2018).

    <root>/train/meta.json                               also valid/ and test/
    <root>/train/JPEGImages/<video>/00000.jpg            every fifth frame, or every frame
    <root>/train/Annotations/<video>/00000.png           every fifth frame

`meta.json` names the category of each object and the frames where it is annotated. Objects appear
late. Of `valid` and `test` only the masks of first appearances are public; the server has the rest.
"""

from pathlib import Path
from typing import Any

from vostool.datasets.dataset import Contents, ObjectInfo
from vostool.datasets.layout import read_sequence, read_sequences, split_folder
from vostool.errors import DatasetError
from vostool.io.text import lines_of, read_json, read_outside
from vostool.types import Sequence

SPLITS = ("valid", "train", "test")
META = "meta.json"
RECORD = "split.json"  # beside the splits, if `vostool split` made them


def read_youtube_vos(root: Path, split: str, *, need_frames: bool) -> Contents:
    """Read one split of YouTube-VOS, its videos by name.

    Args:
        root: folder of the splits, or the folder of the split itself, which holds `meta.json`.
        split: `train`, `valid` or `test`.
        need_frames: the images must be there, not only the masks.

    Raises:
        DatasetError: what is missing, and where it was looked for.
        UsageError: the root is the folder of another split.
    """
    folder = split_folder(root, split, SPLITS, META)
    objects = read_meta(folder / META)

    def read(name: str) -> Sequence:
        return read_sequence(
            name,
            folder / "JPEGImages" / name,
            folder / "Annotations" / name,
            dense=False,
            need_frames=need_frames,
            start=min(frame for info in objects[name].values() for frame in info.frames),
        )

    sequences = read_sequences(sorted(objects), folder, read)
    train = folder.parent / "train" / META
    seen = read_categories(train) if split != "train" and train.is_file() else None
    variant = _variant(folder.parent / RECORD)
    return Contents(sequences, root=folder, objects=objects, seen=seen, variant=variant)


def _variant(record: Path) -> str:
    """Return what tells a hold-out from the official splits, e.g. `holdout-0.1-0`."""
    try:
        about = read_json(record, DatasetError)
        return f"holdout-{float(about['part']):g}-{int(about['seed'])}"
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError):
        raise DatasetError(
            f"{record} is damaged. Remove the folder {record.parent} and make it again with "
            "`vostool split`."
        ) from None


def read_meta(path: Path) -> dict[str, dict[int, ObjectInfo]]:
    """Read `meta.json`: video -> object id -> category and annotated frames.

    Raises:
        DatasetError: it is absent, damaged or of another form.
    """
    try:
        videos = read_json(path, DatasetError, "meta.json of YouTube-VOS")["videos"]
        objects = {str(name): _objects(video) for name, video in videos.items()}
    except FileNotFoundError:
        raise DatasetError(f"{path} does not exist. Unpack the dataset again.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path} is no meta.json of YouTube-VOS ({type(error).__name__}: {error}). It is "
            '{"videos": {NAME: {"objects": {ID: {"category": ..., "frames": [...]}}}}}.'
        ) from None
    if not objects:
        raise DatasetError(f"{path} lists no videos. Unpack the dataset again.")
    for name, infos in objects.items():
        if not infos or not all(info.frames for info in infos.values()):
            raise DatasetError(
                f"{path} lists no objects of video '{name}', or one without frames. Unpack the "
                "dataset again."
            )
    return objects


def _objects(video: Any) -> dict[int, ObjectInfo]:
    return {
        int(object_id): ObjectInfo(str(each["category"]), frozenset(map(str, each["frames"])))
        for object_id, each in video["objects"].items()
    }


def read_categories(path: Path) -> frozenset[str]:
    """Read the seen categories: one a line, or all those of a `meta.json`.

    Raises:
        DatasetError: the file is absent, empty or no text.
    """
    if path.suffix == ".json":
        return frozenset(o.category for video in read_meta(path).values() for o in video.values())
    try:
        lines = lines_of(read_outside(path, DatasetError))
    except FileNotFoundError:
        raise DatasetError(f"The list of seen categories {path} does not exist.") from None
    categories = frozenset(lines)
    if not categories:
        raise DatasetError(f"{path} lists no categories. Write one category a line.")
    return categories
