"""Prompts of many videos in one file, JSON or CSV: frame, id, box or mask.

    {"clip.mp4": [{"frame": 0, "id": 1, "box": [120, 80, 64, 48], "name": "dog"},
                  {"time": 2.5, "id": 2, "mask": "cat.png"}]}

    video,frame,id,box,mask,name
    clip.mp4,0,1,120 80 64 48,,dog
    clip.mp4,2.5s,2,,cat.png,

A JSON file may be the list alone, and a CSV file lack the column `video`: they are of any video.
Numbers of a box may be texts with `%`. Masks are looked for beside the file.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vostool.errors import UsageError
from vostool.io.storage import read_text
from vostool.video.prompts import Given, When, checked_id, parse_box, parse_when

_ANY = ""  # key of prompts that name no video
_KEYS = ("video", "frame", "time", "id", "box", "mask", "name")


class PromptFile:
    """What a file says about where the objects of videos are.

    Args:
        path: `.json` or `.csv`.

    Raises:
        UsageError: it cannot be read, naming entry and key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = read_text(path, "utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"The prompts {path} cannot be read: {reason}.") from None
        rows = self._json(text) if path.suffix.lower() == ".json" else self._csv(text)
        self._given: dict[str, list[Given]] = {}
        for number, (video, row) in enumerate(rows, 1):
            where = f"{path}, entry {number}"
            self._given.setdefault(video, []).append(_entry(row, path.parent, where))
        if not self._given:
            raise UsageError(f"The prompts {path} have no entry.")

    @property
    def videos(self) -> tuple[str, ...]:
        """Return the videos that the file names."""
        return tuple(name for name in self._given if name != _ANY)

    def of(self, video: Path | str) -> list[Given]:
        """Return what is given for a video, by its path, file name or stem.

        Raises:
            UsageError: the file names other videos only.
        """
        path = Path(video)
        for key in (str(video), path.name, path.stem, _ANY):
            if key in self._given:
                return self._given[key]
        for key, given in self._given.items():
            if Path(key).stem == path.stem or Path(key).name == path.name:
                return given
        known = ", ".join(self.videos[:5])
        raise UsageError(f"{self.path} has no prompts for {path.name}. It has some for: {known}.")

    def _json(self, text: str) -> list[tuple[str, Mapping[str, Any]]]:
        try:
            document = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{self.path} is no JSON: {error}.") from None
        if isinstance(document, list):
            document = {_ANY: document}
        if not isinstance(document, dict) or not all(
            isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
            for rows in document.values()
        ):
            raise UsageError(
                f'{self.path} must be {{"clip.mp4": [{{"frame": 0, "box": [x, y, w, h]}}]}}'
                ", or such a list alone."
            )
        return [(str(video), row) for video, rows in document.items() for row in rows]

    def _csv(self, text: str) -> list[tuple[str, Mapping[str, Any]]]:
        reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
        if "box" not in (reader.fieldnames or ()) and "mask" not in (reader.fieldnames or ()):
            raise UsageError(
                f"{self.path} needs a first line that names its columns: "
                "video,frame,id,box,mask,name, of which box or mask must be there."
            )
        rows: list[tuple[str, Mapping[str, Any]]] = []
        for row in reader:
            if None in row:
                raise UsageError(
                    f"{self.path}, line {reader.line_num} has more cells than there are columns. "
                    'Write a box as 120 80 64 48, or within quotes: "120,80,64,48".'
                )
            filled = {key: value for key, value in row.items() if value}
            rows.append((filled.pop("video", _ANY), filled))
        return rows


def _entry(row: Mapping[str, Any], folder: Path, where: str) -> Given:
    """Return one entry of a file."""
    strange = sorted(set(row) - set(_KEYS))
    if strange:
        raise UsageError(f"{where}: there is no key '{strange[0]}'. Known: {', '.join(_KEYS)}.")
    if ("box" in row) == ("mask" in row):
        raise UsageError(f"{where} needs a box or a mask, and not both.")
    given = (
        _box(row["box"], where) if "box" in row else Given(where, mask=folder / str(row["mask"]))
    )
    number = row.get("id")
    if number is not None:
        try:
            number = checked_id(int(number), where)
        except ValueError:
            raise UsageError(f"{where}: the id is a number from 1, not {number!r}.") from None
    return replace(
        given, text=where, when=_when(row, where), object_id=number, name=str(row.get("name", ""))
    )


def _when(row: Mapping[str, Any], where: str) -> When:
    if "time" in row:
        try:
            return When(None, float(str(row["time"]).removesuffix("s")))
        except ValueError:
            raise UsageError(f"{where}: the time is in seconds, not {row['time']!r}.") from None
    return parse_when(str(row.get("frame", "")), where)


def _box(value: Any, where: str) -> Given:
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) != 4:
        raise UsageError(f"{where}: a box is four numbers x, y, w, h; not {value!r}.")
    try:
        return parse_box(",".join(map(str, parts)))
    except UsageError:
        raise UsageError(
            f"{where}: a box is four numbers x, y, w, h in pixels or percent, with w and h above "
            f"0; not {value!r}."
        ) from None
