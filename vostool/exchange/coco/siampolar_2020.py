"""DAVIS as the JSON that SiamPolar's training code reads (`tools/convert_datasets/davis2coco.py`).

    480p_train.json, 480p_val.json, 480p_trainval.json (2016), 2017_train.json, 2017_val.json

Each image has one annotation: all objects merged, as polygons. `id` of image and annotation is the
row number in the list of the split, from 1; images whose mask is empty, or has no contour of three
points, are left out, so ids have gaps. `first_frame` is the row number of the sequence's first row,
also if that one is left out. A category is a sequence, in the order of `db_info.yml`. Every pixel
that is not 0 counts, void too. Contours of holes are among the polygons, and readers fill them;
components of one or two pixels are in no polygon, but in `bbox`. So masks read from this file are
not those of the PNGs: use the default schema where that matters.

Differences from the original: frames and masks of 2017 are paired by name and sorted, not in the
order of the file system; a resolution other than 480p is possible; where the list of image and mask
pairs of 2016 is missing, the sequences of the split are listed frame by frame; `db_info.yml` may
also lie in the root or be called `.yaml`; the licence is the one DAVIS has; the names of its
authors end without a blank. On the same files, images, annotations and categories are equal.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from vostool.datasets.dataset import Dataset
from vostool.errors import DatasetError
from vostool.exchange.coco.rle import box_and_area, union_of_polygons
from vostool.exchange.coco.writer import Advance, Document, check_size
from vostool.io.label_maps import read_labels
from vostool.io.text import lines_of, read_outside
from vostool.types import Mask

_AFTER_SUFFIX = re.compile(r"(?<=\.\w{3})\s+|(?<=\.\w{4})\s+")  # names may have blanks
_NAME = re.compile(r"(?:^\s*-?\s*|[{,]\s*)name:\s*['\"]?([^'\"#,}\s]+)")


class Row(NamedTuple):
    """One row of the list of a split."""

    sequence: str
    image: Path
    mask: Path


def to_legacy(dataset: Dataset, year: int, advance: Advance) -> Document:
    """Convert a split of DAVIS.

    Args:
        dataset: DAVIS2016 or DAVIS2017, opened with its images.
        year: 2016 or 2017.
        advance: called with the frames done and their sequence.

    Raises:
        DatasetError: `db_info.yml` is missing or lacks a sequence, or a row's files do not fit.
        MaskError: a mask cannot be read.
    """
    names = sequence_names(dataset.root)
    category = {name: number for number, name in enumerate(names, start=1)}
    images, annotations = [], []
    current, first = "", 0
    for number, row in enumerate(_rows(dataset, year), start=1):
        if row.sequence not in category:
            raise DatasetError(
                f"The db_info.yml of {dataset.root} does not list sequence '{row.sequence}'. Take "
                "the one of the DAVIS edition that you convert."
            )
        if row.sequence != current:
            current, first = row.sequence, number
        labels = read_labels(row.mask)
        check_size(row.image, row.mask, labels, labels.shape)
        shape = _shape(labels != 0)
        advance(1, row.sequence)
        if shape is None:
            continue
        images.append(
            {
                "id": number,
                "file_name": row.image.relative_to(dataset.root).as_posix(),
                "height": labels.shape[0],
                "width": labels.shape[1],
                "first_frame": first,
                "license": 1,
                "url": "",
                "date_captured": "2016",
            }
        )
        place = {"id": number, "image_id": number, "category_id": category[row.sequence]}
        annotations.append({**place, **shape, "iscrowd": 0})
    return {
        "info": _info(year),
        "licenses": [_LICENCE],
        "type": "instances",
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": n, "supercategory": n} for n, i in category.items()],
    }


def legacy_name(dataset: Dataset, year: int) -> str:
    """Return the file name of the original converter, e.g. `480p_train.json`."""
    return f"{_folder(dataset) if year == 2016 else year}_{dataset.split}.json"


def to_legacy_json(document: Document) -> str:
    """Return the text as the original has it: keys sorted, indented by 4."""
    return json.dumps(document, sort_keys=True, indent=4)


def sequence_names(root: Path) -> list[str]:
    """Return the names of all sequences of `db_info.yml` in its order.

    Raises:
        DatasetError: it is missing, or lists none.
    """
    places = [
        folder / f"db_info{suffix}"
        for folder in (root / "Annotations", root)
        for suffix in (".yml", ".yaml")
    ]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DatasetError(
            f"{places[0]} is missing, which numbers the categories. Get db_info.yml of DAVIS 2016 "
            "from github.com/fperazzi/davis (2017: davis-2017), or drop --legacy."
        )
    text = read_outside(path, DatasetError)
    below = re.search(r"^sequences:.*\n((?:[\s#-].*\n?|\n)*)", text, re.M)
    found = [_NAME.search(line) for line in below[1].splitlines()] if below else []
    names = [match[1] for match in found if match]
    if not names:
        raise DatasetError(f"{path} lists no sequences with a name. Get it again.")
    return list(dict.fromkeys(names))


def _folder(dataset: Dataset) -> str:
    """Return the name of the resolution folder, e.g. `480p`."""
    return dataset.sequences[0].frames[0].parent.parent.name


def _rows(dataset: Dataset, year: int) -> Iterator[Row]:
    """Yield the rows of the list of image and mask pairs, or of what it would be."""
    listed = dataset.root / "ImageSets" / _folder(dataset) / f"{dataset.split}.txt"
    if year == 2016 and listed.is_file():
        for line in lines_of(read_outside(listed, DatasetError)):
            yield _row(line, dataset.root, listed)
        return
    for sequence in dataset.sequences:
        for index, image in enumerate(sequence.frames):
            yield Row(sequence.name, image, sequence.annotations[index])


def _row(line: str, root: Path, listed: Path) -> Row:
    pair = [name.strip("/") for name in _AFTER_SUFFIX.split(line)]
    if len(pair) != 2:
        raise DatasetError(f"{listed} has the row '{line}'; it must name an image and a mask.")
    image, mask = (root / name for name in pair)
    return Row(image.parent.name, image, mask)


def _shape(mask: Mask) -> dict[str, Any] | None:
    """Return polygons, box and area of a mask, or None if it has no contour of three points."""
    binary = mask.astype(np.uint8)
    contours, _ = cv2.findContours(binary, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    polygons = [np.ravel(c).astype(int).tolist() for c in contours if len(c) >= 3]
    if not polygons:
        return None
    _, area = box_and_area(union_of_polygons(polygons, *mask.shape))
    box = [int(value) for value in cv2.boundingRect(binary)]
    return {"segmentation": polygons, "bbox": box, "area": float(area)}


_LICENCE = {
    "id": 1,
    "name": "Attribution-NonCommercial 4.0",
    "url": "https://creativecommons.org/licenses/by-nc/4.0/",
}


def _info(year: int) -> dict[str, str]:
    return {
        "year": str(year),
        "version": "1.0",
        "description": "A Benchmark Dataset and Evaluation Methodology for Video Object "
        "Segmentation (DAVIS)",
        "contributor": "F. Perazzi, J. Pont-Tuset, B. McWilliams, L. Van Gool, M. Gross, "
        "A. Sorkine-Hornung",
        "url": "http://davischallenge.org/",
        "date_created": str(year),
    }
