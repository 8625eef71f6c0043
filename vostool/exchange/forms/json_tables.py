"""JSON of tables: records that name a video or an image, an object and a mask."""

from pathlib import Path, PurePosixPath
from typing import Any

from vostool.errors import ResultError

Tree = Any  # what JSON holds
_NAMES = ("seq_name", "sequence", "video_name", "video", "name")
_FILES = ("annotated_image_paths", "file_names", "frames", "images")
_OBJECTS = ("track_id", "object_id", "obj_id", "instance_id", "masklet_id", "id")


def of_lists(sequences: list[dict[str, Tree]]) -> dict[str, Tree]:
    """Return video -> frame -> object -> mask of a list of videos, as BURST has it."""
    videos: dict[str, Tree] = {}
    for sequence in sequences:
        masks = sequence["segmentations"]
        files = next((sequence[key] for key in _FILES if key in sequence), None)
        if files is not None:
            stems = [PurePosixPath(str(file)).stem for file in files]
            masks = dict(zip(stems, masks, strict=True))
        name = next(str(sequence[key]) for key in _NAMES if key in sequence)
        videos[PurePosixPath(name).name] = masks
    return videos


def of_coco(document: dict[str, Tree], path: Path) -> dict[str, Tree]:
    """Return video -> frame or object -> mask, of annotations of images or of videos.

    Raises:
        ResultError: the file does not name its videos, or an object is twice on a frame.
    """
    videos = {v["id"]: v for v in document.get("videos", [])}
    images = {i["id"]: i for i in document.get("images", [])}
    found: dict[str, dict[str, Tree]] = {}
    # Frames without an annotation are there, and have nothing.
    for image in images.values():
        found.setdefault(_video_of(image, videos), {}).setdefault(_stem(image), {})
    for number, record in enumerate(document["annotations"], start=1):
        if "segmentations" in record:
            _add_track(found, record, videos, path)
            continue
        image = images.get(record["image_id"])
        if image is None and isinstance(record["image_id"], str):
            image = {"file_name": record["image_id"]}  # the name itself, `video/00000`
        if image is None:
            raise ResultError(f"{path}: annotation {number} is of an image that the file lacks.")
        frame = found.setdefault(_video_of(image, videos), {}).setdefault(_stem(image), {})
        key = _object_of(record, number, path)
        if key in frame:
            raise ResultError(f"{path}: annotation {number} repeats object {key} of its image.")
        frame[key] = record["segmentation"]
    return dict(found)


def _add_track(
    found: dict[str, dict[str, Tree]],
    record: dict[str, Tree],
    videos: dict[Tree, dict[str, Tree]],
    path: Path,
) -> None:
    """Add one object of a video, with a mask or null for each frame."""
    video = videos.get(record["video_id"])
    if video is None and not isinstance(record["video_id"], str):
        raise ResultError(
            f"{path} names its videos by number, {record['video_id']}, and has no 'videos' that "
            'says which those are. Add them: {"videos": [{"id", "name", "file_names"}]}.'
        )
    name = str(record["video_id"]) if video is None else _name(video)
    files = (video or {}).get("file_names")
    masks = record["segmentations"]
    if files is None:
        found.setdefault(name, {})[_object_of(record, 0, path)] = masks
        return
    key = _object_of(record, 0, path)
    for file, mask in zip(files, masks, strict=True):
        frame = found.setdefault(name, {}).setdefault(PurePosixPath(file).stem, {})
        if key in frame:
            raise ResultError(f"{path} holds object {key} of video '{name}' twice.")
        frame[key] = mask


def _object_of(record: dict[str, Tree], number: int, path: Path) -> str:
    for key in _OBJECTS[:-1]:
        if key in record:
            return str(record[key])
    if "segmentations" in record and "id" in record:
        return str(record["id"])
    raise ResultError(
        f"{path}: annotation {number} does not say which object it is. Give each a track_id, the "
        "object's id in the first masks."
    )


def _video_of(image: dict[str, Tree], videos: dict[Tree, dict[str, Tree]]) -> str:
    if image.get("video_id") in videos:
        return _name(videos[image["video_id"]])
    return PurePosixPath(str(image["file_name"])).parent.name


def _name(video: dict[str, Tree]) -> str:
    if "name" in video:
        return PurePosixPath(str(video["name"])).name
    return PurePosixPath(str(video["file_names"][0])).parent.name


def _stem(image: dict[str, Tree]) -> str:
    return PurePosixPath(str(image["file_name"])).stem
