"""Objects of a video as text: COCO JSON with run-length encoded masks, and boxes."""

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from vostool.exchange.coco.rle import box_and_area, encode_objects
from vostool.io.label_maps import box_of, ids_in
from vostool.types import Labels
from vostool.video.source import Source, TimedFrame


class _TextFile:
    """A text that is written as frames come and appears when it is complete."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
        self._file: IO[str] = self._partial.open("w", encoding="utf-8", newline="")

    def close(self) -> None:
        """Finish the file and give it its name."""
        try:
            self._end()
            self._file.close()
            os.replace(self._partial, self._path)
        finally:
            self._file.close()
            self._partial.unlink(missing_ok=True)

    def _end(self) -> None:
        """Write what comes last."""


class BoxTable(_TextFile):
    """Boxes of objects, one line for each frame on which an object is seen.

    A `.csv` has a heading: frame and id as in the label maps, seconds, name, and x, y, w, h in
    pixels. A `.txt` is in the format of MOT, with frames from 1:
    `frame,id,x,y,w,h,confidence,-1,-1,-1`.
    """

    def __init__(self, path: Path, source: Source, names: Mapping[int, str]) -> None:
        super().__init__(path)
        self._names, self._mot = names, path.suffix.lower() == ".txt"
        self._rows = csv.writer(self._file, lineterminator="\n")
        if not self._mot:
            self._rows.writerow(["frame", "time", "id", "name", "x", "y", "w", "h"])

    def put(self, frame: TimedFrame, labels: Labels) -> None:
        """Write the boxes of one frame."""
        for object_id in ids_in(labels).tolist():
            box = box_of(labels == object_id)
            assert box is not None
            numbers = [int(side) for side in box]
            if self._mot:
                self._rows.writerow([frame.index + 1, object_id, *numbers, 1, -1, -1, -1])
            else:
                name = self._names.get(object_id, "")
                self._rows.writerow([frame.index, f"{frame.time:.3f}", object_id, name, *numbers])


class CocoJson(_TextFile):
    """COCO JSON: an image for each frame, an annotation for each object on it.

    `track_id` is the object's id in the label maps; an object that has a name is a category of
    that name, and the others are `object`.
    """

    def __init__(self, path: Path, source: Source, names: Mapping[int, str]) -> None:
        super().__init__(path)
        self._source, self._names = source, names
        self._categories = {"object": 1}
        for name in names.values():
            self._categories.setdefault(name, len(self._categories) + 1)
        self._times: list[tuple[int, float]] = []
        self._count = 0
        self._file.write('{"annotations":[')

    def put(self, frame: TimedFrame, labels: Labels) -> None:
        """Write the objects of one frame."""
        self._times.append((frame.index, frame.time))
        ids = ids_in(labels)
        if not ids.size:
            return
        for object_id, rle in zip(ids.tolist(), encode_objects(labels, ids), strict=True):
            self._count += 1
            box, area = box_and_area(rle)
            annotation = {
                "id": self._count,
                "image_id": len(self._times),
                "category_id": self._categories[self._names.get(object_id) or "object"],
                "track_id": object_id,
                "segmentation": rle,
                "bbox": box,
                "area": area,
                "iscrowd": 0,
            }
            self._file.write(("," if self._count > 1 else "") + _compact(annotation))

    def _end(self) -> None:
        height, width = self._source.size
        self._file.write('],"images":[')
        for number, (index, time) in enumerate(self._times, 1):
            image = {
                "id": number,
                "file_name": f"{self._source.name}/{index:05d}.png",
                "width": width,
                "height": height,
                "frame_index": index,
                "time": round(time, 6),
            }
            self._file.write(("," if number > 1 else "") + _compact(image))
        categories = [{"id": i, "name": name} for name, i in self._categories.items()]
        self._file.write(f'],"categories":{_compact(categories)}}}\n')


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
