"""Run-length encoded masks in JSON: of COCO, YouTube-VIS, BURST and SA-V, or simply nested.

    {"sequences": [{"seq_name", "height", "width", "annotated_image_paths",
                    "segmentations": [{ID: {"rle": ...}}]}]}                     BURST
    {"videos": [...], "images": [...], "annotations": [{"image_id", "track_id", ...}]}   COCO
    {"videos": [{"id", "name", "file_names"}], "annotations": [{"video_id", "segmentations"}]}
    {"video_id", "masklet_id": [ID], "masklet": [[RLE per object] per frame]}      SA-V
    {VIDEO: {ID: {FRAME: RLE}}}, {VIDEO: {FRAME: {ID: RLE}}}, {VIDEO: {ID: [RLE per frame]}}, ...

What a key is, is told by the names of the frames. A file may be of one video, `<video>.json`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from vostool.errors import DataError, ResultError
from vostool.exchange.coco.rle import check, decode, to_rle
from vostool.exchange.forms.content import Objects, Video, checked, id_in
from vostool.exchange.forms.json_tables import of_coco, of_lists
from vostool.exchange.forms.source import MaskSource
from vostool.io.text import MOST_JSON, parsed_json
from vostool.types import Mask

Tree = Any  # what JSON holds


class RleJson:
    """JSON files of masks; one is in memory at a time, as text of runs.

    Args:
        source: folder, zip or single file.
        files: their paths.
        names: of the videos.
    """

    def __init__(self, source: MaskSource, files: list[str], names: list[str]) -> None:
        self._source = source
        self._where: dict[str, str] = {}  # video -> file
        self._held: tuple[str, dict[str, Tree]] = ("", {})
        for file in files:
            for name in self._videos(file, names):
                if name in self._where:
                    raise ResultError(
                        f"{source.path / file} and {self._where[name]} both hold video '{name}'."
                    )
                self._where[name] = file

    def has(self, name: str) -> bool:
        return name in self._where

    def masks(self, video: Video) -> Iterator[tuple[str, Objects]]:
        file = self._where[video.name]
        path = self._source.path / file
        tree = self._videos(file, [video.name])[video.name]
        for name, objects in _by_frame(tree, video, path).items():
            yield name, {i: _mask(value, video, path) for i, value in objects.items()}

    def _videos(self, file: str, names: list[str]) -> dict[str, Tree]:
        """Return video -> what a file holds of it, of those that have one of the names."""
        if self._held[0] != file:
            path = self._source.path / file
            data = self._source.read(file, MOST_JSON)
            document = parsed_json(data, path, ResultError)
            self._held = (file, _sorted_out(document, PurePosixPath(file), path))
        return {name: self._held[1][name] for name in names if name in self._held[1]}


def _sorted_out(document: Tree, file: PurePosixPath, path: Path) -> dict[str, Tree]:
    """Return video -> its masks, nested by frame and object in either order."""
    try:
        if isinstance(document, dict) and "masklet" in document:
            return {str(document.get("video_id", file.stem)): _of_sav(document)}
        if isinstance(document, dict) and isinstance(document.get("sequences"), list):
            return of_lists(document["sequences"])
        if isinstance(document, dict) and isinstance(document.get("annotations"), list):
            return of_coco(document, path)
        if isinstance(document, list) and document and _is_record(document[0]):
            return of_coco({"annotations": document}, path)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ResultError(
            f"{path} holds masks in a form that cannot be read ({type(error).__name__}: {error})."
        ) from None
    videos = {file.stem.removesuffix("_manual").removesuffix("_auto"): document}
    videos[file.parent.name] = document
    if isinstance(document, dict):
        videos |= {PurePosixPath(key).name: value for key, value in document.items()}
    return videos


def _is_record(value: Tree) -> bool:
    return isinstance(value, dict) and bool({"image_id", "video_id"} & value.keys())


def _of_sav(document: dict[str, Tree]) -> list[Tree]:
    ids = document.get("masklet_id") or range(len(document["masklet"][0]))
    return [dict(zip(map(str, ids), frame, strict=True)) for frame in document["masklet"]]


def _by_frame(tree: Tree, video: Video, path: Path) -> dict[str, dict[int, Tree]]:
    """Return frame -> object id -> mask."""
    if isinstance(tree, list):
        names = video.names_for(len(tree), path)
        return {name: _by_id(each, video, path) for name, each in zip(names, tree, strict=True)}
    if not isinstance(tree, dict):
        raise ResultError(f"{path} holds no masks of video '{video.name}'.")
    stems = {PurePosixPath(key).stem: value for key, value in tree.items()}
    if video.knows(list(stems)):
        return {stem: _by_id(value, video, path) for stem, value in stems.items()}
    found: dict[str, dict[int, Tree]] = {}
    for key, value in tree.items():
        number = id_in(key, path)
        for name, mask in _of_object(value, video, path).items():
            found.setdefault(name, {})
            if mask is not None:
                found[name][number] = mask
    return found


def _of_object(value: Tree, video: Video, path: Path) -> dict[str, Tree]:
    """Return frame -> mask of one object."""
    if isinstance(value, dict) and not _is_mask(value):
        stems = {PurePosixPath(key).stem: mask for key, mask in value.items()}
        if video.knows(list(stems)):
            return stems
    if isinstance(value, list):
        return dict(zip(video.names_for(len(value), path), value, strict=True))
    raise ResultError(
        f"{path}: video '{video.name}' holds neither the names of its frames nor a list of them. "
        "Nest masks by video, object and frame, or by video, frame and object."
    )


def _by_id(value: Tree, video: Video, path: Path) -> dict[int, Tree]:
    """Return object id -> mask of one frame."""
    if value is None:
        return {}
    if _is_mask(value):
        return {video.only_id(path): value}
    if isinstance(value, Mapping):
        return {id_in(str(key), path): mask for key, mask in value.items() if mask is not None}
    if isinstance(value, list) and len(value) == len(video.ids):
        return {i: m for i, m in zip(video.ids, value, strict=True) if m is not None}
    raise ResultError(f"{path}: a frame of video '{video.name}' does not say whose its masks are.")


def _is_mask(value: Tree) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, dict) and bool({"counts", "rle", "segmentation"} & value.keys())


def _mask(value: Tree, video: Video, path: Path) -> Mask:
    """Decode one mask: RLE, packed or as numbers, or polygons."""
    while isinstance(value, dict) and "counts" not in value:
        inner = value.get("rle", value.get("segmentation"))
        size = value.get("size")
        value = {"size": size, "counts": inner} if isinstance(inner, str) and size else inner
    if isinstance(value, str):
        value = {"size": list(video.shape), "counts": value}
    if isinstance(value, dict) and "size" not in value:
        value = {**value, "size": list(video.shape)}
    height, width = video.shape
    try:
        if isinstance(value, dict) and list(value["size"]) != [height, width]:
            raise DataError(f"its size is {value['size']}, and masks are {[height, width]}")
        check(value, height, width)
        return checked(decode(to_rle(value, height, width)), video, path)
    except ResultError:
        raise
    except (DataError, TypeError, ValueError, UnicodeEncodeError) as error:
        raise ResultError(
            f"{path}: a mask of video '{video.name}' cannot be read: {error}. Write it again."
        ) from None
