"""COCO JSON read as videos: vostool's own, the legacy files of SiamPolar, and plain instances.

- Own files have `videos`, and images with `video_id` and `frame_index`; see `coco.py`.
- Legacy files have images with `first_frame`: an image id, which all images of a video share. A
  video is named after its folder, and its merged objects are track 1; see `legacy.py`.
- In plain files, such as `instances_val2017.json`, every image is a video of one frame, and the
  track of an object is its annotation id. Crowds are left out.

Masks stay packed until they are asked for.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from vostool.errors import DataError, DatasetError
from vostool.exchange.coco.rle import Rle, check, decode, to_rle
from vostool.io.frames import read_frame, told_if_turned
from vostool.io.text import read_json
from vostool.types import Box, Frame, Mask

_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CocoObject:
    """One object in one frame.

    Args:
        track_id: the same in all frames of a video.
        category: e.g. `object` or `giant_panda`.
        box: as the file has it.
        segmentation: polygons, or runs packed as text or listed as numbers.
        size: height and width of its image.
        where: names it in errors.
    """

    track_id: int
    category: str
    box: Box
    segmentation: Any
    size: tuple[int, int]
    where: str

    def rle(self) -> Rle:
        """Return the mask, packed.

        Raises:
            DatasetError: it is damaged.
        """
        try:
            return to_rle(self.segmentation, *self.size)
        except DataError as error:
            raise DatasetError(f"{self.where}: {error}. Write the file again.") from None

    def mask(self) -> Mask:
        """Return the mask as (H, W) bool.

        Raises:
            DatasetError: it is damaged.
        """
        try:
            return decode(self.rle())
        except DataError as error:
            raise DatasetError(f"{self.where}: {error}. Write the file again.") from None


@dataclass(frozen=True, slots=True)
class CocoFrame:
    """One annotated frame.

    Args:
        path: of the image.
        index: in its video, from 0.
        size: height and width.
        objects: by track id; none where the mask is empty.
    """

    path: Path
    index: int
    size: tuple[int, int]
    objects: dict[int, CocoObject]

    def image(self) -> Frame:
        """Decode the image as (H, W, 3) uint8 RGB.

        Raises:
            DatasetError: it is absent, damaged, or of another size than the masks.
        """
        frame = read_frame(self.path)
        if frame.shape[:2] != self.size:
            raise DatasetError(
                f"{self.path} is {frame.shape[1]}x{frame.shape[0]}, and its masks are "
                f"{self.size[1]}x{self.size[0]}. Name the root that the file was made from."
                f"{told_if_turned(self.path)}"
            )
        return frame


@dataclass(frozen=True, slots=True)
class CocoVideo:
    """One video, or one image of a file without videos.

    Args:
        name: of its sequence, or of its image.
        frames: those that are annotated, in order.
    """

    name: str
    frames: tuple[CocoFrame, ...]

    def tracks(self) -> dict[int, tuple[CocoFrame, ...]]:
        """Return, for each track by id, the frames where it is."""
        found: dict[int, list[CocoFrame]] = {}
        for frame in self.frames:
            for track_id in frame.objects:
                found.setdefault(track_id, []).append(frame)
        return {track_id: tuple(found[track_id]) for track_id in sorted(found)}


def read_coco(path: Path, root: Path, *, crowds: bool = False) -> tuple[CocoVideo, ...]:
    """Read a COCO file as videos, in the order of the file.

    Args:
        path: the JSON.
        root: folder that the names of the images start from.
        crowds: also return objects marked `iscrowd`.

    Raises:
        DatasetError: the file is absent, no such JSON, or contradicts itself.
    """
    document = _load(path)
    try:
        kind = _kind(document)
        _check_keys(document, kind, path)
        return _videos(document, kind, path, root, crowds)
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise DatasetError(
            f"{path} is no COCO file that can be read ({error}). Make or download it again."
        ) from None


def _load(path: Path) -> _Record:
    try:
        document = read_json(path, DatasetError)
    except FileNotFoundError:
        raise DatasetError(
            f"{path} does not exist. Make it with `vostool convert davis2coco`."
        ) from None
    held = document if isinstance(document, dict) else {}
    lacking = [key for key in ("images", "annotations", "categories") if key not in held]
    if lacking:
        raise DatasetError(f"{path} is no COCO file of masks: it lacks {', '.join(lacking)}.")
    return held


def _kind(document: _Record) -> Literal["own", "legacy", "plain"]:
    if "videos" in document:
        return "own"
    images = document["images"]
    return "legacy" if images and "first_frame" in images[0] else "plain"


_NEEDED: dict[str, dict[str, tuple[str, ...]]] = {  # what the records of each list must have
    "own": {
        "videos": ("id", "name"),
        "images": ("video_id", "frame_index"),
        "annotations": ("track_id",),
    },
    "legacy": {"images": ("first_frame",)},
    "plain": {},
    "any": {
        "images": ("id", "file_name", "width", "height"),
        "annotations": ("id", "image_id", "category_id", "bbox", "segmentation"),
        "categories": ("id", "name"),
    },
}


def _check_keys(document: _Record, kind: str, path: Path) -> None:
    """Refuse records that lack a key, and ids that two records of a list share."""
    for needed in (_NEEDED["any"], _NEEDED[kind]):
        for name, keys in needed.items():
            for number, record in enumerate(document[name], start=1):
                lacking = [key for key in keys if key not in record]
                if lacking:
                    raise DatasetError(
                        f"{path}: record {number} of '{name}' lacks {', '.join(lacking)}."
                    )
            ids = {record["id"] for record in document[name]}
            if len(ids) != len(document[name]):
                raise DatasetError(f"{path}: two records of '{name}' have the same id.")


def _videos(
    document: _Record, kind: str, path: Path, root: Path, crowds: bool
) -> tuple[CocoVideo, ...]:
    objects = _objects(document, kind, path, crowds)
    names: dict[int, str] = {}
    if kind == "own":
        names = {record["id"]: str(record["name"]) for record in document["videos"]}
    frames: dict[int, list[CocoFrame]] = {video_id: [] for video_id in names}
    for image in document["images"]:
        file = PurePosixPath(image["file_name"])
        if kind == "own":
            video_id, index = image["video_id"], int(image["frame_index"])
            if video_id not in names:
                raise DatasetError(f"{path}: image {image['id']} is of no video that it lists.")
        elif kind == "legacy":
            video_id, index = image["first_frame"], image["id"] - image["first_frame"]
            names.setdefault(video_id, file.parent.name)
        else:
            video_id, index = image["id"], 0
            names[video_id] = file.stem
        found = objects[image["id"]]
        frame = CocoFrame(root / file, index, (int(image["height"]), int(image["width"])), found)
        frames.setdefault(video_id, []).append(frame)
    for video_id, of_video in frames.items():
        of_video.sort(key=lambda frame: frame.index)
        indices = [frame.index for frame in of_video]
        if len(set(indices)) != len(indices) or min(indices, default=0) < 0:
            raise DatasetError(f"{path}: the frames of '{names[video_id]}' have no clear order.")
    return tuple(CocoVideo(names[i], tuple(of_video)) for i, of_video in frames.items())


def _objects(
    document: _Record, kind: str, path: Path, crowds: bool
) -> dict[int, dict[int, CocoObject]]:
    """Return the objects: image id -> track id -> object."""
    categories = {record["id"]: str(record["name"]) for record in document["categories"]}
    sizes = {i["id"]: (int(i["height"]), int(i["width"])) for i in document["images"]}
    found: dict[int, dict[int, CocoObject]] = {image_id: {} for image_id in sizes}
    for record in document["annotations"]:
        image_id, category_id = record["image_id"], record["category_id"]
        where = f"{path}: annotation {record['id']}"
        if image_id not in sizes or category_id not in categories:
            raise DatasetError(f"{where} names an image or a category that the file does not list.")
        if record.get("iscrowd") and not crowds:
            continue
        track_id = {"own": record.get("track_id"), "legacy": 1}.get(kind, record["id"])
        if track_id in found[image_id]:
            raise DatasetError(f"{where} repeats track {track_id} of image {image_id}.")
        try:
            check(record["segmentation"], *sizes[image_id])
        except DataError as error:
            raise DatasetError(f"{where}: {error}. Make or download it again.") from None
        found[image_id][track_id] = CocoObject(
            track_id=track_id,
            category=categories[category_id],
            box=Box(*map(float, record["bbox"])),
            segmentation=record["segmentation"],
            size=sizes[image_id],
            where=where,
        )
    return found
