"""Label maps as COCO JSON with video, track and frame fields, without loss.

    info         description, year, converter, version (of vostool)
    videos       id, name, width, height, length (frames)
    images       id, video_id, frame_index (from 0), file_name (below the root), width, height
    annotations  id, image_id, video_id, track_id, category_id, bbox, area, iscrowd, segmentation
    categories   id, name, supercategory

There is one annotation per object and annotated frame. `track_id` is the object's id in the label
maps, so it tells objects of one video apart. `segmentation` is a packed run-length mask, `bbox` is
tight and `area` counts pixels. An annotated frame without objects has an image and no annotation.
Ids count from 1. Videos are in the order of the split, then frames, then objects; nothing depends
on the clock or the machine, so the same files give the same bytes.
"""

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.exchange.coco.rle import box_and_area, encode_objects
from vostool.io.frames import frame_size, told_if_turned
from vostool.io.label_maps import VOID, ids_in, refuse_soft
from vostool.io.readahead import Ahead
from vostool.types import Labels, Sequence

ONE_CATEGORY = "object"  # of datasets that name none
Document = dict[str, Any]  # what a JSON file holds
Advance = Callable[[int, str], None]


def to_coco(dataset: Dataset, converter: str, year: int, advance: Advance) -> Document:
    """Convert the annotated frames of a dataset.

    Args:
        dataset: opened with its images.
        converter: name of the command.
        year: of the dataset.
        advance: called with the frames done and their sequence.

    Raises:
        DatasetError: a sequence has no object, sizes differ, or an object has no category.
        MaskError: a label map cannot be read as ids.
    """
    named = {info.category for infos in dataset.objects.values() for info in infos.values()}
    categories = {name: i for i, name in enumerate(sorted(named) or [ONE_CATEGORY], start=1)}
    document: Document = {
        "info": {
            "description": f"{dataset.name} {dataset.split}",
            "year": year,
            "converter": f"vostool convert {converter}",
            "version": version("vostool"),
        },
        "videos": [],
        "images": [],
        "annotations": [],
        "categories": [
            {"id": number, "name": name, "supercategory": ONE_CATEGORY}
            for name, number in categories.items()
        ],
    }
    for sequence in dataset.sequences:
        _add_video(document, dataset, sequence, categories, advance)
    return document


def _add_video(
    document: Document,
    dataset: Dataset,
    sequence: Sequence,
    categories: dict[str, int],
    advance: Advance,
) -> None:
    videos, images, annotations = (document[k] for k in ("videos", "images", "annotations"))
    video_id, before = len(videos) + 1, len(annotations)
    size: tuple[int, ...] = ()
    ordered = sorted(sequence.annotations.items())
    for (index, path), labels in zip(ordered, _labels_of(dataset, ordered), strict=True):
        size = size or labels.shape
        check_size(sequence.frames[index], path, labels, size)
        ids = ids_in(labels)
        if ids.size and not dataset.merged:  # merging refuses them itself
            refuse_soft(labels, path)
        image_id = len(images) + 1
        images.append(
            {
                "id": image_id,
                "video_id": video_id,
                "frame_index": index,
                "file_name": sequence.frames[index].relative_to(dataset.root).as_posix(),
                "width": size[1],
                "height": size[0],
            }
        )
        for track_id, about in _objects(labels, ids):
            category = categories[_category(dataset, sequence, track_id, path)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "video_id": video_id,
                    "track_id": track_id,
                    "category_id": category,
                    **about,
                }
            )
        advance(1, sequence.name)
    if len(annotations) == before:
        raise DatasetError(_nothing(dataset, sequence))
    name, frames = sequence.name, len(sequence)
    videos.append(
        {"id": video_id, "name": name, "width": size[1], "height": size[0], "length": frames}
    )


def _labels_of(dataset: Dataset, ordered: list[tuple[int, Path]]) -> Iterator[Labels]:
    """Yield label maps in order."""
    with Ahead(path for _, path in ordered) as ahead:
        for _, path in ordered:
            yield dataset.labels(path, ahead.read)


def _objects(labels: Labels, ids: NDArray[np.intp]) -> Iterator[tuple[int, Document]]:
    """Yield each id of a label map with the fields of its mask."""
    if not ids.size:
        return
    for track_id, rle in zip(ids.tolist(), encode_objects(labels, ids), strict=True):
        box, area = box_and_area(rle)
        yield track_id, {"bbox": box, "area": area, "iscrowd": 0, "segmentation": rle}


def _category(dataset: Dataset, sequence: Sequence, object_id: int, path: Path) -> str:
    if not dataset.objects:
        return ONE_CATEGORY
    known = dataset.objects[sequence.name]
    if object_id not in known:
        raise DatasetError(
            f"{path} shows object {object_id}, and meta.json lists only "
            f"{', '.join(map(str, sorted(known)))} for '{sequence.name}'. Unpack the dataset again."
        )
    return known[object_id].category


def _nothing(dataset: Dataset, sequence: Sequence) -> str:
    """Return the sentence for a sequence without objects."""
    path = min(sequence.annotations.items())[1]
    text = f"No mask of sequence '{sequence.name}' in {path.parent} shows an object."
    if (dataset.labels(path) == VOID).any():
        return f"{text} They hold only 255 (void): for binary masks use --year 2016."
    return f"{text} Unpack the dataset again."


def check_size(image: Path, mask: Path, labels: Labels, size: tuple[int, ...]) -> None:
    """Refuse a mask that is not as large as its image, or as the other masks of its sequence.

    Args:
        image: of which only the size is read.
        mask: named in the error.
        labels: (H, W) label map of that mask.
        size: height and width of the sequence.

    Raises:
        DatasetError: sizes differ, or the image is none.
    """
    width, height = frame_size(image)
    for other, what in (((height, width), f"its image {image}"), (size, "the first of them")):
        if labels.shape != other:
            raise DatasetError(
                f"{mask} is {labels.shape[1]}x{labels.shape[0]}, and {what} is "
                f"{other[1]}x{other[0]}. Unpack the dataset again.{told_if_turned(image)}"
            )


def to_json(document: Document) -> str:
    """Return a document as JSON, one record a line, so that people and `diff` can read it."""
    parts = []
    for key, value in document.items():
        if isinstance(value, list):
            text = "[\n" + ",\n".join(map(_compact, value)) + "\n]"
        else:
            text = _compact(value)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
